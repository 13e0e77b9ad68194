"""Keeps the geography table on disk, so that only the first start folds it out of the packages."""

import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from gateway.engine.geo import Geography
from gateway.engine.geo_table import GeoTableError, from_bytes, to_bytes

_log = logging.getLogger(__name__)
# Raise with every change of what `geo_build` folds or `geo_table` writes.
_FORMAT = 2


def cache_file(directory: str) -> Path:
    """Where the table lies: in `directory`, or "" for the user's cache (XDG Base Directory Specification)."""
    if directory:
        return Path(directory) / "geo.bin"
    # The specification has relative paths ignored.
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return home / "ani-gateway" / "geo.bin"


def open_geography(directory: str = "") -> Geography:
    """The geography, from disk when it fits the installed packages, else folded and kept (1 to 2 s).

    Works without a writable disk: the table is then folded at every start, and the log says so.
    """
    key = _key()
    path = _usable_cache_file(directory)
    if path is not None and (content := _read(path)) is not None:
        try:
            return from_bytes(content, key)
        except GeoTableError as error:
            _log.info("making %s again: %s", path, error)
    content = _fold(key)
    if path is not None:
        _keep(path, content)
    return from_bytes(content, key)


def _key() -> str:
    return f"{_FORMAT} zipcodes {version('zipcodes')} phonenumbers {version('phonenumbers')}"


def _fold(key: str) -> bytes:
    # Imported here: the packages take half a second and 300 MB, which only this start needs.
    from gateway.engine.geo_build import fold

    return to_bytes(fold(), key)


def _usable_cache_file(directory: str) -> Path | None:
    try:
        return cache_file(directory)
    except RuntimeError as error:
        _log.warning("no cache folder for the geography table: %s; set engine.cache_dir", error)
        return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("cannot read the geography table: %s", error)
        return None


def _keep(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that no other process ever sees half a table."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".geo-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        _log.warning(
            "cannot keep the geography table (%s); each start takes 1 to 2 s longer, set engine.cache_dir",
            error,
        )
