import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.ami.findings import Finding
from gateway.ami.intake import TryAgainError
from gateway.ami.link import AmiLink, LinkState
from gateway.ami.settings import AmiSettings
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState, pack
from gateway.simulator.ami import AmiFault, AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import AmiUser
from gateway.simulator.network import MemoryNetworkLoop
from gateway.telemetry.metrics import AmiMetrics

pytestmark = pytest.mark.simulated_time

USER = AmiUser()
SETTINGS = AmiSettings(address="pbx:5038", username=USER.name, secret=USER.secret, gap_grace_s=30.0)
STATE = CallState(ani="+15559876500", phone="+14045551234", dial_id="d1")
WALL = 1_800_000_000.0


def call(uniqueid: str = "17.1", **variables: str) -> AmiChannel:
    return AmiChannel(uniqueid, variables={"GATEWAY": pack(STATE), "DIALSTATUS": "ANSWER", **variables})


class Fixture:
    """A link and the PBX it listens to, in memory."""

    def __init__(self, user: AmiUser, settings: AmiSettings) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MemoryNetworkLoop)
        self.loop = loop
        self.pbx = AmiSimulator(user, wall=lambda: WALL)
        self.ends: list[CallEnd] = []
        self.refuse: Callable[[CallEnd], None] = lambda _end: None
        self.metrics = AmiMetrics()
        self.link = AmiLink(
            "main", settings, self.take, self.metrics, wall=lambda: WALL + 0.5, rng=lambda: 1.0
        )
        self.plug_in()

    def take(self, end: CallEnd) -> None:
        self.refuse(end)
        self.ends.append(end)

    def state(self) -> LinkState:
        return self.link.state

    def plug_in(self) -> None:
        self.loop.listeners["pbx", 5038] = self.pbx.connection

    def unplug(self) -> None:
        """Nobody listens any more, and all connections end."""
        self.loop.listeners.clear()
        self.pbx.cut()

    def actions(self, number: int = -1) -> list[str]:
        return self.pbx.connections[number].session.actions


@asynccontextmanager
async def linked(user: AmiUser = USER, settings: AmiSettings = SETTINGS) -> AsyncIterator[Fixture]:
    fixture = Fixture(user, settings)
    fixture.link.start()
    await asyncio.sleep(0.1)
    yield fixture
    await fixture.link.stop()
    assert fixture.state() is LinkState.STOPPED
    await asyncio.sleep(100)
    assert fixture.pbx.connections == [], "a stopped link never comes back"


async def test_a_hangup_becomes_a_call_end() -> None:
    async with linked() as fixture:
        assert fixture.state() is LinkState.UP
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(0.01)
        (end,) = fixture.ends
        assert (end.state, end.source, end.pbx, end.uniqueid) == (STATE, EndSource.AMI, "main", "17.1")
        assert (fixture.metrics.logins, fixture.metrics.call_ends) == (1, 1)


async def test_the_login_asks_for_class_call_and_sends_no_secret() -> None:
    async with linked() as fixture:
        assert fixture.actions()[:4] == ["challenge", "login", "coresettings", "status"]
        assert fixture.link.asterisk_version == "22.10.1"
        passed_over = fixture.metrics.passed_over_bytes
        fixture.pbx.tell(b"Event: VarSet\r\n\r\n", "dialplan")
        await asyncio.sleep(0.01)
        assert fixture.metrics.passed_over_bytes == passed_over


async def test_lag_is_measured_where_events_carry_their_time() -> None:
    async with linked(replace(USER, timestamps=True)) as fixture:
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(0.01)
        assert fixture.metrics.lag.sum == pytest.approx(0.5)
        assert fixture.ends[0].ended_at == WALL


async def test_a_silent_link_is_pinged_every_second_and_stays_up() -> None:
    async with linked() as fixture:
        await asyncio.sleep(60)
        assert fixture.state() is LinkState.UP
        assert 55 <= fixture.metrics.pings <= 61
        assert fixture.pbx.connected_total == 1


