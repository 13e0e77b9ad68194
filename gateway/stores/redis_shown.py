"""How a number and when it was shown stand in Redis: `+12125550100|1772452800.5`, seconds since the epoch."""

import math
from typing import NamedTuple


class Shown(NamedTuple):
    """A number in E.164, and when it was shown or answered, seconds since the epoch."""

    number: str
    at_s: float


def write_shown(shown: Shown) -> str:
    """The text; the time to 1 ms."""
    return f"{shown.number}|{shown.at_s:.3f}"


def read_shown(text: str | None) -> Shown | None:
    """What `write_shown` wrote; `None` when nothing stands there, or what nobody of us wrote."""
    number, _, at = (text or "").partition("|")
    try:
        at_s = float(at)
    except ValueError:
        return None
    return Shown(number, at_s) if number and math.isfinite(at_s) else None
