"""Free ports on loopback."""

import socket


def free_tcp_port() -> int:
    """A TCP port nobody listens on right now."""
    return _free_port(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """A UDP port nobody listens on right now."""
    return _free_port(socket.SOCK_DGRAM)


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
