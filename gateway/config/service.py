"""`[service]`: the processes of one gateway. Here because `gateway.service` stands above the settings."""

from dataclasses import dataclass

from gateway.model.setting import setting


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How many processes share the work of one machine."""

    workers: int = setting(
        1,
        "Processes that answer Asterisk. 1: one process does everything; more: those, one that hears AMI and "
        "delivers, and a supervisor.",
        why="one answers thousands of calls a second; more than the machine has cores gain nothing",
        least=1,
        most=64,
    )
    max_unsaved_reports: int = setting(
        10_000,
        "Most reports a worker keeps until the reporting process has them on disk; further ones are refused.",
        unit="reports",
        why="ten seconds of 1,000 calls a second, about 10 MB; the reporting process is back within two",
        least=1,
        most=1_000_000,
    )
    hang_timeout_s: float = setting(
        5.0,
        "With several workers: how long a process may not answer its supervisor until it is killed and "
        "started anew. Others take its new calls within two seconds.",
        unit="s",
        why="calls it holds are past their deadline after 1.5 s; a machine short of CPU gets some more",
        least=2,
        most=300,
    )
