"""Settings of the spool."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.setting import setting


class Synchronous(StrEnum):
    """What a confirmed write has survived once it is confirmed."""

    FULL = "full"
    """A crash of the program, of the machine, and a power cut."""
    NORMAL = "normal"
    """A crash of the program. A power cut may take the last moments, and never damages the file."""


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """`[spool]`: where dial records wait on disk until every target has them."""

    file: str = setting(
        "/var/lib/ani-gateway/spool.db",
        "SQLite file of the spool, on a local disk.",
        why="the place for a service's own data; a network file system does not keep its locks",
    )
    settle_s: float = setting(
        1.0,
        "How long a record waits before it is first sent.",
        unit="s",
        why="the report and the AMI event of one call come within 0.1 s; the better one wins",
    )
    group_window_s: float = setting(
        0.005,
        "How long a write waits for others to share its sync to disk, 0 to 0.02.",
        unit="s",
        why="5 ms make 200 syncs a second of any load; nobody waits for them",
    )
    synchronous: Synchronous = setting(
        Synchronous.FULL,
        "full: confirmed records survive a power cut; normal: a crash of the program only.",
        why="with shared syncs full costs under 1 ms more per write, and no call waits for it",
    )
    retention_days: float = setting(
        30.0,
        "How long the dial_id of a delivered record is remembered, so that a replay is not sent again.",
        unit="days",
        why="a month of CDR can be replayed; a million remembered dials take about 100 MB",
    )
    buffer_records: int = setting(
        10_000,
        "Most records kept in memory while the spool cannot be written.",
        unit="records",
        why="about 15 MB; 100 calls/s last for 100 s, in which a full disk can be noticed",
    )
