"""Which day it is for the daily caps, and when it ends."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class UnknownTimezoneError(Exception):
    """The machine knows no time zone of that name."""


class Calendar:
    """Days of one time zone: an IANA name, or "" for the machine's own."""

    def __init__(self, timezone: str = "") -> None:
        try:
            self._zone = ZoneInfo(timezone) if timezone else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UnknownTimezoneError(
                f'engine.timezone: "{timezone}" is unknown; write a name such as America/New_York '
                "(the system's time zone data must be installed)"
            ) from error

    def day(self, now_s: float) -> date:
        """The day at Unix time `now_s`."""
        return datetime.fromtimestamp(now_s, self._zone).date()

    def end_s(self, day: date) -> float:
        """Unix time at which `day` is over."""
        return datetime.combine(day + timedelta(days=1), time(), self._zone).timestamp()
