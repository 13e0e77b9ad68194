"""A lead: what an assignment is asked for."""

import re
from enum import StrEnum
from typing import NamedTuple

from gateway.model.phone import PhoneNumber


class AssignmentType(StrEnum):
    """How a number is chosen; the words of the AI Dialer API's `assignment_type`."""

    ZIP = "zip"
    AREA_CODE = "area_code"
    STATE = "state"
    TFN = "tfn"
    RANDOM = "random"
    HIGHEST_CONTACT_RATE = "highest_contact_rate"


class Lead(NamedTuple):
    """One prospect to be called. Two equal leads get the same answer while it is fresh."""

    phone: PhoneNumber
    zip: str = ""
    """US zip, 5 digits; "" when unknown."""
    campaign: str = ""
    """The dialler's campaign id; "" for the key's default campaign."""
    real_time: bool = True
    """A call waits for the answer. False for list loading."""
    pools: tuple[str, ...] = ()
    """Inventory groups the number may come from; empty for the campaign's own."""
    assignment_type: AssignmentType | None = None
    """`None` for the automatic order."""
    branded: bool | None = None
    """True for branded numbers only, False for plain ones only, `None` for either."""
    explain: bool = False
    """The answer's message is to say why, where the provider can."""


_ZIP = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?", re.ASCII)


def parse_zip(text: str) -> str:
    """The five digits of a US zip or ZIP+4, "" when `text` is neither."""
    found = _ZIP.fullmatch(text)
    return found[1] if found else ""
