"""Settings of the FastAGI listener."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.setting import Form, setting


class CallerIdName(StrEnum):
    """What becomes of the caller-ID name."""

    KEEP = "keep"
    CLEAR = "clear"
    FIXED = "fixed"


class Presentation(StrEnum):
    """What becomes of the caller-ID presentation."""

    KEEP = "keep"
    ALLOWED = "allowed"
    PROHIBITED = "prohibited"


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """`[agi]`: where Asterisk reaches us, and what a client may do."""

    listen: tuple[str, ...] = setting(
        ("127.0.0.1:4573",),
        "Addresses to listen on, `HOST:PORT` or `[IPV6]:PORT`.",
        why="4573 is Asterisk's own default for agi://; loopback because FastAGI has no password",
        form=Form.ADDRESS,
    )
    allow: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"),
        "Networks (CIDR) whose Asterisk may ask; others are closed at once.",
        why="FastAGI has no password, so the address is the only credential",
        form=Form.NETWORK,
    )
    session_timeout_s: float = setting(
        1.5,
        "Longest life of a session once its request is complete.",
        unit="s",
        why="Asterisk itself never stops waiting; 1.5 s is the longest pause a caller takes for a dial tone",
        least=0.05,
        most=60,
    )
    report_deadline_s: float = setting(
        1.0,
        "Longest wait of the verb `report` for its record to be on disk.",
        unit="s",
        why="a write takes milliseconds; the rest of agi.session_timeout_s stays for the answer",
    )
    environment_timeout_s: float = setting(
        2.0,
        "Longest wait for the complete request after the connection opened.",
        unit="s",
        why="Asterisk sends it within milliseconds; 2 s covers a lost and repeated packet",
        least=0.05,
        most=60,
    )
    max_environment_bytes: int = setting(
        16_384,
        "Largest request.",
        unit="bytes",
        why="a real one is 530 to 670 bytes",
        least=1_024,
        most=1_048_576,
    )
    max_environment_lines: int = setting(
        64,
        "Most lines in a request.",
        unit="lines",
        why="a real one has 22 lines and one for each argument",
        least=32,
        most=4_096,
    )
    max_connections: int = setting(
        10_000,
        "Most open sessions; further ones are answered UNCHANGED, reason overloaded, at once.",
        why="10,000 sessions waiting for a slow upstream take about 100 MB",
        least=1,
    )
    max_connections_per_peer: int = setting(
        5_000,
        "Most open sessions from one address; further ones are answered like `max_connections`.",
        why="one runaway Asterisk leaves room for the others",
        least=1,
    )
    drain_timeout_s: float = setting(
        3.0,
        "Longest wait for open sessions on SIGTERM.",
        unit="s",
        why="a session lives 1.5 s at most, after an environment of 2 s at most",
        least=0,
        most=600,
    )
    pbx_id: str = setting(
        "",
        "Name of the PBX, put before the uniqueid in dial ids.",
        why="empty because one PBX needs none; uniqueids of two PBXes can be equal",
    )
    caller_id_name: CallerIdName = setting(
        CallerIdName.KEEP,
        "What becomes of the caller-ID name: keep, clear, or fixed.",
        why="VICIdial keys its logs on the name, so it must stay",
    )
    fixed_name: str = setting("", "The name for `caller_id_name = fixed`.", why="none by default")
    presentation: Presentation = setting(
        Presentation.KEEP,
        "What becomes of the presentation: keep, allowed, or prohibited.",
        why="a withheld number was withheld on purpose",
    )
