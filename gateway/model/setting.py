"""How a settings dataclass declares one setting: default, unit, limits, and the reason for the default.

`config/` reads the metadata to check input, to name units in errors and to print the reference.
"""

from collections.abc import Collection
from dataclasses import field
from enum import StrEnum
from typing import Any


class Form(StrEnum):
    """What a text stands for, so that `config/` can refuse one that cannot be meant."""

    TEXT = "text"
    ADDRESS = "address"
    """`HOST:PORT` or `[IPV6]:PORT`; port 0 takes a free one."""
    DOOR = "door"
    """An address, or nothing for none at all, where the default is one."""
    NETWORK = "network"
    """CIDR, without host bits, or a single address."""
    PHONE = "phone"
    """A phone number as `parse_phone` accepts it."""
    PREFIX = "prefix"
    """The beginning of an E.164 number, with plus."""
    DIGITS = "digits"
    """What a telephone can dial: 0-9, * and #."""
    URL = "url"
    """http:// or https:// with a host."""
    TIMEZONE = "timezone"
    """An IANA name: `America/New_York`."""
    FILE = "file"
    """A file that must be there and readable."""


def setting(  # noqa: PLR0913 - each parameter is one fact of a setting; all but two are optional
    default: Any,
    what: str,
    *,
    why: str,
    unit: str = "",
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
    form: Form = Form.TEXT,
    choices: Collection[str] = (),
) -> Any:
    """A dataclass field with its documentation.

    `what` says what the setting does, `why` where the default comes from, `unit` is empty for plain
    numbers and text. A `secret` is masked wherever settings are shown, left out of their
    `repr`, and may come from a file.
    `least` and `most` are the allowed ends of a number; `form` and `choices` bind each text of it, where
    no choices means any. An empty text is allowed where the default is empty: it means "none".
    """
    metadata = {
        "what": what,
        "why": why,
        "unit": unit,
        "secret": secret,
        "least": least,
        "most": most,
        "form": form,
        "choices": tuple(choices),
    }
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)
