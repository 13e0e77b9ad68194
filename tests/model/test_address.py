import pytest

from gateway.model.address import split_address


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:4573", ("127.0.0.1", 4573)),
        ("[::1]:0", ("::1", 0)),
        ("gw.example:80", ("gw.example", 80)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts
