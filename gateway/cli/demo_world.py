"""The demo's world: gateway, engine, upstream and Asterisk in one process, talking over loopback ports.

Nothing in it is made up for the screen: every call is a FastAGI session, its end an event on an AMI
connection, every answer of the upstream an HTTP answer, and the upstream really fails for some seconds of
each round.
"""

import asyncio
import logging
import random
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path

from gateway.agi.settings import AgiSettings
from gateway.ami.settings import AmiSettings
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.cli.demo_records import Records
from gateway.config.settings import DialsSettings, Settings
from gateway.dials.settings import DeliverySettings
from gateway.engine.settings import EngineSettings
from gateway.model.decision import Source
from gateway.model.phone import parse_phone
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.service.wiring import Gateway
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.asterisk import CallResult
from gateway.simulator.call import DEFAULT_EPOCH, CallRequest
from gateway.simulator.conversations import Conversations
from gateway.simulator.scenario import Figures, Scenario, run_scenario, sample_calls
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.upstream_dials import DialLedger
from gateway.stores.settings import SpoolSettings

UPSTREAM_DELAY_S = 0.02
"""What a nearby cloud service takes."""
UP_S = 6.0
DOWN_S = 3.0
"""The upstream answers for `UP_S`, then fails for `DOWN_S`, and again."""
CACHE_TTL_S = 3.0
"""A tenth of the default, so that answers grow stale while somebody watches."""
DELIVERY = DeliverySettings(
    timeout_s=2.0, retry_base_s=0.2, retry_cap_s=1.0, breaker_open_s=0.2, breaker_max_open_s=0.8, drain_s=2.0
)
"""Much shorter than the defaults, so that what waits is seen to drain when the upstream is back."""
SETTLE_S = 0.2
LAST_RECORDS_S = 8.0
"""How long the end waits until the last records are delivered."""
_REMEMBERED_RECORDS = 50_000
"""The upstream tells repeats among so many: a demo may run for days."""
LAST_CALLS = 8
CLOUD_CAMPAIGN = "9001"
OWN_CAMPAIGN = "9002"
"""Its numbers come from the engine; those of the other from the upstream."""
_LOOK_S = 0.05
_DO_NOT_CALL = "+1900"
_SPECIAL_EVERY = 25
_SPECIAL_PHONES = ("911", "7002", "19005550100", "not-a-number")


@dataclass(frozen=True, slots=True)
class LastCall:
    """One call as the screen shows it; numbers are masked."""

    phone: str
    campaign: str
    status: str
    source: str
    reason: str
    ani: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class View:
    """All the screen shows at one moment."""

    figures: Figures
    upstream_is_down: bool
    last_calls: tuple[LastCall, ...]
    address: str
    """Where the gateway listens, `HOST:PORT`."""
    records: Records


@dataclass(frozen=True, slots=True)
class Played:
    """What the whole run came to."""

    figures: Figures | None
    """`None` when it was stopped before the first ones."""
    records: Records


Show = Callable[[View], None]


async def play(show: Show, *, seconds: float | None, calls_per_s: float) -> Played:
    """Run the demo for `seconds` (`None`: until SIGINT or SIGTERM), deliver the last records, and say it all.

    `show` is called about once a second.
    """
    logging.getLogger("gateway").addHandler(logging.NullHandler())  # the screen shows what the log would say
    with (
        as_file(files("gateway.engine") / "sample.yaml") as inventory,
        tempfile.TemporaryDirectory() as folder,
    ):
        async with UpstreamSimulator(delay_s=UPSTREAM_DELAY_S) as upstream, AmiSimulator() as pbx:
            upstream.dials = DialLedger(most=_REMEMBERED_RECORDS)
            gateway = Gateway(demo_settings(upstream, pbx, inventory=inventory, folder=Path(folder)))
            await gateway.start()
            try:
                scenario = Scenario(calls_per_s=calls_per_s, duration_s=seconds, campaigns=_CAMPAIGNS)
                return await _Demo(gateway, upstream, pbx, show).run(scenario)
            finally:
                await gateway.stop()


_CAMPAIGNS = (CLOUD_CAMPAIGN, CLOUD_CAMPAIGN, OWN_CAMPAIGN)


