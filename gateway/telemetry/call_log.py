"""One line per call: uniqueid, what was decided, and how long it took.

    took_ms       from the complete request to the answer
    queue_ms      of it, until the provider's request was sent: the batch's window, a free connection
    upstream_ms   of it, until the provider answered

The last two are there when a provider was asked and answered in time. A call that joined an equal one under
way took less than their sum.
"""

import logging

from gateway.model.decision import Decision
from gateway.model.phone import PhoneNumber

log = logging.getLogger("gateway.calls")


class CallLog:
    """Writes the lines; made only when `log.calls` is on."""

    def __init__(self, *, mask_numbers: bool) -> None:
        self._mask_numbers = mask_numbers

    def write(self, uniqueid: str, dialled: PhoneNumber | None, decision: Decision, took_s: float) -> None:
        """`dialled` is `None` when the number was not one to find a caller ID for; `took_s` in seconds."""
        fields = {
            "uniqueid": uniqueid,
            "phone": self._shown(dialled),
            "status": decision.status.value,
            "source": decision.source.value,
            "reason": decision.reason.value,
            "ani": self._shown(decision.ani),
            "took_ms": round(took_s * 1000, 2),
        }
        if decision.waits is not None:
            fields["queue_ms"] = round(decision.waits.queue_s * 1000, 2)
            fields["upstream_ms"] = round(decision.waits.upstream_s * 1000, 2)
        text = " ".join(f"{key}={value}" for key, value in fields.items() if value != "")
        log.info("call %s", text, extra={"fields": fields})

    def _shown(self, number: PhoneNumber | None) -> str:
        if number is None:
            return ""
        return number.masked if self._mask_numbers else number.e164
