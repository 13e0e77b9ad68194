"""`doctor` on a real Asterisk 22: silent when all is right, and finding each fault that is planted."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest

from gateway.ami.settings import AmiSettings
from gateway.doctor.checks_pbx import CHECKS
from gateway.doctor.examination import appoint, examine
from gateway.doctor.pbx import Pbx
from tests.asterisk.doctor_rig import SECRET, DoctorRig
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.rig import REAL_ASTERISK

pytestmark = REAL_ASTERISK

MANAGER = "manager_gateway.conf"
SUBROUTINE = "extensions_gateway.conf"
HOOK = "predial_hook_17.conf"
FILTER = "eventfilter(action(include),name(Hangup),header(ChanVariable),method(starts_with))=GATEWAY=1"
EXIT = " same => n,Set(LOCAL(AGIEXITONHANGUP)=yes)\n"
LONGEST_S = 15.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: in Asterisk's files, or in the gateway's configuration."""

    name: str
    finds: set[str]
    """All that is said to be wrong, and nothing else is."""
    edits: dict[str, tuple[str, str]] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    test_call: bool = False


FAULTS = [
    Fault("wrong secret", {"pbx.login-refused"}, settings=("ami.pbx.secret=wrong",)),
    Fault("no Asterisk there", {"pbx.unreachable"}, settings=("ami.pbx.address=127.0.0.1:{free}",)),
    Fault("another service there", {"pbx.no-manager"}, settings=("ami.pbx.address={upstream}",)),
    Fault(
        "read class missing",
        {"pbx.read-class", "test-call.not-heard"},
        {MANAGER: ("read=call", "read=system")},
        test_call=True,
    ),
    Fault("read class too wide", {"pbx.read-class-wide"}, {MANAGER: ("read=call", "read=all")}),
    Fault("write class missing", {"pbx.write-class"}, {MANAGER: ("write=reporting", "write=log")}),
    Fault(
        "too many rights",
        {"pbx.too-many-rights"},
        {MANAGER: ("write=reporting", "write=reporting,originate")},
    ),
    Fault(
        "channelvars missing",
        {"pbx.channelvars-missing", "test-call.not-heard"},
        # Without any such line Asterisk keeps the names it has until it is started anew.
        {MANAGER: ("channelvars=GATEWAY,DIALSTATUS,ANSWEREDTIME", "channelvars=OTHER")},
        test_call=True,
    ),
    Fault("some channelvars missing", {"pbx.channelvars-few"}, {MANAGER: (",DIALSTATUS,ANSWEREDTIME", "")}),
    Fault("event filter missing", {"pbx.eventfilter-missing"}, {MANAGER: (f"{FILTER}\n", "")}),
    Fault(
        "event filter this version refuses",
        {"pbx.eventfilter-missing"},
        {MANAGER: ("header(ChanVariable),method", "hdr(ChanVariable),mthod")},
    ),
    Fault(
        "event filter for another variable",
        {"pbx.eventfilter-wrong", "test-call.not-heard"},
        {MANAGER: ("=GATEWAY=1", "=OTHER=1")},
        test_call=True,
    ),
    Fault("timestampevents off", {"pbx.timestampevents-off"}, {MANAGER: ("timestampevents=yes", "")}),
    Fault("impatient listener", {"pbx.writetimeout-short"}, {MANAGER: ("writetimeout=5000", "")}),
    Fault("hook missing", {"dialplan.hook-missing"}, {HOOK: ("Gosub(gateway-freepbx,s,1)", "NoOp()")}),
    Fault("hook without return", {"dialplan.hook-ends-wrongly"}, {HOOK: (" same => n,Return()\n", "")}),
    Fault("hook of FreePBX 16", {"dialplan.hook-ends-wrongly"}, {HOOK: ("Return()", "MacroExit()")}),
    Fault(
        "subroutine missing",
        {"dialplan.subroutine-missing", "test-call.gateway-not-reached", "test-call.not-heard"},
        {SUBROUTINE: ("[gateway-assign]", "[gateway-assign-away]")},
        test_call=True,
    ),
    Fault(
        "subroutine without return",
        {"dialplan.subroutine-ends-wrongly"},
        {SUBROUTINE: (" same => n,Return(${GATEWAY_STATUS})\n\n; A caller who", "\n; A caller who")},
    ),
    Fault("channel held after hangup", {"dialplan.no-exit-on-hangup"}, {SUBROUTINE: (EXIT, "")}),
    Fault(
        "AGIEXITONHANGUP set for all",
        {"dialplan.exit-on-hangup-everywhere"},
        {SUBROUTINE: ("[globals]\n", "[globals]\nAGIEXITONHANGUP=yes\n")},
    ),
    Fault(
        "gateway's port not reached from Asterisk",
        {"dialplan.url-wrong", "test-call.gateway-not-reached"},
        {SUBROUTINE: ("GATEWAY_AGI=agi://127.0.0.1:", "GATEWAY_AGI=agi://127.0.0.1:1;")},
        test_call=True,
    ),
    Fault(
        "address without a gateway",
        {"dialplan.url-missing"},
        {SUBROUTINE: ("GATEWAY_AGI=agi", ";GATEWAY_AGI=agi")},
    ),
    Fault(
        "test context missing",
        {"test-call.context-missing"},
        {SUBROUTINE: ("[gateway-doctor]", "[gateway-doctor-away]")},
        test_call=True,
    ),
    Fault(
        "gateway not running",
        {"gateway.not-running", "dialplan.url-wrong"},
        settings=("agi.listen=127.0.0.1:{free}",),
    ),
    Fault("PBX not let in", {"dialplan.pbx-not-allowed"}, settings=("agi.allow=10.0.0.0/8",)),
    Fault("wrong API key", {"upstream.key-refused"}, settings=("outboundiq.key=wrong",)),
    Fault(
        "upstream unreachable", {"upstream.unreachable"}, settings=("outboundiq.url=http://127.0.0.1:{free}",)
    ),
    Fault(
        "another service as upstream",
        {"upstream.wrong-address"},
        settings=("outboundiq.url=http://127.0.0.1:{ami}",),
    ),
    Fault(
        "spool folder missing", {"spool.folder-missing"}, settings=("spool.file=/no/such/folder/spool.db",)
    ),
    Fault("spool folder read-only", {"spool.not-writable"}, settings=("spool.file=/proc/spool.db",)),
    Fault("wrong configuration key", {"config.wrong"}, settings=("agi.lissten=127.0.0.1:4573",)),
]


