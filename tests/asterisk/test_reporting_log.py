"""What the gateway prints: calls can be followed, and no number, key, secret or GUID stands there in full."""

from tests.asterisk.reports_rig import ANSWERED, BUSY, REAL_ASTERISK, ReportsRig, new_number

pytestmark = REAL_ASTERISK


def test_log_tells_of_every_call_and_of_no_number_or_secret_in_full(reports: ReportsRig) -> None:
    numbers = [new_number(outcome) for outcome in (ANSWERED, BUSY)]
    for number in numbers:
        ended = reports.call(number)
        reports.check(number, "Answered" if number == numbers[0] else "Busy")
        assert ended.get("Uniqueid") in reports.gateway.output()
    reports.nothing_left()
    assert reports.leaks(reports.gateway.output()) == set()


def test_a_number_or_secret_in_a_log_would_be_found(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    reports.call(number)
    ani = reports.check(number, "Answered")["ani"]
    assert reports.leaks(f"call to {number} showed +1{ani}, uniqueid 1763648628.12") >= {number, ani}
    assert reports.leaks("test-key") == {"test-key"}
