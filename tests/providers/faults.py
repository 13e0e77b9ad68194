"""What each fault of the simulated upstream must become, whichever of its endpoints is asked."""

from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.simulator.upstream_answers import Fault

FAULTS: dict[Fault, type[ProviderError]] = {
    Fault.SILENT: TimedOutError,
    Fault.REFUSED: UnavailableError,
    Fault.RESET: UnavailableError,
    Fault.CUT_BODY: UnavailableError,
    Fault.UNAUTHORIZED: RefusedError,
    Fault.FORBIDDEN: RefusedError,
    Fault.RATE_LIMITED: RateLimitedError,
    Fault.RATE_LIMITED_SECONDS: RateLimitedError,
    Fault.RATE_LIMITED_DATE: RateLimitedError,
    Fault.SERVER_ERROR: UnavailableError,
    Fault.UNAVAILABLE: UnavailableError,
    Fault.MALFORMED: BadAnswerError,
    Fault.HUGE: BadAnswerError,
}
ASSIGNMENT_FAULTS = FAULTS | {
    Fault.WRONG_TYPES: BadAnswerError,
    Fault.HOSTILE_ANI: BadAnswerError,
    Fault.IMPLAUSIBLE_ANI: BadAnswerError,
}
DIAL_FAULTS = FAULTS | {Fault.DIAL_REFUSED: RefusedError}
