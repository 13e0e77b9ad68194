"""Settings of the Redis that several gateways share, and what its address may be."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.model.setting import Form, setting

_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """`[redis]`: what several gateways, or the workers of one, share."""

    url: str = setting(
        "",
        "Redis or Valkey that is shared: redis://HOST:PORT/DB, rediss:// with TLS, or unix:///PATH.",
        why="empty: each gateway counts and remembers for itself, and nothing of this costs a call anything",
    )
    username: str = setting("", "User to log in as (ACL).", why="empty: the default user")
    password: str = setting("", "Password of that user.", why="empty: the server asks for none", secret=True)
    ca_file: str = setting(
        "",
        "Certificates to trust for rediss://, PEM.",
        why="empty: the machine's own; the server's name and certificate are always checked",
        form=Form.FILE,
    )
    prefix: str = setting(
        "ani-gateway:",
        "Beginning of every key; gateways that share have the same one.",
        why="one server can then serve several farms and other programs",
    )
    timeout_s: float = setting(
        0.02,
        "Longest wait for one answer of Redis; then the call goes on without it.",
        unit="s",
        why="an answer takes 0.5 ms on a LAN; 20 ms leave nearly all of assignment.deadline_s to providers",
        least=0.001,
        most=1,
    )
    failures: int = setting(
        3,
        "Failures in a row after which no call waits for Redis any more, until it answers in time again.",
        unit="failures",
        why="one may be a lost packet; three cost the calls of 60 ms a wait, and then none",
        least=1,
        most=100,
    )
    probe_s: float = setting(
        1.0,
        "How often a Redis that is away is tried again, and how often an idle gateway asks for news.",
        unit="s",
        why="what was counted alone is shared within about a second; a try costs 0.1 ms",
        least=0.05,
        most=60,
    )


def fault_of(url: str) -> str:
    """What is wrong with the address, "" for nothing. Never repeats a secret that stands in it."""
    try:
        parts = urlsplit(url)
        has_place = bool(parts.path if parts.scheme == "unix" else parts.hostname and (parts.port or 1))
    except ValueError:
        return "is no address"
    if parts.scheme not in _SCHEMES:
        return "does not begin with redis://, rediss:// or unix://"
    if parts.password is not None or parts.username is not None or "password" in parts.query:
        return "has a user or a password in it, which is not kept secret there"
    if not has_place:
        return "names no host or no socket"
    return "" if not parts.query else "has a query; there is a setting for what may be chosen"


def shown(url: str) -> str:
    """The address for logs and errors, without what might be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
