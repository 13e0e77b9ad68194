import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.assignment.guards import EMERGENCY, SERVICE, Guards
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Decision, Reason, Status
from gateway.model.phone import PhoneNumber


def screen(dialled: str, **settings: object) -> PhoneNumber | Decision:
    return Guards(AssignmentSettings(**settings)).screen(dialled)  # type: ignore[arg-type]  # keywords of a test


def reason(outcome: PhoneNumber | Decision) -> tuple[Status, Reason]:
    assert isinstance(outcome, Decision)
    return outcome.status, outcome.reason


@pytest.mark.parametrize("number", EMERGENCY)
@pytest.mark.parametrize("form", ["{}", "9{}", " {} ", "+{}", "9-{}", "({})"])
def test_emergency_numbers_are_never_touched(number: str, form: str) -> None:
    assert reason(screen(form.format(number))) == (Status.BYPASSED, Reason.EMERGENCY)


def test_emergency_behind_a_long_configured_prefix_is_recognised() -> None:
    assert reason(screen("1010288911", dial_prefixes=("1010288",))) == (Status.BYPASSED, Reason.EMERGENCY)
    assert reason(screen("0800 123 4567", emergency=("08001234567",))) == (Status.BYPASSED, Reason.EMERGENCY)


@pytest.mark.parametrize("number", [*SERVICE, "9411", "*67", "*825559876543", "#31#"])
def test_service_codes_are_never_touched(number: str) -> None:
    assert reason(screen(number)) == (Status.BYPASSED, Reason.SERVICE)


def test_short_numbers_are_internal_extensions() -> None:
    assert reason(screen("7001")) == (Status.BYPASSED, Reason.EXTENSION)
    assert reason(screen("1234567", max_extension_digits=7)) == (Status.BYPASSED, Reason.EXTENSION)


@pytest.mark.parametrize(
    "number", ["", "5559876", "alice", "5559876543x", "\uff19\uff11\uff11", "12345678901234567"]
)
def test_what_is_no_number_is_invalid(number: str) -> None:
    assert reason(screen(number)) == (Status.INVALID, Reason.BAD_NUMBER)


def test_do_not_call_prefixes_block() -> None:
    rules = {"do_not_call": ("+1 900", "+15551234567")}
    assert reason(screen("9005551234", **rules)) == (Status.BLOCKED, Reason.DO_NOT_CALL)
    assert reason(screen("(555) 123-4567", **rules)) == (Status.BLOCKED, Reason.DO_NOT_CALL)
    assert screen("5551234568", **rules) == PhoneNumber("+15551234568")


@given(st.text())
def test_any_text_is_screened(text: str) -> None:
    assert isinstance(screen(text), PhoneNumber | Decision)
