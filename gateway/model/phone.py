"""Phone numbers: parsed once at the edge, E.164 inside.

NANP numbers (United States, Canada, Caribbean) may be written as 10 digits or with a leading 1.
Sources: ITU-T E.164 (15 digits at most), the Assignment API (10 to 15 digits).
"""

import re
from enum import StrEnum

from msgspec import Struct

_FORMATTING = str.maketrans("", "", " \t-.()/")
_PLAIN = re.compile(r"\+?[0-9]{10,15}", re.ASCII)
_PLAUSIBLE = re.compile(r"\+(?:1[2-9][0-9]{9}|44[1-9][0-9]{8,9}|(?!1|44)[1-9][0-9]*)", re.ASCII)
_NANP_DIGITS = 10


class PhoneFormat(StrEnum):
    """How a caller ID is written for the trunk."""

    NATIONAL = "national"
    """NANP: 10 digits; UK: 0 and the national number; others: E.164 without plus."""
    E164 = "e164"
    """E.164 with plus."""
    E164_BARE = "e164-bare"
    """E.164 without plus."""


_NATIONAL = PhoneFormat.NATIONAL  # looking a member up in its enum takes longer than what is done with it


class PhoneNumber(Struct, frozen=True, gc=False):
    """A valid number. `e164` has the leading plus: `+15551234567`.

    A struct is made in a sixth of the time a frozen dataclass takes, and each call makes several.
    """

    e164: str

    @property
    def digits(self) -> str:
        """E.164 without plus, as most upstream APIs accept it."""
        return self.e164[1:]

    @property
    def is_nanp(self) -> bool:
        """Whether the number is in the North American plan."""
        return self.e164[1] == "1"

    @property
    def country_code(self) -> str:
        """`+1`, `+44`, or "" for a country whose numbers are not handed out as caller IDs here."""
        if self.is_nanp:
            return "+1"
        return "+44" if self.e164.startswith("+44") else ""

    @property
    def national(self) -> str:
        """The number without its country code: NANP 10 digits; others as `digits`."""
        if self.is_nanp:
            return self.e164[2:]
        return self.e164[3:] if self.e164.startswith("+44") else self.e164[1:]

    @property
    def masked(self) -> str:
        """For logs and screens: country and area stay, the rest is starred, the last two stay."""
        head = self.e164[: 5 if self.is_nanp else 4]
        return head + "*" * (len(self.e164) - len(head) - 2) + self.e164[-2:]

    def written(self, form: PhoneFormat) -> str:
        """The number in the form a trunk expects."""
        e164 = self.e164
        if form is _NATIONAL:
            if e164[1] == "1":
                return e164[2:]
            return "0" + e164[3:] if e164.startswith("+44") else e164[1:]
        return e164 if form is PhoneFormat.E164 else e164[1:]

    def is_plausible(self) -> bool:
        """Whether the number could be a real subscriber's in its country (shape only, no lookup)."""
        return _PLAUSIBLE.fullmatch(self.e164) is not None


def strip_formatting(text: str) -> str:
    """`text` without the characters people write between digits: spaces, dashes, dots, brackets, slashes."""
    return text.translate(_FORMATTING)


def parse_phone(text: str) -> PhoneNumber | None:
    """The number `text` stands for, or `None` when it is not 10 to 15 ASCII digits after formatting.

    10 digits are NANP. 11 digits starting with 1 are NANP with its country code. Anything else is taken
    as a full international number; the international prefixes 011 and 00 are removed first.
    """
    if _PLAIN.fullmatch(text) is None:
        text = strip_formatting(text)
        if _PLAIN.fullmatch(text) is None and not text.startswith("011"):
            return None
    if len(text) == _NANP_DIGITS and text[0] != "+":
        return PhoneNumber("+1" + text)
    if len(text) == _NANP_DIGITS + 1 and text[0] == "1":
        return PhoneNumber("+" + text)
    if text[0] == "+":
        return _international(text[1:])
    if text.startswith("011"):
        return _international(text[3:])
    if text.startswith("00"):
        return _international(text[2:])
    return _international(text)


def _international(digits: str) -> PhoneNumber | None:
    if _PLAIN.fullmatch(digits) is None or digits[0] in "+0":
        return None
    if digits[0] == "1" and len(digits) != _NANP_DIGITS + 1:
        return None
    return PhoneNumber("+" + digits)
