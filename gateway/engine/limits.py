"""How hard a number may be used, and how far away it may be."""

from dataclasses import dataclass

HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the selector keeps to."""

    daily_cap: int = 75
    cool_down_s: float = 0.0
    nearest_km: float = 160.0
    toll_free_last: bool = True
    """Whether a prospect who did not ask for a toll-free number gets one when there is no other."""
    hourly_cap: int = 0
    """Most uses within the hour that begins with the first of them; 0 for as many as there are."""
