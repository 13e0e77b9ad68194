from tests.asterisk.mixed_calls import place_mixed_calls
from tests.asterisk.reports_rig import REAL_ASTERISK, ReportsRig

pytestmark = REAL_ASTERISK

CALLS = 150


def test_mixed_calls_make_as_many_records_and_each_is_right_in_every_field(reports: ReportsRig) -> None:
    """`loadtest/thousand_calls.py` does the same with 1,000."""
    result = place_mixed_calls(reports, CALLS, calls_per_s=25)
    assert result.wrong == {}
    assert (result.records, result.lines) == (CALLS, CALLS)
    reports.assert_none_twice()
