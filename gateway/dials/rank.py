"""Which of several records of one dial is the true one, whatever order they come in.

A record's rank, most significant first: what its disposition rests on, its source, answered before not,
how many fields are filled, and a checksum of all of it. The checksum says nothing about truth; it makes
the ranks of different records different, so that "the greater rank stays" has one outcome in any order.
"""

import zlib
from dataclasses import fields
from operator import attrgetter

from gateway.dials.dispositions import Outcome
from gateway.model.dial import Dial, EndSource

_CHECKSUM_BITS = 32
_FILLED_BITS = 4
_ANSWERED_BITS = 1
_SOURCE_BITS = 2
_told = attrgetter(*(field.name for field in fields(Dial) if field.name != "rank"))
"""All fields but the rank, which is the last."""


def ranked(dial: Dial, outcome: Outcome, source: EndSource) -> Dial:
    """`dial` with its rank: 0 or more, less than 2 to the 42, so it fits any integer column."""
    told = _told(dial)
    filled = sum(map(bool, told))
    rank = outcome.knowledge << _SOURCE_BITS | source
    rank = rank << _ANSWERED_BITS | outcome.is_answered
    rank = rank << _FILLED_BITS | min(filled, 15)
    return Dial(*(*told, rank << _CHECKSUM_BITS | zlib.crc32(repr(told).encode())))


def better(one: Dial, other: Dial) -> Dial:
    """The one to keep of two records of one dial; the same whichever comes first, and of equals either."""
    return max(one, other, key=lambda dial: (dial.rank, repr(dial)))
