"""How long to wait before trying again."""

import random
from collections.abc import Callable


def next_delay(
    attempt: int, *, base_s: float, cap_s: float, dice: Callable[[], float] = random.random
) -> float:
    """Seconds to wait before delivery `attempt` (1 is the first retry).

    Doubles from `base_s` up to `cap_s`, then takes a random share of it ("full jitter"), so that workers that
    failed together do not return together. `dice` gives the share, 0 to 1.
    """
    # 2 to the 40th times a millisecond is a lifetime; a larger exponent would only overflow.
    return dice() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 40))
