"""The how-to for an encrypted AMI link, taken step by step with a real Asterisk; then what can be wrong."""

import shutil
import ssl
from collections.abc import Iterator

import pytest

from tests.asterisk.fetch import Programs
from tests.asterisk.fresh import FreshBox
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.rig import REAL_ASTERISK
from tests.asterisk.wait import wait_for
from tests.docs.page import ROOT, steps
from tests.docs.reader import Reader

pytestmark = REAL_ASTERISK

SECRET = "9b1c47d0e2"


@pytest.fixture(scope="module")
def reader(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Has followed the page to its end; the gateway still runs."""
    folder = tmp_path_factory.mktemp("tls")
    machine, address = folder / "ani-gateway", f"127.0.0.1:{free_tcp_port()}"
    with FreshBox(programs, folder / "box") as box:
        box.add_gateway(SECRET, "agi://127.0.0.1")
        machine.mkdir()
        (machine / "ami.secret").write_text(SECRET)
        texts = {
            "/etc/asterisk": str(box.etc),
            "/etc/ani-gateway": str(machine),
            "10.0.0.10:5039": address,
            "10.0.0.5": "127.0.0.1",
        }
        with Reader(folder, programs=box.stand_ins(folder / "installed"), texts=texts) as one:
            one.environment |= {
                "ANI_GATEWAY_ASSIGNMENT_PROVIDERS": "engine",
                "ANI_GATEWAY_ENGINE_INVENTORY": "gateway/engine/sample.yaml",
                "ANI_GATEWAY_SPOOL_FILE": "spool.db",
                "ANI_GATEWAY_DIALS_TARGETS": "file",
                "ANI_GATEWAY_DIALS_FILE_PATH": "dials.jsonl",
            }
            one.command(". .venv/bin/activate")
            for step in steps("docs/how-to/ami-tls.md"):
                if step.name == "ani-gateway.toml":
                    shutil.copy(box.etc / "keys" / "pbx.crt", machine / "pbx.crt")
                one.take(step)
            yield one


def says(reader: Reader, words: str) -> bool:
    """Whether the gateway's log comes to say so."""
    return wait_for(lambda: words in reader.gateway_output(), words, within_s=20)


def test_link_comes_up_over_tls(reader: Reader) -> None:
    assert says(reader, "AMI link pbx: up, 127.0.0.1:")


def test_renewed_certificate_is_taken_under_a_new_name_only(reader: Reader) -> None:
    etc, address = reader.texts["/etc/asterisk"], reader.texts["10.0.0.10:5039"]
    old = wait_for(lambda: served(address), "a certificate")
    names = "-subj /CN=pbx.example.com -addext subjectAltName=DNS:pbx.example.com"
    files = f"-keyout {etc}/keys/new.key -out {etc}/keys/new.crt"
    reader.command(f"openssl req -x509 -newkey rsa:2048 -nodes -days 9 {names} {files}")
    reader.command(f"cat {etc}/keys/new.crt >> {reader.texts['/etc/ani-gateway']}/pbx.crt")
    reader.command(f"cp {etc}/keys/new.crt {etc}/keys/pbx.crt && cp {etc}/keys/new.key {etc}/keys/pbx.key")
    reader.command("asterisk -rx 'manager reload'")
    assert wait_for(lambda: served(address), "a certificate") == old
    reader.command(f"sed -i 's|keys/pbx|keys/new|' {etc}/manager_tls.conf && asterisk -rx 'manager reload'")
    assert wait_for(lambda: served(address) not in {"", old}, "the new certificate")
    assert "the PBX closed the connection" not in reader.gateway_output()


def test_file_with_two_authorities_is_good_for_the_renewed_certificate(reader: Reader) -> None:
    reader.stop_gateway()
    ups = reader.gateway_output().count("AMI link pbx: up")
    reader.command("ani-gateway serve")
    wait_for(lambda: reader.gateway_output().count("AMI link pbx: up") > ups, "the link", within_s=20)


def served(address: str) -> str:
    """The certificate a peer shows, "" when there is none."""
    host, port = address.split(":")
    try:
        return ssl.get_server_certificate((host, int(port)), timeout=3)
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("--set ami.pbx.ca_file=", "the certificate does not fit: self-signed certificate"),
        ("--set ami.pbx.server_name=other.example.com", "the certificate does not fit: Hostname mismatch"),
        ("--set ami.pbx.tls=false", "the PBX closed the connection"),
        ("--set ami.pbx.secret=wrong", "Asterisk refuses user 'gateway': Authentication failed"),
    ],
)
def test_log_says_what_is_wrong_in_the_words_of_the_page(reader: Reader, settings: str, words: str) -> None:
    assert f"`{words}`" in (ROOT / "docs/how-to/ami-tls.md").read_text()
    reader.stop_gateway()
    reader.command(f"ani-gateway serve {settings}")
    assert says(reader, words)


def test_address_that_is_not_permitted_is_refused_in_the_same_words(reader: Reader) -> None:
    """The last test here: it leaves the PBX closed."""
    reader.stop_gateway()
    before = reader.gateway_output().count("Authentication failed")
    reader.command(
        f"sed -i 's|^permit=.*|permit=10.9.9.9|' {reader.texts['/etc/asterisk']}/manager_gateway.conf"
    )
    reader.command("asterisk -rx 'manager reload'")
    reader.command("ani-gateway serve")
    wait_for(
        lambda: reader.gateway_output().count("Authentication failed") > before, "a refusal", within_s=20
    )
