"""Settings of the admin HTTP listener."""

import ipaddress
from dataclasses import dataclass

from gateway.model.setting import Form, setting


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """`[admin]`: HTTP for operators, in `serve`."""

    listen: str = setting(
        "127.0.0.1:4580",
        "Address to listen on, `HOST:PORT`; empty for none. Calls are answered also when it cannot be had.",
        why="figures on this machine only; without a token they can be read and nothing can be changed",
        form=Form.DOOR,
    )
    token: str = setting(
        "",
        "Bearer token that requests must carry; needed to listen on anything but loopback.",
        why="none: on loopback every user of the machine may read the figures; prewarming needs one",
        secret=True,
    )
    max_body_bytes: int = setting(
        1_048_576,
        "Largest request body; a larger one is answered 413.",
        unit="bytes",
        why="2,000 rows to prewarm take about 150 kB",
        least=1_024,
        most=67_108_864,
    )
    max_prewarm_rows: int = setting(
        2_000,
        "Most rows of one `POST /api/prewarm`; more are answered 413.",
        unit="rows",
        why="2,000 take about 20 ms, in slices between which calls are answered",
        least=1,
        most=100_000,
    )
    max_watchers: int = setting(
        20,
        "Most dashboards open at a time; a further one is told so and tries again.",
        why="the screens of a team; each costs a document a second, about 5 kB",
        least=1,
        most=1_000,
    )


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address with or without brackets, is this machine only."""
    host = host.strip("[]")
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
