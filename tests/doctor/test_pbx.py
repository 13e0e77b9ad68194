import asyncio
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from gateway.agi.settings import AgiSettings
from gateway.ami.settings import AmiSettings
from gateway.doctor import checks_dialplan, checks_pbx
from gateway.doctor.checks_dialplan import Route, is_allowed
from gateway.doctor.checks_pbx import judged_filter
from gateway.doctor.examination import appoint, examine
from gateway.doctor.finding import Finding, Verdict
from gateway.doctor.pbx import Pbx, Version, files_at_hand
from gateway.simulator.ami import AmiFault, AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import AmiUser

SECRET = "simulated-secret"
RIGHT_MANAGER = """
[general]
enabled = yes
channelvars=GATEWAY,DIALSTATUS,ANSWEREDTIME
timestampevents=yes
[gateway]
secret=simulated-secret
read=call
write=reporting
writetimeout=5000
"""


def version(text: str) -> Version:
    major, minor = text.split(".")[:2]
    return Version(text, int(major), int(minor))


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("16.28.0", False),
        ("18.25.0", False),
        ("18.26.0", True),
        ("19.8.1", False),
        ("20.10.0", False),
        ("20.11.0", True),
        ("21.6.0", True),
        ("22.0.0", False),
        ("22.1.0", True),
        ("23.0.0", True),
    ],
)
def test_releases_that_know_filters_with_conditions(text: str, *, filters: bool) -> None:
    assert version(text).filters_by_header is filters


def test_usual_folder_counts_only_for_a_pbx_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "manager.conf").touch()
    assert files_at_hand(None, "127.0.0.1", lambda: tmp_path) == tmp_path
    assert files_at_hand(None, "10.0.0.1", lambda: tmp_path) is None
    assert files_at_hand(None, "127.0.0.1", lambda: tmp_path / "none") is None
    assert files_at_hand(tmp_path, "10.0.0.1", lambda: tmp_path / "none") == tmp_path


def test_allow_list_takes_mapped_addresses_for_what_they_are() -> None:
    assert is_allowed(ip_address("::ffff:10.1.2.3"), ("10.0.0.0/8",))
    assert not is_allowed(ip_address("::ffff:10.1.2.3"), ("::1/128", "127.0.0.0/8"))


@asynccontextmanager
async def looked_at(fault: AmiFault, folder: Path | None = None, secret: str = SECRET) -> AsyncIterator[Pbx]:
    async with AmiSimulator() as simulator:
        simulator.fault = fault
        pbx = Pbx("pbx", AmiSettings(address=simulator.address, secret=secret), folder)
        yield pbx
        await pbx.close()


async def findings(pbx: Pbx, check_s: float = 5) -> dict[str, Finding]:
    appointments = appoint(checks_pbx.CHECKS, pbx)
    appointments += appoint(checks_dialplan.CHECKS, Route(pbx, AgiSettings()))
    return {one.name: one for one in await examine(appointments, check_s=check_s)}


def wrong(found: dict[str, Finding]) -> set[str]:
    return {name for name, one in found.items() if one.verdict in {Verdict.FAULT, Verdict.WARNING}}


@pytest.mark.parametrize(
    ("fault", "finds"),
    [
        (AmiFault.NOT_ASTERISK, {"pbx.no-manager"}),
        (AmiFault.SHUTTING_DOWN, {"pbx.unreachable"}),
    ],
)
async def test_manager_that_is_none_or_ends_is_told_apart(fault: AmiFault, finds: set[str]) -> None:
    async with looked_at(fault) as pbx:
        assert wrong(await findings(pbx)) == finds


class Named(Pbx):
    """With a systemname."""

    async def system_name(self) -> str:
        return "east"


async def test_one_of_several_that_names_itself_is_right() -> None:
    async with AmiSimulator() as simulator:
        pbx = Named("east", AmiSettings(address=simulator.address, secret=SECRET), None, is_alone=False)
        found = await findings(pbx)
        await pbx.close()
    assert found["pbx.systemname"].what == "its uniqueids begin with east"


async def test_refused_secret_is_found_and_not_shown() -> None:
    async with looked_at(AmiFault.NONE, secret="wrong-secret") as pbx:
        found = await findings(pbx)
    assert wrong(found) == {"pbx.login-refused"}
    assert "wrong-secret" not in str(found)


async def test_closed_port_is_found() -> None:
    async with AmiSimulator() as simulator:
        address = simulator.address
    pbx = Pbx("pbx", AmiSettings(address=address, secret=SECRET), None)
    assert wrong(await findings(pbx)) == {"pbx.unreachable"}
    await pbx.close()


