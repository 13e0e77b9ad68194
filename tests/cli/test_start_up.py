import socket
from pathlib import Path

import pytest

from gateway.cli.start_up import system_hint
from tests.cli.backends import run

KEY = ("--set", "outboundiq.key=k")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ca.pem").write_text("no certificate")
    Path("leads.csv").write_text("phone\n4045550123\n")


@pytest.mark.parametrize(
    ("arguments", "section"),
    [
        (("serve", *KEY, "--set", "agi.listen=127.0.0.1:0"), "outboundiq"),
        (("assign", "leads.csv", "-o", "out.csv", *KEY), "outboundiq"),
        (("campaigns", "get", "c1", *KEY), "outboundiq"),
        (("outdials", "list", "--set", "voipbin.token=t"), "voipbin"),
    ],
)
def test_a_file_without_certificates_is_named_with_the_setting(
    arguments: tuple[str, ...], section: str
) -> None:
    result = run(*arguments, "--set", f"{section}.ca_file=ca.pem")
    assert result.exit_code == 3
    assert '"ca.pem" has no certificate that can be read' in result.stderr
    assert "ca_file of outboundiq, outboundani, outboundani_results, voipbin" in result.stderr


def test_an_address_in_use_asks_for_another_gateway() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", *KEY, "--set", f"agi.listen=127.0.0.1:{port}")
    assert result.exit_code == 3
    assert "hint: is another gateway running?" in result.stderr
    assert "ca_file" not in result.stderr


def test_an_error_nobody_knows_gets_the_hint_of_its_place() -> None:
    assert system_hint(OSError(5, "Input/output error"), "see the file") == "see the file"