async def test_a_busy_link_is_not_pinged_by_us_nor_by_panoramisk() -> None:
    async with linked() as fixture:
        for number in range(60):
            fixture.pbx.place(call(str(number)))
            fixture.pbx.hang_up(str(number))
            await asyncio.sleep(0.5)
        assert "ping" not in fixture.actions()
        assert len(fixture.ends) == 60


async def test_an_event_asterisk_withholds_comes_within_the_second() -> None:
    async with linked() as fixture:
        fixture.pbx.fault = AmiFault.WITHHOLD
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(1.1)
        assert len(fixture.ends) == 1


async def test_a_half_open_link_is_noticed_within_four_seconds_and_made_anew() -> None:
    async with linked() as fixture:
        fixture.pbx.fault = AmiFault.HALF_OPEN
        await asyncio.sleep(4.2)
        assert fixture.state() is LinkState.DOWN
        assert "did not answer a Ping for 3 s" in fixture.link.reason
        fixture.pbx.fault = AmiFault.NONE
        await asyncio.sleep(10)
        assert fixture.state() is LinkState.UP
        assert fixture.link.reason == ""


async def test_attempts_come_later_and_later() -> None:
    async with linked() as fixture:
        await asyncio.sleep(20)
        fixture.unplug()
        broken_at = fixture.loop.time()
        await asyncio.sleep(200)
        tried = [at - broken_at for at in fixture.loop.attempts[1:9]]
        assert tried == pytest.approx([0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5], abs=0.1)
        assert fixture.metrics.losses == 1
        fixture.plug_in()
        await asyncio.sleep(31)
        assert fixture.state() is LinkState.UP


async def test_a_pbx_that_cuts_every_session_is_not_stormed() -> None:
    async with linked() as fixture:
        fixture.pbx.fault = AmiFault.CUT
        fixture.pbx.cut()
        await asyncio.sleep(120)
        assert fixture.pbx.connected_total < 12


async def test_a_refused_login_is_a_state_with_one_line_and_few_attempts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with linked(settings=replace(SETTINGS, secret="wrong")) as fixture:
        assert fixture.state() is LinkState.REFUSED
        await asyncio.sleep(600)
        assert fixture.pbx.connected_total in {10, 11}
        assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
            (
                "AMI link main: Asterisk refuses user 'gateway': Authentication failed; check username and "
                "secret of [ami.main] and manager.conf"
            )
        ]
        assert fixture.metrics.refused_logins == fixture.pbx.connected_total


async def test_a_login_into_a_pbx_that_is_stopping_is_tried_again_soon() -> None:
    async with linked() as fixture:
        fixture.unplug()
        fixture.pbx.fault = AmiFault.SHUTTING_DOWN
        fixture.plug_in()
        await asyncio.sleep(3)
        assert fixture.state() is LinkState.DOWN
        assert "Asterisk is shutting down" in fixture.link.reason
        fixture.pbx.fault = AmiFault.NONE
        await asyncio.sleep(10)
        assert fixture.state() is LinkState.UP
        assert fixture.metrics.refused_logins == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (AmiFault.SILENT, "no answer to Challenge within 5 s; should the port speak TLS, set tls = true"),
        (AmiFault.NOT_ASTERISK, "begins with its version, this one with 'SSH-2.0-Nothing'"),
    ],
)
async def test_a_port_that_is_no_manager_is_named(fault: AmiFault, words: str) -> None:
    async with linked() as fixture:
        fixture.unplug()
        fixture.pbx.fault = fault
        fixture.plug_in()
        await asyncio.sleep(7)
        assert words in fixture.link.reason


@pytest.mark.parametrize("fault", [AmiFault.SPLIT, AmiFault.GARBAGE, AmiFault.SLOW])
async def test_events_come_through_a_bad_line(fault: AmiFault) -> None:
    async with linked() as fixture:
        fixture.unplug()
        fixture.pbx.fault = fault
        fixture.plug_in()
        await asyncio.sleep(5)
        fixture.pbx.place(call(DIALSTATUS="BUSY"))
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(1)
        assert [end.dialstatus for end in fixture.ends] == ["BUSY"]


# -- calls that end while nobody listens ----------------------------------------------------------------