@pytest.mark.parametrize("fault", [AmiFault.SILENT, AmiFault.HALF_OPEN, AmiFault.CUT])
async def test_dead_manager_costs_each_check_its_time_and_no_more(fault: AmiFault) -> None:
    started = time.monotonic()
    async with looked_at(fault) as pbx:
        found = await findings(pbx, check_s=0.2)
    assert time.monotonic() - started < 3
    assert {"pbx.version", "dialplan.hook"} <= {
        name for name, one in found.items() if one.verdict is Verdict.UNCHECKED
    }


async def test_sessions_cut_into_bytes_and_mixed_with_nonsense_are_understood() -> None:
    for fault in (AmiFault.SPLIT, AmiFault.GARBAGE):
        async with looked_at(fault) as pbx:
            assert (await pbx.version()).major == 22


async def test_files_serve_where_there_is_no_login(tmp_path: Path) -> None:
    (tmp_path / "manager.conf").write_text(RIGHT_MANAGER.replace("timestampevents=yes", ""))
    (tmp_path / "extensions.conf").write_text("[out]\nexten => _X.,1,Dial(PJSIP/x)\n")
    async with looked_at(AmiFault.NONE, tmp_path, "wrong") as pbx:
        found = await findings(pbx)
    assert wrong(found) == {
        "pbx.login-refused",
        "pbx.timestampevents-off",
        "dialplan.subroutine-missing",
        "dialplan.hook-missing",
    }


async def test_unreadable_files_leave_things_unchecked(tmp_path: Path) -> None:
    async with looked_at(AmiFault.NONE, tmp_path, "wrong") as pbx:
        found = await findings(pbx)
    assert wrong(found) == {"pbx.login-refused"}
    assert "cannot be read" in found["pbx.channelvars"].what


async def test_all_checks_share_one_login() -> None:
    async with AmiSimulator() as simulator:
        pbx = Pbx("pbx", AmiSettings(address=simulator.address, secret=SECRET), None)
        await findings(pbx, check_s=0.3)
        assert simulator.connected_total == 1
        await pbx.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("release", "conditions", "legacy", "name"),
    [
        ("22.10.1", "GATEWAY=1", "", ""),
        ("22.10.1", "GATEWAY=", "", ""),
        ("22.10.1", "GATEWAY=1|", "", ""),
        ("22.10.1", "OTHER=1", "", "pbx.eventfilter-wrong"),
        ("22.10.1", "", "Event: Hangup", ""),
        ("22.10.1", "", "Event: Newchannel", "pbx.eventfilter-wrong"),
        ("22.10.1", "", "", "pbx.eventfilter-missing"),
        ("18.25.0", "GATEWAY=1", "", "pbx.eventfilter-not-known"),
        ("18.25.0", "GATEWAY=1", "Event: Hangup", ""),
        ("16.28.0", "", "Event: Hangup", ""),
    ],
)
def test_filters_are_judged_by_the_release(release: str, conditions: str, legacy: str, name: str) -> None:
    finding = judged_filter(version(release), "gateway", conditions, legacy)
    assert finding.name == name
    if finding.change is not None:
        assert finding.change.line.startswith("eventfilter(" if release == "22.10.1" else "eventfilter=")


@pytest.mark.parametrize(
    ("sent", "name"), [((), "pbx.channelvars-not-loaded"), (("GATEWAY",), "pbx.channelvars")]
)
async def test_variables_written_and_not_loaded_show_on_a_live_call(
    tmp_path: Path, sent: tuple[str, ...], name: str
) -> None:
    (tmp_path / "manager.conf").write_text(RIGHT_MANAGER)
    async with AmiSimulator(AmiUser(channelvars=sent)) as simulator:
        simulator.place(AmiChannel("1.1"))
        pbx = Pbx("pbx", AmiSettings(address=simulator.address, secret=SECRET), tmp_path)
        found = await findings(pbx)
        await pbx.close()
    assert name in found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that vouches for itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "pbx.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=pbx.test", "-days", "2", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*request, *name], capture_output=True, check=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.mark.parametrize(
    ("speaks_tls", "asks_tls", "name"),
    [(True, True, "pbx.certificate"), (False, True, "pbx.unreachable")],
)
async def test_tls_that_does_not_fit_is_found(
    certificate: Path, *, speaks_tls: bool, asks_tls: bool, name: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    simulator = AmiSimulator()
    await simulator.start(context if speaks_tls else None)
    pbx = Pbx("pbx", AmiSettings(address=simulator.address, secret=SECRET, tls=asks_tls), None)
    found = await findings(pbx)
    await pbx.close()
    await simulator.stop()
    assert wrong(found) == {name}
