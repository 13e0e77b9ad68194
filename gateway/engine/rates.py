"""How well each number reaches people, as a grade the selector can sort by.

A number's contact rate is taken together with `prior_dials` dials of the average rate, so that three lucky
calls do not outweigh a thousand ordinary ones and a number without history counts as average. The average is
over all dials, so it follows the numbers that get the calls: when one of these disappoints, those never tried
come before it. Rates within ten percent of each other are one grade, whose numbers share the calls evenly; a
finer order would be noise (2,000 dials at a rate of 10 % are known to 6 %).
"""

import math
from collections.abc import Iterable

from gateway.model.phone import PhoneNumber, parse_phone
from gateway.stores.engine_dials import ContactCount

_STEP = math.log(1.1)
MOST = 8
"""The highest grade, and the lowest below zero: over twice the average, and under half of it."""


def grades(counts: Iterable[ContactCount], *, prior_dials: float) -> dict[PhoneNumber, int]:
    """The grade of each number that is not average: 1 for 10 % better, -1 for 10 % worse, and so on."""
    totals: dict[PhoneNumber, tuple[int, int]] = {}
    for count in counts:
        number = parse_phone(count.ani)
        if number is not None:
            dials, contacts = totals.get(number, (0, 0))
            totals[number] = dials + count.dials, contacts + count.contacts
    all_dials = sum(dials for dials, _ in totals.values())
    average = sum(contacts for _, contacts in totals.values()) / all_dials if all_dials else 0.0
    if average == 0:
        return {}
    found = {
        number: _grade((contacts + prior_dials * average) / (dials + prior_dials) / average)
        for number, (dials, contacts) in totals.items()
    }
    return {number: grade for number, grade in found.items() if grade}


def _grade(ratio: float) -> int:
    # Without a prior, a number without contacts has a rate of 0, which is as low as grades go.
    return max(-MOST, min(MOST, round(math.log(ratio) / _STEP))) if ratio > 0 else -MOST
