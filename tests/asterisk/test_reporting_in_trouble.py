"""Parts go away under calls: what ended is reported all the same, and once."""

import time
from collections.abc import Callable, Iterator

import pytest

from gateway.simulator.upstream_answers import Fault
from tests.asterisk.box import Box
from tests.asterisk.fetch import Programs
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.reports_rig import (
    AMI_SECRET,
    ANSWERED,
    BUSY,
    DISPOSITIONS,
    FAR_END_HANGS_UP,
    REAL_ASTERISK,
    ReportingGateway,
    ReportsRig,
    new_number,
    started_reports,
)
from tests.asterisk.wait import wait_for
from tests.asterisk.wire import Wire

pytestmark = REAL_ASTERISK

GAP_S = 10


@pytest.fixture
def fragile(reports: ReportsRig) -> Iterator[ReportingGateway]:
    """A second gateway, to be ended at will."""
    with ReportingGateway(reports.folder, reports.service, reports.ami_port) as gateway:
        gateway.wait_linked()
        yield gateway
        assert reports.leaks(gateway.output()) == set()


def one_line(gateway: ReportingGateway, number: str, *, within_s: float = 10) -> tuple[str, str]:
    """Disposition and campaign of the one line about a call, waited for."""
    wait_for(
        lambda: gateway.lines(number),
        f"a line about {number}:\n{gateway.output()[-2000:]}",
        within_s=within_s,
    )
    (line,) = gateway.lines(number)
    return line["disposition_name"], line["campaign_id"]


def hang_up(rig: ReportsRig, caller: str) -> None:
    rig.ami.act("Hangup", {"Channel": caller})
    rig.hangup(caller, "")


@pytest.mark.parametrize("end", [ReportingGateway.stop, ReportingGateway.kill], ids=["SIGTERM", "SIGKILL"])
def test_call_assigned_before_the_gateway_restarted_is_reported(
    reports: ReportsRig, fragile: ReportingGateway, end: Callable[[ReportingGateway], None]
) -> None:
    number = new_number(ANSWERED)
    reports.originate(number, variables={"GATEWAY_AGI": fragile.agi}, talk_s=30)
    caller = reports.wait_answered(number)
    end(fragile)
    fragile.start()
    fragile.wait_linked(2)
    hang_up(reports, caller)
    assert one_line(fragile, number) == ("Answered", f"campaign-{number[-3:-1]}")
    reports.check(number, "Answered")


def test_record_kept_when_the_gateway_is_killed_leaves_after_its_restart(
    reports: ReportsRig, fragile: ReportingGateway
) -> None:
    """Its target cannot be written at first, so the record waits in the spool."""
    number = new_number(BUSY)
    fragile.lines_file.mkdir()
    reports.call(number, variables={"GATEWAY_AGI": fragile.agi})
    reports.check(number, "Busy")
    wait_for(lambda: number.encode() in fragile.spooled(), "the record in the spool")
    fragile.kill()
    fragile.lines_file.rmdir()
    fragile.start()
    assert one_line(fragile, number) == ("Busy", f"campaign-{number[-3:-1]}")


def test_calls_that_end_while_the_link_is_cut_are_reported(reports: ReportsRig) -> None:
    """Those nobody told of as unknown, those whose dialplan reports as they went, those still up as ever."""
    lost, told, still_up = (new_number(ANSWERED) for _ in range(3))
    with (
        Wire(reports.ami_port) as wire,
        ReportingGateway(reports.folder, reports.service, wire.port) as gateway,
    ):
        gateway.wait_linked()
        callers = {}
        for number, context in ((lost, "reports"), (told, "watched"), (still_up, "reports")):
            reports.originate(number, context, {"GATEWAY_AGI": gateway.agi}, talk_s=60)
            callers[number] = reports.wait_answered(number, context)
        wire.cut()
        cut_at = time.monotonic()
        hang_up(reports, callers[lost])
        hang_up(reports, callers[told])
        assert one_line(gateway, told)[0] == "Answered"
        during = new_number(FAR_END_HANGS_UP)
        reports.call(during, variables={"GATEWAY_AGI": gateway.agi}, talk_s=20)
        time.sleep(max(GAP_S - (time.monotonic() - cut_at), 0))
        assert gateway.lines(lost) == []
        wire.mend()
        gateway.wait_linked(2, within_s=40)
        hang_up(reports, callers[still_up])
        assert one_line(gateway, still_up)[0] == "Answered"
        assert one_line(gateway, lost) == ("Unknown", f"campaign-{lost[-3:-1]}")
        assert one_line(gateway, during)[0] == "Unknown"
        assert {number: len(gateway.lines(number)) for number in callers} == dict.fromkeys(callers, 1)
        assert reports.leaks(gateway.output()) == set()
    for number in (lost, told, still_up, during):
        assert reports.record(number)["disposition_name"] == "Answered"


def test_records_wait_for_a_service_that_is_down(reports: ReportsRig) -> None:
    numbers = [new_number(outcome) for outcome in (ANSWERED, BUSY)]
    with reports.service.misbehaving(Fault.REFUSED):
        for number in numbers:
            reports.call(number)
            assert one_line(reports.gateway, number)[0] == DISPOSITIONS[int(number[-1])]
        assert [reports.service.records(number) for number in numbers] == [[], []]
    for number, disposition in zip(numbers, ("Answered", "Busy"), strict=True):
        assert reports.check(number, disposition, within_s=20)["ani"] == "7001"


def test_hangup_handler_reports_without_ami(reports: ReportsRig) -> None:
    nobody = free_tcp_port()
    with ReportingGateway(reports.folder, reports.service, nobody) as gateway:
        for outcome, disposition in ((ANSWERED, "Answered"), (BUSY, "Busy")):
            number = new_number(outcome)
            reports.call(number, "watched", {"GATEWAY_AGI": gateway.agi})
            assert one_line(gateway, number) == (disposition, f"campaign-{number[-3:-1]}")
        assert reports.leaks(gateway.output()) == set()


def test_refused_login_is_said_without_the_secret_and_harms_no_call(reports: ReportsRig) -> None:
    with ReportingGateway(
        reports.folder, reports.service, reports.ami_port, secret=f"{AMI_SECRET}-old"
    ) as gateway:
        wait_for(lambda: "refuses user 'gateway'" in gateway.output(), "a word about the login")
        number = new_number(ANSWERED)
        reports.call(number, "watched", {"GATEWAY_AGI": gateway.agi})
        assert one_line(gateway, number)[0] == "Answered"
        assert reports.leaks(gateway.output()) == set()


def test_calls_are_reported_whose_asterisk_is_stopped_or_crashes(
    programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Asterisk tells of the calls it ends as it stops; of a crash's calls nobody knows how they went."""
    with started_reports(programs, tmp_path_factory.mktemp("restarts")) as rig:
        for times, end in enumerate((Box.stop, Box.kill), start=2):
            number = new_number(ANSWERED)
            rig.originate(number, talk_s=30)
            rig.wait_answered(number)
            told = rig.restart_asterisk(end)
            rig.gateway.wait_linked(times, within_s=40)
            # one that hangs while it stops may have told or not, before it was killed
            hung = end is Box.stop and not told
            disposition = rig.record(number, within_s=15)["disposition_name"]
            assert hung or disposition == ("Answered" if told else "Unknown")
            rig.check(number, disposition)
            after = new_number(BUSY)
            rig.call(after)
            rig.check(after, "Busy")