def test_right_set_up_has_nothing_to_mend_and_everything_was_looked_at(doctor: DoctorRig) -> None:
    seen = doctor.see_doctor(*doctor.test_call)
    assert (seen.wrong, seen.named("not checked"), seen.exit_code) == (set(), set(), 0)


def test_right_set_up_without_a_test_call_leaves_that_one_thing_unproven(doctor: DoctorRig) -> None:
    seen = doctor.see_doctor()
    assert (seen.wrong, seen.named("not checked"), seen.exit_code) == (set(), {"test-call"}, 0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_is_found_and_nothing_else(doctor: DoctorRig, fault: Fault) -> None:
    names = {
        "free": free_tcp_port(),
        "upstream": doctor.service.url.removeprefix("http://"),
        "ami": doctor.ami_port,
    }
    arguments = [word for one in fault.settings for word in ("--set", one.format(**names))]
    with doctor.box.edited(fault.edits):
        seen = doctor.see_doctor(*arguments, *(doctor.test_call if fault.test_call else ()))
    assert seen.wrong == fault.finds
    for name in fault.finds:
        assert seen.finding(name)["why"]
        assert seen.finding(name)["change"]["line"]
    assert SECRET not in seen.text
    assert seen.tree["took_s"] < LONGEST_S


def test_files_tell_what_the_manager_does_not(doctor: DoctorRig) -> None:
    with doctor.box.edited({MANAGER: ("write=reporting", "write=log")}):
        seen = doctor.see_doctor("--asterisk-etc", str(doctor.box.folder))
    assert seen.wrong == {"pbx.write-class"}
    assert seen.named("not checked") == {"pbx.version", "pbx.eventfilter", "test-call"}


def test_fault_in_files_is_found_in_them_without_any_login(doctor: DoctorRig) -> None:
    edits = {HOOK: (" same => n,Return()\n", ""), MANAGER: ("timestampevents=yes", "")}
    with doctor.box.edited(edits):
        seen = doctor.see_doctor("--asterisk-etc", str(doctor.box.folder), "--set", "ami.pbx.secret=wrong")
    assert seen.wrong == {"pbx.login-refused", "dialplan.hook-ends-wrongly", "pbx.timestampevents-off"}


async def test_clock_that_differs_is_found(doctor: DoctorRig) -> None:
    settings = AmiSettings(address=f"127.0.0.1:{doctor.ami_port}", secret=SECRET)
    pbx = Pbx("pbx", settings, None, wall=lambda: time.time() + 300)
    found = await examine(appoint(CHECKS, pbx))
    await pbx.close()
    wrong = [finding for finding in found if finding.verdict == "warning"]
    assert [(finding.name, finding.what) for finding in wrong] == [
        ("pbx.clock-differs", "Asterisk's clock is 300 s behind this machine's")
    ]


async def test_one_of_several_that_does_not_name_itself_is_found(doctor: DoctorRig) -> None:
    settings = AmiSettings(address=f"127.0.0.1:{doctor.ami_port}", secret=SECRET)
    pbx = Pbx("east", settings, None, is_alone=False)
    found = await examine(appoint(CHECKS, pbx))
    await pbx.close()
    wrong = [finding for finding in found if finding.verdict == "warning"]
    assert [finding.name for finding in wrong] == ["pbx.systemname-missing"]
    assert wrong[0].change is not None
    assert wrong[0].change.line.startswith("systemname = east")


def test_low_limit_of_open_files_is_found(doctor: DoctorRig) -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    command = [sys.executable, "-m", "gateway", "doctor", "--json", "--config", str(doctor.config)]
    done = subprocess.run(command, preexec_fn=lower, capture_output=True, timeout=30, check=False)
    found = {one["name"] for one in json.loads(done.stdout)["findings"] if one["verdict"] == "warning"}
    assert found == {"machine.few-files"}


def test_nothing_was_assigned_reported_or_changed_by_all_this(doctor: DoctorRig) -> None:
    before = {path.name: path.read_bytes() for path in doctor.box.folder.iterdir()}
    doctor.see_doctor(*doctor.test_call)
    assert {path.name: path.read_bytes() for path in doctor.box.folder.iterdir()} == before
    assert doctor.service.simulator.counters.leads == 0
    assert not doctor.service.simulator.dials.dials
