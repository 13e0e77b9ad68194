"""What the last seconds were like: histograms come in once a second, differences go out. Pure."""

from collections import deque
from collections.abc import Mapping

from gateway.telemetry.figures import Spread

WINDOW_S = 10.0
_MOST_KEPT = 30


class Window:
    """Histograms by name, over the last ten seconds or so."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Mapping[str, Spread]]] = deque(maxlen=_MOST_KEPT)

    def note(self, now: float, spreads: Mapping[str, Spread]) -> None:
        """The histograms at `now`, in seconds on the monotonic clock; once a second is often enough."""
        while len(self._kept) > 1 and self._kept[1][0] <= now - WINDOW_S:
            self._kept.popleft()
        self._kept.append((now, spreads))

    def lately(self, now: float, name: str, spread: Spread) -> tuple[Spread, float]:
        """What was counted lately, `spread` being the histogram at `now`, and within how many seconds."""
        if not self._kept:
            return spread, 0.0
        then, spreads = self._kept[0]
        earlier = spreads.get(name)
        return (spread if earlier is None else spread.since(earlier)), now - then
