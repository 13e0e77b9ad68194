"""What is known of one number in the inventory, as the roster keeps it."""

from dataclasses import dataclass
from enum import Enum

from gateway.engine.ranks import Leaf
from gateway.model.inventory import Ani


class Standing(Enum):
    """Whether a number's key is in its leaf, and if not, why."""

    READY = "ready"
    RESTING = "resting"
    """It cools down, or reached its hourly cap."""
    PAUSED = "paused"


@dataclass(slots=True, eq=False)
class Seat:
    """One number in the inventory."""

    ani: Ani
    leaf: Leaf
    key: int
    standing: Standing = Standing.PAUSED
    last_used_s: float = 0.0
    """Unix time; 0 for never."""
    hour_began_s: float = 0.0
    """Unix time of the first use of its last hour."""
    hour_uses: int = 0
    grade: int = 0
    """As `rates.grades` has it."""
