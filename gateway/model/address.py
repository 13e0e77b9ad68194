"""`HOST:PORT` of a setting, taken apart; `config` has seen that it is one."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port; an IPv6 host stands in brackets there and without them here."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
