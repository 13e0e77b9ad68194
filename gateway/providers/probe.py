"""A request by which an upstream shows that it is there and takes the key, and which costs nothing.

Each provider's file has its own, beside the rest of its API; `gateway.doctor` sends it.
"""

from dataclasses import dataclass, field

PROBED_NAME = "ani-gateway-doctor"
"""The mark of such a request: the name of what is asked for, and of who asks."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One such request; `path`, `headers` and `secret` are not for showing."""

    name: str
    """The upstream, for people."""
    section: str
    """Of the configuration."""
    url: str
    secret: str = field(repr=False)
    secret_name: str
    """The setting that holds it."""
    sent: str
    """What is sent, in words."""
    ca_file: str = ""
    method: str = ""
    """"": there is no request that costs nothing; connect and send none."""
    path: str = field(default="", repr=False)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    may_lack: bool = False
    """Whether 404 is an answer: what is asked for need not be there."""
