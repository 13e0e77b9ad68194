"""Settings of the AMI links."""

from dataclasses import dataclass

from gateway.model.setting import setting


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """`[ami.NAME]`: one PBX whose hangup events become dial records. NAME is yours to choose."""

    address: str = setting(
        "127.0.0.1:5038", "`HOST:PORT` of the manager interface.", why="Asterisk's default"
    )
    username: str = setting("ani-gateway", "Name of the manager user.", why="as in manager_gateway.conf")
    secret: str = setting("", "Password of the manager user.", why="none: choose one", secret=True)
    tls: bool = setting(
        False, "Connect by TLS and verify the certificate.", why="the default address is this machine"
    )
    ca_file: str = setting(
        "", "PEM file of further certificate authorities to trust.", why="empty: the system's authorities"
    )
    server_name: str = setting("", "Name the certificate must carry.", why="empty: the host of `address`")
