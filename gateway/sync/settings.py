"""Settings of the management commands and of `sync`."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.setting import setting

BACKENDS = ("outboundiq", "outboundani", "engine")
"""What keeps an inventory that can be managed."""


@dataclass(frozen=True, slots=True)
class ManagementSettings:
    """`[management]`: the commands `campaigns`, `dispos`, `anis` and `sync`."""

    backend: str = setting(
        "",
        "Whose inventory is managed: outboundiq, outboundani, engine.",
        why="empty: the first of assignment.providers, as its numbers are the ones shown",
        choices=BACKENDS,
    )
    timeout_s: float = setting(
        10.0,
        "Longest wait for one answer.",
        unit="s",
        why="nobody is on the phone; a vendor that works answers in less than one",
        least=0.1,
        most=600,
    )
    retry_s: float = setting(
        60.0,
        "How long one request of `sync` is tried again while the backend is away or asks for a rest (429).",
        unit="s",
        why="outlasts a restart and the usual rate windows; a run that gave up can be repeated",
        least=0,
        most=3_600,
    )
    max_in_flight: int = setting(
        8,
        "Most requests of `sync` under way at once at a vendor.",
        unit="requests",
        why="fills `requests_per_second` with answers that take 400 ms",
        least=1,
        most=1_000,
    )
    requests_per_second: float = setting(
        20.0,
        "Most requests of `sync` a second at a vendor. 0: no limit.",
        unit="requests/s",
        why="1,000 numbers in under a minute, and room on the account for calls that ask for a number",
        least=0,
        most=100_000,
    )

    def backend_among(self, providers: Sequence[str]) -> str:
        """The backend meant, "" when there is none; `providers` are those of `[assignment]`, in order."""
        return self.backend or next((name for name in providers if name in BACKENDS), "")
