"""What each `Form` of text must look like, as a table, and the limits of numbers."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.config.schema import Entry
from gateway.config.values import WrongValueError
from gateway.model.phone import parse_phone
from gateway.model.setting import Form

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):(?P<port>[0-9]{1,5})", re.ASCII)
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}", re.ASCII)
_DIGITS = re.compile(r"[0-9*#]+", re.ASCII)
_MAX_PORT = 65_535


def _is_address(text: str) -> bool:
    match = _ADDRESS.fullmatch(text)
    return match is not None and int(match["port"]) <= _MAX_PORT


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _is_timezone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_readable(text: str) -> bool:
    try:
        with Path(text).open("rb"):
            return True
    except OSError:
        return False


_FORMS: dict[Form, tuple[Callable[[str], bool], str, str]] = {
    Form.TEXT: (lambda _: True, "", ""),
    Form.ADDRESS: (_is_address, "HOST:PORT", 'write for example "127.0.0.1:4573" or "[::1]:4573"'),
    Form.DOOR: (
        lambda text: not text or _is_address(text),
        'HOST:PORT, or "" for none',
        'write for example "127.0.0.1:4580"',
    ),
    Form.NETWORK: (
        _is_network,
        "a network (CIDR)",
        'write for example "10.1.0.0/16", with no bits after the prefix',
    ),
    Form.PHONE: (
        lambda text: parse_phone(text) is not None,
        "a phone number",
        'write for example "+15552223333"',
    ),
    Form.PREFIX: (lambda text: bool(_PREFIX.fullmatch(text)), "an E.164 prefix", 'write for example "+1900"'),
    Form.DIGITS: (lambda text: bool(_DIGITS.fullmatch(text)), "digits to dial", "write 0-9, * and # only"),
    Form.URL: (_is_url, "a URL", 'write for example "https://api.example.com"'),
    Form.TIMEZONE: (_is_timezone, "a time zone", 'write an IANA name, for example "America/New_York"'),
    Form.FILE: (_is_readable, "a file that can be read", "check its name and who may read it"),
}
"""Form: whether a text has it, what is expected, and how to mend it."""


def check(value: object, entry: Entry) -> None:
    """Hold `value` against the limits of its setting. Raises `WrongValueError`."""
    if isinstance(value, tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            _check_one(each, entry)
    elif not (_is_none(value) and _is_none(entry.default)):
        _check_one(value, entry)


def _is_none(value: object) -> bool:
    """Whether the value says "there is none", as a setting does whose default is empty."""
    return value is None or value == ""


def _check_one(value: object, entry: Entry) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(value, entry)
    if not isinstance(value, str):
        return
    if entry.choices and value not in entry.choices:
        raise WrongValueError(f"one of {', '.join(entry.choices)}", value)
    fits, expected, hint = _FORMS[entry.form]
    if not fits(value):
        raise WrongValueError(expected, value, hint)


def plain(number: float) -> str:
    """`number` without an exponent, and without ".0" where it is whole."""
    return f"{number:.0f}" if number == int(number) else str(number)


def _check_number(value: float, entry: Entry) -> None:
    unit = f" {entry.unit}" if entry.unit else ""
    value = int(value) if value == int(value) else value
    if entry.least is not None and value < entry.least:
        raise WrongValueError(f"at least {plain(entry.least)}{unit}", value)
    if entry.most is not None and value > entry.most:
        raise WrongValueError(f"at most {plain(entry.most)}{unit}", value)
