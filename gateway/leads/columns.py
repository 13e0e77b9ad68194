"""Which columns of a lead file hold phone, zip and campaign. Pure.

Names are compared without case and with everything but letters and digits as `_`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

PHONE_NAMES = ("phone", "prospect_phone", "phone_number", "telephone", "tel")
ZIP_NAMES = ("zip", "prospect_zip", "postal_code", "zip_code", "zipcode", "postcode")
CAMPAIGN_NAMES = ("campaign", "dialer_campaign", "campaign_id")
"""Names looked for, in this order, when none is asked for."""

ANI = "ani"
ERROR = "assignment_error"
"""The columns added at the end. Columns the input already has by these names are replaced."""

_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


class ColumnError(ValueError):
    """The header lacks a column; the text says which, and what there is."""


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names asked for; "" takes the usual ones."""

    phone: str = ""
    zip: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Places in a row, from 0; `None` where the file has no such column."""

    phone: int
    zip: int | None
    campaign: int | None
    kept: tuple[int, ...]
    """Places of the columns that are written again, in order."""


def plain_name(name: str) -> str:
    """A column's name as it is compared."""
    return _NOT_A_NAME.sub("_", name.strip().lower()).strip("_")


def find_columns(header: Sequence[str], names: ColumnNames) -> Columns:
    """Where the columns are in `header`. Raises `ColumnError`."""
    plain = [plain_name(name) for name in header]
    phone = _place(plain, names.phone, PHONE_NAMES)
    if phone is None:
        there = ", ".join(name for name in header if name.strip())[:200] or "none"
        raise ColumnError(f"no column is called {', '.join(PHONE_NAMES)}; its columns are: {there}")
    kept = tuple(place for place, name in enumerate(plain) if name not in {ANI, ERROR})
    return Columns(
        phone, _place(plain, names.zip, ZIP_NAMES), _place(plain, names.campaign, CAMPAIGN_NAMES), kept
    )


def _place(plain: list[str], asked: str, usual: Sequence[str]) -> int | None:
    if asked and plain_name(asked) not in plain:
        raise ColumnError(f'there is no column "{asked}"')
    found = (plain.index(name) for name in ((plain_name(asked),) if asked else usual) if name in plain)
    return next(found, None)
