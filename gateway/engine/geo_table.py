"""The geography as bytes: how the table is written to and read from disk.

    magic | crc32 of the rest (4 bytes) | header length (4 bytes) | header | columns

Integers are little-endian. The header is JSON with the names and small tables; the columns are the arrays of
`ZipColumns` one after the other, in the machine's own order of bytes, which the header names. A table that
does not fit is not mended but made again.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.engine.geo import AreaFacts, GeoFacts, Geography, Point, ZipColumns

_MAGIC = b"ANIGEO1\n"
_FRAME = struct.Struct("<II")
_COLUMNS = (("row_of", "H"), ("lat", "f"), ("lon", "f"), ("state", "B"), ("area_set", "H"))
_ZIPS = 100_000


class GeoTableError(Exception):
    """The bytes are no table, a damaged one, or one made for other versions or another machine."""


def to_bytes(facts: GeoFacts, key: str) -> bytes:
    """The table; `key` names what it was made from."""
    states = sorted({entry.state for entry in facts.zips.values()})
    area_sets = sorted({entry.area_codes for entry in facts.zips.values()})
    columns = _columns(facts, states, area_sets)
    header = orjson.dumps(
        {
            "key": key,
            "byteorder": sys.byteorder,
            "states": states,
            "area_sets": area_sets,
            "areas": {
                area: (entry.state, entry.point and tuple(entry.point)) for area, entry in facts.areas.items()
            },
            "uk_places": dict(facts.uk_places),
            "lengths": [len(column) for column in columns],
        }
    )
    body = header + b"".join(column.tobytes() for column in columns)
    framed = struct.pack("<I", len(header)) + body
    return _MAGIC + struct.pack("<I", zlib.crc32(framed)) + framed


def from_bytes(content: bytes, key: str) -> Geography:
    """The geography in a table made with the same `key`. Raises `GeoTableError`."""
    start = len(_MAGIC) + _FRAME.size
    if len(content) < start or not content.startswith(_MAGIC):
        raise GeoTableError("no geography table")
    checksum, header_length = _FRAME.unpack_from(content, len(_MAGIC))
    if zlib.crc32(content[len(_MAGIC) + 4 :]) != checksum:
        raise GeoTableError("damaged geography table")
    header = orjson.loads(content[start : start + header_length])
    if header["key"] != key or header["byteorder"] != sys.byteorder:
        raise GeoTableError("geography table of other versions or another machine")
    return _geography(header, content[start + header_length :])


def _geography(header: Mapping[str, Any], body: bytes) -> Geography:
    columns: dict[str, array[Any]] = {}
    offset = 0
    for (name, code), length in zip(_COLUMNS, header["lengths"], strict=True):
        column: array[Any] = array(code)
        end = offset + length * column.itemsize
        column.frombytes(body[offset:end])
        columns[name], offset = column, end
    zips = ZipColumns(
        **columns, states=header["states"], area_sets=[tuple(codes) for codes in header["area_sets"]]
    )
    areas = {
        area: AreaFacts(state, None if point is None else Point(*point))
        for area, (state, point) in header["areas"].items()
    }
    return Geography(zips, areas, header["uk_places"])


def _columns(
    facts: GeoFacts, states: list[str], area_sets: list[tuple[str, ...]]
) -> list["array[int] | array[float]"]:
    state_index = {state: index for index, state in enumerate(states)}
    set_index = {codes: index for index, codes in enumerate(area_sets)}
    row_of = array("H", bytes(2 * _ZIPS))
    for row, code in enumerate(facts.zips):
        row_of[int(code)] = row + 1
    entries = facts.zips.values()
    return [
        row_of,
        array("f", (entry.point.lat for entry in entries)),
        array("f", (entry.point.lon for entry in entries)),
        array("B", (state_index[entry.state] for entry in entries)),
        array("H", (set_index[entry.area_codes] for entry in entries)),
    ]
