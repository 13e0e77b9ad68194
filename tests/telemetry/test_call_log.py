import logging

import pytest

from gateway.model.decision import Decision, Source, Status, Waits
from gateway.model.phone import PhoneNumber
from gateway.telemetry.call_log import CallLog

DECISION = Decision(Status.ASSIGNED, Source.CACHE, PhoneNumber("+12345678901"))
DIALLED = PhoneNumber("+15559876543")


def test_a_call_is_one_line_with_its_numbers_masked(caplog: pytest.LogCaptureFixture) -> None:
    CallLog(mask_numbers=True).write("1.2", DIALLED, DECISION, 0.0012)
    assert caplog.messages == [
        "call uniqueid=1.2 phone=+1555*****43 status=ASSIGNED source=cache ani=+1234*****01 took_ms=1.2"
    ]


def test_a_call_tells_where_its_time_went_when_a_provider_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    asked = Decision(Status.ASSIGNED, Source.OUTBOUNDIQ, DECISION.ani, waits=Waits(0.0015, 0.0368))
    CallLog(mask_numbers=True).write("1.2", DIALLED, asked, 0.0391)
    assert caplog.messages[0].endswith("took_ms=39.1 queue_ms=1.5 upstream_ms=36.8")


@pytest.mark.unmasked
def test_numbers_are_whole_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """It also shows that the watch over all log lines sees a number when there is one."""
    watch = next(one for one in logging.getLogger("gateway").handlers if hasattr(one, "lines"))
    CallLog(mask_numbers=False).write("1.2", DIALLED, DECISION, 0.0012)
    assert "phone=+15559876543" in caplog.text
    assert getattr(watch, "lines", []) != []


def test_a_call_that_was_not_looked_at_has_no_number(caplog: pytest.LogCaptureFixture) -> None:
    CallLog(mask_numbers=True).write("1.2", None, Decision(Status.BYPASSED), 0.0)
    assert "phone=" not in caplog.text
