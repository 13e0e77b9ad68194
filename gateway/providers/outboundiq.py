"""outboundIQ: /assignment and /assignment/batch."""

from dataclasses import dataclass

from gateway.model.setting import setting


@dataclass(frozen=True, slots=True)
class OutboundIqSettings:
    """`[outboundiq]`: the outboundIQ account."""

    url: str = setting(
        "https://api.outboundiq.cloud",
        "Base URL of the API.",
        why="the address in outboundIQ's documentation",
    )
    key: str = setting(
        "",
        "API key, sent as a Bearer token.",
        why="none: get one from outboundIQ, or use the engine",
        secret=True,
    )
    ca_file: str = setting(
        "",
        "PEM file of further certificate authorities to trust.",
        why="empty: the system's authorities",
    )
    max_connections: int = setting(
        64,
        "Most kept connections.",
        unit="connections",
        why="as assignment.max_in_flight",
    )
    keepalive_s: float = setting(
        55.0,
        "How long an idle connection is kept.",
        unit="s",
        why="common load balancers close after 60 s; closing first avoids a reset under a request",
    )
