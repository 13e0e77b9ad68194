from datetime import UTC, date, datetime

import pytest

from gateway.engine.calendar import Calendar, UnknownTimezoneError


def test_day_begins_at_midnight_of_the_zone() -> None:
    calendar = Calendar("America/New_York")
    now_s = datetime(2026, 3, 2, 4, 30, tzinfo=UTC).timestamp()
    assert calendar.day(now_s) == date(2026, 3, 1)
    assert calendar.end_s(date(2026, 3, 1)) == now_s + 1800


def test_day_of_the_clock_change_is_an_hour_short() -> None:
    calendar = Calendar("America/New_York")
    assert calendar.end_s(date(2026, 3, 8)) - calendar.end_s(date(2026, 3, 7)) == 23 * 3600


def test_machines_own_zone_is_the_default() -> None:
    calendar = Calendar()
    now_s = datetime(2026, 3, 2, 12).timestamp()  # noqa: DTZ001 - local time is what is tested
    assert calendar.day(now_s) == date(2026, 3, 2)
    assert calendar.day(calendar.end_s(date(2026, 3, 2))) == date(2026, 3, 3)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/passwd"])
def test_unknown_zone_is_told(name: str) -> None:
    with pytest.raises(UnknownTimezoneError, match="America/New_York"):
        Calendar(name)