async def test_a_call_that_ends_in_a_gap_is_given_out_after_the_grace() -> None:
    async with linked() as fixture:
        fixture.pbx.place(call("17.1"))
        fixture.pbx.place(call("17.2"))
        fixture.link.note_open(STATE, "17.1")
        fixture.link.note_open(STATE, "17.2")
        await asyncio.sleep(1)
        fixture.unplug()
        fixture.pbx.hang_up("17.1")
        fixture.plug_in()
        await asyncio.sleep(20)
        assert fixture.ends == []
        await asyncio.sleep(15)
        (end,) = fixture.ends
        assert (end.source, end.uniqueid, end.state) == (EndSource.GAP, "17.1", STATE)
        assert end.ended_at == pytest.approx(WALL + 0.5 - 30, abs=1.1), "when it was found gone"
        assert (fixture.metrics.gap_ends, fixture.metrics.missed_hangups) == (1, 0)
        fixture.pbx.hang_up("17.2")
        await asyncio.sleep(1)
        assert fixture.ends[1].source is EndSource.AMI
        assert fixture.link.open_calls == 0


async def test_calls_assigned_before_the_gateway_started_are_learnt_from_status() -> None:
    fixture = Fixture(USER, SETTINGS)
    fixture.pbx.place(call("17.1"))
    fixture.pbx.place(AmiChannel("17.9"))
    fixture.link.start()
    await asyncio.sleep(0.1)
    assert fixture.link.open_calls == 1
    fixture.unplug()
    fixture.pbx.channels.clear()
    fixture.plug_in()
    await asyncio.sleep(35)
    assert [end.source for end in fixture.ends] == [EndSource.GAP]
    await fixture.link.stop()


async def test_without_reporting_rights_the_link_says_what_it_lacks() -> None:
    async with linked(replace(USER, write=frozenset())) as fixture:
        assert fixture.state() is LinkState.UP
        assert fixture.link.findings == {Finding.NO_STATUS}
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(1)
        assert len(fixture.ends) == 1


async def test_missing_read_rights_show_when_a_call_ends_unheard(caplog: pytest.LogCaptureFixture) -> None:
    async with linked(replace(USER, read=frozenset())) as fixture:
        fixture.pbx.place(call())
        fixture.link.note_open(STATE, "17.1")
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(340)
        assert [end.source for end in fixture.ends] == [EndSource.GAP]
        assert fixture.link.findings == {Finding.NO_HANGUPS}
        assert fixture.metrics.missed_hangups == 1
        assert "read=call" in caplog.text


async def test_missing_channelvars_show_in_status() -> None:
    fixture = Fixture(replace(USER, channelvars=("DIALSTATUS",)), SETTINGS)
    fixture.pbx.place(call())
    fixture.link.start()
    await asyncio.sleep(0.1)
    assert fixture.link.findings == {Finding.NO_CHANNELVARS}
    await fixture.link.stop()


async def test_missing_channelvars_show_in_events_too(caplog: pytest.LogCaptureFixture) -> None:
    async with linked(replace(USER, channelvars=(), filtered=False, write=frozenset())) as fixture:
        for number in range(3):
            fixture.pbx.place(call(str(number)))
            fixture.pbx.hang_up(str(number))
        await asyncio.sleep(1)
        assert Finding.NO_CHANNELVARS in fixture.link.findings
        assert caplog.text.count("channelvars=GATEWAY,DIALSTATUS,ANSWEREDTIME") == 1
        assert fixture.metrics.ignored == 3


async def test_a_mended_pbx_is_found_well_again() -> None:
    async with linked(replace(USER, channelvars=("GATEWAY",))) as fixture:
        fixture.pbx.place(call("1"))
        fixture.pbx.hang_up("1")
        await asyncio.sleep(1)
        assert fixture.link.findings == {Finding.FEW_CHANNELVARS}
        fixture.pbx.user = USER
        fixture.pbx.place(call("2"))
        fixture.pbx.hang_up("2")
        await asyncio.sleep(1)
        assert fixture.link.findings == frozenset()