def demo_settings(
    upstream: UpstreamSimulator, pbx: AmiSimulator, *, inventory: Path, folder: Path
) -> Settings:
    """The gateway's defaults, with free ports, sample numbers, and all that is simulated around it."""
    return Settings(
        agi=AgiSettings(listen=("127.0.0.1:0",)),
        assignment=AssignmentSettings(cache_ttl_s=CACHE_TTL_S, do_not_call=(_DO_NOT_CALL,)),
        outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
        engine=EngineSettings(inventory=str(inventory)),
        campaigns={OWN_CAMPAIGN: CampaignSettings(providers=(Source.ENGINE,))},
        ami={"demo": AmiSettings(address=pbx.address, username=pbx.user.name, secret=pbx.user.secret)},
        dials=DialsSettings(targets=("outboundiq",)),
        spool=SpoolSettings(file=str(folder / "spool.db"), settle_s=SETTLE_S),
        delivery=DELIVERY,
    )


def demo_calls(scenario: Scenario) -> Iterator[CallRequest]:
    """The sample mix, and now and then a number that gets no caller ID.

    Without zips: the dialled area code decides, and the viewer can see that the number shown is local to it.
    """
    chance = random.Random(scenario.seed)  # noqa: S311 - a mix of calls needs no secrecy
    for number, request in enumerate(sample_calls(scenario), 1):
        special = number % _SPECIAL_EVERY == 0
        phone = chance.choice(_SPECIAL_PHONES) if special else request.phone
        yield replace(request, zip="", phone=phone, uniqueid=f"{DEFAULT_EPOCH}.{number}")


class _Demo:
    """One run: the calls, the upstream's bad moments, and what of it is shown."""

    def __init__(self, gateway: Gateway, upstream: UpstreamSimulator, pbx: AmiSimulator, show: Show) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._conversations = Conversations(pbx)
        self._show = show
        self._last: deque[LastCall] = deque(maxlen=LAST_CALLS)
        self._figures: Figures | None = None

    async def run(self, scenario: Scenario) -> Played:
        """Place calls until the scenario ends or a signal comes, then see their records off."""
        calls = asyncio.create_task(self._place_calls(scenario))
        outages = asyncio.create_task(self._fail_now_and_then())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, calls.cancel)
        try:
            await asyncio.wait([calls, outages], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (calls, outages):
                task.cancel()
            await asyncio.gather(calls, outages, return_exceptions=True)
        for task in (outages, calls):
            if not task.cancelled():
                task.result()
        await self._deliver_the_last()
        return Played(self._figures, self._records())

    async def _place_calls(self, scenario: Scenario) -> None:
        host, port = self._gateway.agi_addresses[0]
        requests = demo_calls(scenario)
        stream = run_scenario(host, port, scenario, requests=requests, on_result=self._note)
        async with aclosing(stream) as all_figures:
            async for figures in all_figures:
                self._figures = figures
                if scenario.duration_s is not None and figures.elapsed_s > scenario.duration_s:
                    continue  # the rates of the moment after the end would mislead
                down = self._upstream.fault is Fault.UNAVAILABLE
                self._show(View(figures, down, tuple(self._last), f"{host}:{port}", self._records()))

    async def _fail_now_and_then(self) -> None:
        for turn in count():
            is_down = turn % 2 == 1
            await self._upstream.set_fault(Fault.UNAVAILABLE if is_down else Fault.SLOW)
            await asyncio.sleep(DOWN_S if is_down else UP_S)

    async def _deliver_the_last(self) -> None:
        """Hang up what is up, and give the gateway time to deliver to an upstream that is well."""
        await self._upstream.set_fault(Fault.SLOW)
        self._conversations.hang_up_all()
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_RECORDS_S
        while not self._records().are_complete and loop.time() < until:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(_LOOK_S)

    def _records(self) -> Records:
        return Records.of(self._gateway, self._upstream, call_ends=self._conversations.assigned_ended)

    def _note(self, request: CallRequest, result: CallResult) -> None:
        self._conversations.begin(request, result)
        ani = parse_phone(result.ani)
        phone = parse_phone(request.phone)
        self._last.appendleft(
            LastCall(
                phone=phone.masked if phone else request.phone,
                campaign=request.campaign,
                status=result.status,
                source=result.source,
                reason=result.reason,
                ani=ani.masked if ani else "",
                took_ms=result.ended_s * 1000,
            )
        )
