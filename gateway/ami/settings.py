"""Settings of the AMI links."""

from dataclasses import dataclass

from gateway.model.setting import setting

_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """`[ami.NAME]`: one PBX whose hangup events become dial records. NAME is yours to choose."""

    address: str = setting(
        "127.0.0.1:5038", "`HOST:PORT` of the manager interface.", why="Asterisk's default"
    )
    username: str = setting("gateway", "Name of the manager user.", why="as in manager_gateway.conf")
    secret: str = setting("", "Password of the manager user.", why="none: choose one", secret=True)
    tls: bool = setting(
        False, "Connect by TLS and verify the certificate.", why="the default address is this machine"
    )
    ca_file: str = setting(
        "", "PEM file of further certificate authorities to trust.", why="empty: the system's authorities"
    )
    server_name: str = setting("", "Name the certificate must carry.", why="empty: the host of `address`")
    gap_grace_s: float = setting(
        30.0,
        "How long a call that ended while the link was down waits for a better report.",
        why="a hangup handler reports at once, an event still under way within a second",
        unit="s",
    )


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of `HOST:PORT`; an IPv6 host stands in brackets. Raises `ValueError`."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(f"{address!r} is not HOST:PORT, such as 127.0.0.1:5038 or [::1]:5038")
    return host, int(port)
