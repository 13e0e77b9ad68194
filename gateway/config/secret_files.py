"""Secrets in files of their own: `x_file` names the file that holds the secret `x`."""

import stat
from pathlib import Path
from typing import get_origin

from gateway.config.problems import ConfigError, Problem
from gateway.config.schema import Entry
from gateway.config.sources import Given

MAX_BYTES = 65_536
"""A secret is a line; a file larger than this was named by mistake."""


def read_secret(given: Given, entry: Entry) -> str:
    """The content of the file, stripped; a list has one value a line. Raises `ConfigError`."""
    if not isinstance(given.raw, str):
        raise _wrong(given, "expected the name of a file", 'write it in quotes: "outboundiq.key"')
    name, path = given.raw, Path(given.raw)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        hint = f"name a file with the secret in it, or set {entry.environment}"
        raise _wrong(given, f"{name} cannot be read: {reason}", hint) from error
    if len(content) > MAX_BYTES:
        raise _wrong(given, f"{name} is larger than {MAX_BYTES} bytes", "name the file with the secret")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise _wrong(given, f"{name} is empty", "write the secret into it")
    return ",".join(lines) if get_origin(entry.hint) is tuple else text.strip()


def exposure(name: str) -> str:
    """A warning when everybody on the machine can read the secret in the file; "" otherwise."""
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return ""
    return f"{name} can be read by every user; run: chmod 640 {name}" if mode & stat.S_IROTH else ""


def _wrong(given: Given, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(".".join(given.parts) + "_file", message, given.origin, hint)])
