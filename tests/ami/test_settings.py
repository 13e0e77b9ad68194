import pytest

from gateway.ami.settings import host_and_port


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:5038", ("127.0.0.1", 5038)),
        ("pbx.example.com:5039", ("pbx.example.com", 5039)),
        ("[::1]:5038", ("::1", 5038)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert host_and_port(address) == parts


@pytest.mark.parametrize("address", ["", "pbx", ":5038", "pbx:", "pbx:0", "pbx:65536", "pbx:x", "pbx:²"])
def test_anything_else_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:5038"):
        host_and_port(address)
