"""Settings of logs."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.setting import setting


class LogFormat(StrEnum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """Least severe line written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`[log]`: what is written, and how."""

    level: LogLevel = setting(LogLevel.INFO, "Least severe line written.", why="info has no line per call")
    format: LogFormat = setting(LogFormat.TEXT, "text or json.", why="text is for people")
    file: str = setting(
        "",
        "File to append to; it may be renamed at any time, as logrotate does, and is made anew.",
        why="empty: standard error, which systemd and Docker keep",
    )
    calls: bool = setting(
        False,
        "One line per call with uniqueid, decision and time.",
        why="off: at 1,000 calls/s it is 86 million lines a day",
    )
    mask_numbers: bool = setting(
        True, "Star out the middle of phone numbers.", why="logs travel further than calls"
    )
