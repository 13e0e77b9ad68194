"""What earlier runs of `sync apply` put at a backend: so that things can be deleted where nothing is listed.

It is written before a run begins, with everything the run is about, and again when it is over: at any moment
it has at least what is there because of it.
"""

import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson

from gateway.model.inventory import Kind
from gateway.sync.plan import Ident

_FORMAT = 1
_MAX_BYTES = 64 * 1024 * 1024
"""As the largest inventory file."""


class StateFileError(Exception):
    """The file cannot be used; the text says why and what to do."""


def read_state(path: Path, backend: str) -> set[Ident]:
    """What was put at `backend` by the runs this file saw; nothing when it is not there yet.

    Raises `StateFileError`.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise StateFileError(f"{path}: larger than {_MAX_BYTES} bytes; it is no state file")
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StateFileError(f"{path}: cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise StateFileError(f"{path}: is no state file; name another one") from error
    return _idents(path, found, backend)


def write_state(path: Path, backend: str, idents: Collection[Ident]) -> None:
    """Put `idents` in place of what the file has, all or nothing. Raises `StateFileError`."""
    told: dict[str, Any] = {"format": _FORMAT, "backend": backend}
    for kind in Kind:
        told[kind.value] = sorted(key for each, key in idents if each is kind)
    name = ""
    try:
        # Only its owner may read it: it has phone numbers in full.
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(told, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise StateFileError(f"{path}: cannot be written: {error.strerror}; name another file") from error


def _idents(path: Path, found: object, backend: str) -> set[Ident]:
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise StateFileError(f"{path}: is no state file of this version; name another one")
    if found.get("backend") != backend:
        raise StateFileError(f"{path}: is about {found.get('backend')}, not {backend}; keep a file for each")
    keys = {kind: found.get(kind.value) for kind in Kind}
    for kind, each in keys.items():
        if not isinstance(each, list) or not all(isinstance(key, str) for key in each):
            raise StateFileError(f"{path}: {kind} is no list of texts; restore the file from a backup")
    return {(kind, key) for kind, each in keys.items() for key in each or ()}
