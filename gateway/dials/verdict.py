"""What a target's answer means for the record and for those behind it. Pure: no clock, no socket.

    answer                               record                        target
    taken                                done                          goes on
    401, 402, 403, 404, 405              waits, for ever               left alone for `mendable_pause_s`
    another refusal                      dead                          goes on
    429                                  waits for `Retry-After`       left alone as long
    it certainly did not arrive          waits, longer each time       breaker counts a failure
    anything else, repeats safely        the same                      the same
    anything else, does not              dead: "may have arrived"      the same

What waits longer each time is dead once it failed `give_up_h` after it was put.
"""

from dataclasses import dataclass

from gateway.dials.settings import DeliverySettings
from gateway.model.delivery import DeliveryState, Taken
from gateway.providers.backoff import next_delay
from gateway.providers.base import ProviderError, RateLimitedError, RefusedError, UnavailableError
from gateway.stores.spool import MAX_WAIT_S, MAY_HAVE_ARRIVED

MENDABLE = frozenset({401, 402, 403, 404, 405})
"""Refusals of the account or the address: no record's fault, and gone as soon as somebody mends them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consequences of one attempt."""

    state: DeliveryState
    reason: str = ""
    wait_s: float = 0.0
    """WAITING: how long."""
    pause_s: float = 0.0
    """How long to send nothing to the target at all."""
    is_up: bool = True
    """Whether the target answered like one that works; what the breaker hears."""
    needs_mending: bool = False
    """Whether nothing will get through before somebody changes a setting."""


_TAKEN = Verdict(DeliveryState.DONE)


def judge(
    error: ProviderError | None,
    taken: Taken,
    *,
    repeats_safely: bool,
    now: float,
    settings: DeliverySettings,
) -> Verdict:
    """The verdict on `taken` after an attempt that ended with `error`, or well with `None`.

    `now` is in seconds since the epoch.
    """
    if error is None:
        return _TAKEN
    reason = str(error)
    if isinstance(error, RefusedError):
        if error.status not in MENDABLE:
            return Verdict(DeliveryState.DEAD, reason)
        pause_s = settings.mendable_pause_s
        return Verdict(DeliveryState.WAITING, reason, pause_s, pause_s, needs_mending=True)
    if isinstance(error, RateLimitedError):
        wait_s = _wait_s(error, taken.attempt, settings)
        return _unless_too_old(Verdict(DeliveryState.WAITING, reason, wait_s, wait_s), taken, now, settings)
    if not repeats_safely and not (isinstance(error, UnavailableError) and error.never_sent):
        return Verdict(DeliveryState.DEAD, f"{MAY_HAVE_ARRIVED}: {reason}", is_up=False)
    asked_s = error.retry_after_s if isinstance(error, UnavailableError) else None
    wait_s = _wait_s(error, taken.attempt, settings)
    pause_s = 0.0 if asked_s is None else wait_s
    verdict = Verdict(DeliveryState.WAITING, reason, wait_s, pause_s, is_up=False)
    return _unless_too_old(verdict, taken, now, settings)


def _wait_s(error: ProviderError, attempt: int, settings: DeliverySettings) -> float:
    if isinstance(error, UnavailableError) and error.retry_after_s is not None:
        return min(error.retry_after_s, MAX_WAIT_S)
    return next_delay(attempt, base_s=settings.retry_base_s, cap_s=settings.retry_cap_s)


def _unless_too_old(verdict: Verdict, taken: Taken, now: float, settings: DeliverySettings) -> Verdict:
    if now - taken.put_at < settings.give_up_h * 3600:
        return verdict
    reason = f"not delivered within {settings.give_up_h:g} h, the last time: {verdict.reason}"
    return Verdict(DeliveryState.DEAD, reason, pause_s=verdict.pause_s, is_up=verdict.is_up)
