"""What was decided for one call, in the words the dialplan reads."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from gateway.model.phone import PhoneNumber


class Status(StrEnum):
    """`GATEWAY_STATUS`."""

    __hash__ = str.__hash__  # the enum's own is slow, and every call is counted by these

    ASSIGNED = "ASSIGNED"
    FALLBACK = "FALLBACK"
    """A number, but not from the provider asked: stale, the engine's, or the campaign's default."""
    UNCHANGED = "UNCHANGED"
    """Nobody had a number; the call keeps the caller ID it had."""
    BYPASSED = "BYPASSED"
    """Emergency, service or internal number: never touched."""
    BLOCKED = "BLOCKED"
    """On the do-not-call list; the dialplan should not dial."""
    INVALID = "INVALID"
    """The dialled number or the request makes no sense."""


class Source(StrEnum):
    """`GATEWAY_SOURCE`: where the number came from."""

    __hash__ = str.__hash__  # the enum's own is slow, and every call is counted by these

    OUTBOUNDIQ = "outboundiq"
    OUTBOUNDANI = "outboundani"
    ENGINE = "engine"
    CACHE = "cache"
    STALE = "stale"
    STICKY = "sticky"
    DEFAULT = "default"
    NONE = "none"


class Reason(StrEnum):
    """`GATEWAY_REASON`: one word why the status is not ASSIGNED; empty when it is."""

    __hash__ = str.__hash__  # the enum's own is slow, and every call is counted by these

    NONE = ""
    TIMEOUT = "timeout"
    REFUSED = "refused"
    """The provider refused the key or the request (401, 403, other 4xx)."""
    UNAVAILABLE = "unavailable"
    """The provider could not be reached, failed (5xx), or its breaker is open."""
    BAD_ANSWER = "bad_answer"
    """The provider's answer made no sense."""
    NO_NUMBER = "no_number"
    RATE_LIMITED = "rate_limited"
    NOT_OWNED = "not_owned"
    """The provider answered a number that is implausible or not in the inventory."""
    OVERLOADED = "overloaded"
    """Too many calls were waiting already."""
    NO_PROVIDER = "no_provider"
    """No provider is configured for the campaign."""
    EMERGENCY = "emergency"
    SERVICE = "service"
    EXTENSION = "extension"
    DO_NOT_CALL = "do_not_call"
    BAD_NUMBER = "bad_number"
    UNKNOWN_VERB = "unknown_verb"
    BAD_REQUEST = "bad_request"
    INTERNAL = "internal"
    """A fault of the gateway itself; the log names it."""


class Decision(Struct, frozen=True, gc=False):
    """The answer to one assignment. `ani` is `None` unless the status is ASSIGNED or FALLBACK."""

    status: Status
    source: Source = Source.NONE
    ani: PhoneNumber | None = None
    reason: Reason = Reason.NONE
    explanation: str = ""
    """For a lead that asks for it: who was asked, what they said, which rule chose; "" otherwise."""
    waits: "Waits | None" = None
    """What the provider that was asked took of the time; `None` when none was, or none answered in time."""

    def explained(self, told: Iterable[str]) -> "Decision":
        """The same with what was told before in front of the explanation."""
        explanation = "; ".join(filter(None, (*told, self.explanation)))
        return Decision(self.status, self.source, self.ani, self.reason, explanation, self.waits)


class Waits(NamedTuple):
    """Where the time of one answer went, in seconds."""

    queue_s: float
    """Until its request was sent: the window of its batch, a free connection."""
    upstream_s: float
    """From then until the answer."""