async def test_an_unfiltered_pbx_is_heard_and_told_about() -> None:
    async with linked(replace(USER, filtered=False, read=frozenset({"all"}))) as fixture:
        for _ in range(1_100):
            fixture.pbx.tell(b"Event: Newexten\r\nX: %s\r\n\r\n" % (b"y" * 600))
        fixture.pbx.tell(b"Event: HangupRequest\r\nChanVariable: GATEWAY=1|x\r\n\r\n")
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(60)  # the network in memory lets no writes gather: each is a read
        assert len(fixture.ends) == 1
        assert fixture.link.findings == {Finding.UNFILTERED}
        assert fixture.metrics.passed_over_bytes > 1_100 * 600


# -- a consumer in trouble ------------------------------------------------------------------------------


async def test_a_consumer_that_raises_costs_one_call_end_and_not_the_link(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with linked() as fixture:

        def fail_for_the_first(end: CallEnd) -> None:
            if end.uniqueid == "1":
                raise ValueError("broken")

        fixture.refuse = fail_for_the_first
        for uniqueid in ("1", "2", "3"):
            fixture.pbx.place(call(uniqueid))
            fixture.pbx.hang_up(uniqueid)
        await asyncio.sleep(1)
        assert [end.uniqueid for end in fixture.ends] == ["2", "3"]
        assert (fixture.metrics.faults, fixture.metrics.call_ends) == (1, 2)
        assert fixture.state() is LinkState.UP
        assert "the end of call 1 could not be recorded" in caplog.text
        assert "+1404" not in caplog.text


async def test_a_full_consumer_stalls_the_link_and_loses_nothing() -> None:
    async with linked() as fixture:
        is_full = True

        def refuse(_end: CallEnd) -> None:
            if is_full:
                raise TryAgainError

        fixture.refuse = refuse
        for number in range(3_000):
            fixture.pbx.place(call(str(number)))
            fixture.pbx.hang_up(str(number))
        await asyncio.sleep(60)
        assert fixture.state() is LinkState.STALLED
        assert fixture.metrics.losses == 0
        is_full = False
        await asyncio.sleep(5)
        assert fixture.state() is LinkState.UP
        assert [int(end.uniqueid) for end in fixture.ends] == list(range(3_000))
        assert fixture.metrics.stalls == 1


async def test_what_arrived_before_the_link_broke_is_still_handed_over() -> None:
    async with linked() as fixture:
        for number in range(500):
            fixture.pbx.place(call(str(number)))
            fixture.pbx.hang_up(str(number))
        await asyncio.sleep(0)
        fixture.unplug()
        await asyncio.sleep(1)
        assert len(fixture.ends) == 500


async def test_stopping_hands_over_what_arrived() -> None:
    async with linked() as fixture:
        for number in range(2_000):
            fixture.pbx.place(call(str(number)))
            fixture.pbx.hang_up(str(number))
        await asyncio.sleep(0)
        await fixture.link.stop()
        assert len(fixture.ends) == 2_000


async def test_stopping_does_not_wait_for_a_consumer_that_is_stuck(caplog: pytest.LogCaptureFixture) -> None:
    async with linked() as fixture:

        def refuse(_end: CallEnd) -> None:
            raise TryAgainError

        fixture.refuse = refuse
        fixture.pbx.place(call())
        fixture.pbx.hang_up("17.1")
        await asyncio.sleep(1)
        began = fixture.loop.time()
        await fixture.link.stop()
        assert fixture.loop.time() - began < 2.1
        assert "call ends nobody took" in caplog.text


async def test_stopping_while_waiting_to_connect_again_is_for_good() -> None:
    async with linked() as fixture:
        fixture.unplug()
        await asyncio.sleep(0.2)
        assert fixture.state() is LinkState.DOWN
        await fixture.link.stop()
        fixture.plug_in()
        await asyncio.sleep(100)
        assert fixture.pbx.connected_total == 1


async def test_settings_that_cannot_work_are_told_at_the_start() -> None:
    for settings in (replace(SETTINGS, address="pbx"), replace(SETTINGS, tls=True, ca_file="/nowhere.pem")):
        link = AmiLink("main", settings, print, AmiMetrics())
        with pytest.raises((ValueError, OSError), match=r"HOST:PORT|/nowhere\.pem"):
            link.start()
