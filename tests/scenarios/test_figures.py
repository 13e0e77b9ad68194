"""What a running gateway shows of itself: under load, while workers come and go, in an outage, at its end."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import Settings
from gateway.engine.inventory import SAMPLE
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.service.wiring import Gateway
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from tests.scenarios.conftest import StartGateway
from tests.scenarios.reporting import ASSIGNMENT, Pbx, settings, until

REFERENCE = Path(__file__).parents[2] / "docs/reference/metrics.md"
ROW = re.compile(r"^\| `(ani_gateway_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
ADMIN = '\n[admin]\nlisten = "127.0.0.1:0"\n'
ENGINE = """
[engine]
inventory = "{sample}"
database = "{folder}/engine.db"
[webhooks.crm]
url = "http://127.0.0.1:9/"
secret = "made-up"
[webhook_in]
secret = "made-up"
"""
TOLD_S = 3.0
"""Workers tell once a second."""

Family = tuple[str, str]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as server:
        yield server


@pytest.fixture
async def ami() -> AsyncIterator[AmiSimulator]:
    async with AmiSimulator() as server:
        yield server


class Operator:
    """Asks the admin listener of a gateway that logs where it is."""

    def __init__(self, log: Path, session: ClientSession) -> None:
        self._log = log
        self._session = session

    async def ask(self, path: str) -> tuple[int, bytes]:
        where = re.compile(r"listening for operators on (\S+) port (\d+)")
        await until(lambda: where.search(self._log.read_text()) is not None, "operators are listened for")
        (host, port), *_ = where.findall(self._log.read_text())
        async with self._session.get(f"http://{host}:{port}{path}") as answer:
            return answer.status, await answer.read()

    async def scrape(self, query: str = "") -> tuple[dict[Family, set[str]], Samples]:
        """Families with the labels they have, and all samples."""
        _, page = await self.ask(f"/metrics{query}")
        families: dict[Family, set[str]] = {}
        samples: Samples = {}
        for family in text_string_to_metric_families(page.decode()):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = families.setdefault((name, family.type), set())
            for sample in family.samples:
                labels |= sample.labels.keys() - {"le"}
                samples[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
        return families, samples

    async def status(self) -> Any:
        return json.loads((await self.ask("/api/status"))[1])


@pytest.fixture
async def operator_of() -> AsyncIterator[Callable[[Path], Operator]]:
    async with ClientSession() as session:
        yield lambda log: Operator(log, session)


def together(samples: Samples, name: str) -> float:
    return sum(value for (one, _), value in samples.items() if one == name)


async def test_every_metric_is_in_the_reference_as_it_is_and_no_other(
    start_gateway: StartGateway,
    upstream: UpstreamSimulator,
    ami: AmiSimulator,
    tmp_path: Path,
    operator_of: Callable[[Path], Operator],
) -> None:
    """A gateway with everything on, and calls of all kinds; what it tells is what happened."""
    (tmp_path / "spool").mkdir()
    more = settings(ami, tmp_path) + ADMIN + ENGINE.format(sample=SAMPLE, folder=tmp_path)
    gateway = start_gateway(upstream.url, assignment=ASSIGNMENT, more=more)
    pbx, operator = Pbx(gateway, ami), operator_of(gateway.log)
    await pbx.is_listened_to()
    await pbx.call(50)
    pbx.hang_up_all()
    await until(lambda: len(upstream.dials.dials) == 50, "every record is delivered")
    told: Samples = {}
    while together(told, "ani_gateway_target_delivered_total") < 50:
        families, told = await operator.scrape("?per_ani=1")
    assert together(told, "ani_gateway_decisions_total") == 50
    assert together(told, "ani_gateway_decision_seconds_count") == 50
    requests = upstream.counters.requests - 50  # the others were records
    assert together(told, "ani_gateway_upstream_requests_total") == requests
    assert together(told, "ani_gateway_upstream_leads_total") == 50
    assert told["ani_gateway_ami_call_ends_total", (("pbx", "pbx"),)] == 50
    assert told["ani_gateway_records_total", (("stored", "new"),)] == 50
    assert together(told, "ani_gateway_ani_records_total") == 50
    assert told["ani_gateway_ready", ()] == 1
    rows = ROW.findall(REFERENCE.read_text())
    described = {(name, kind): set(re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}
    assert families.keys() == described.keys()
    for family, labels in families.items():
        # A metric that counted nothing has no samples, and tells no labels.
        assert labels in (set(), described[family]), family


@pytest.mark.timeout(120)
async def test_sums_over_workers_only_grow_and_are_whole_whoever_is_replaced(
    start_gateway: StartGateway,
    upstream: UpstreamSimulator,
    operator_of: Callable[[Path], Operator],
) -> None:
    gateway = start_gateway(upstream.url, deadline_s=2.0, more=f"{ADMIN}[service]\nworkers = 2\n")
    operator = operator_of(gateway.log)
    calls = asyncio.get_running_loop().create_task(placed(gateway.port, seconds=6.0))
    highest: Samples = {}
    for turn in range(1, 3):
        os.kill(gateway.pid, signal.SIGUSR2)
        while gateway.log.read_text().count("all workers are replaced") < turn:
            _, samples = await operator.scrape()
            for key, value in samples.items():
                if key[0].endswith(("_total", "_count", "_bucket")):
                    assert value >= highest.get(key, 0.0), key
                    highest[key] = value
            await asyncio.sleep(0.05)
    count = await calls
    assert count > 300
    await told_in_full(operator, count)
    status = await operator.status()
    assert [worker["slot"] for worker in status["workers"]] == [1, 2]
    assert sum(worker["decided"] for worker in status["workers"]) < count
    assert status["calls"]["decided"] == count


async def test_last_calls_of_all_workers_are_told_while_somebody_looks(
    start_gateway: StartGateway, upstream: UpstreamSimulator, operator_of: Callable[[Path], Operator]
) -> None:
    gateway = start_gateway(upstream.url, more=f"{ADMIN}[service]\nworkers = 2\n")
    operator = operator_of(gateway.log)
    await placed(gateway.port, seconds=0.3)
    assert (await operator.status())["last_calls"] == []
    async with asyncio.timeout(15):
        while not (last := (await operator.status())["last_calls"]):
            await placed(gateway.port, seconds=0.5)
    assert {call["status"] for call in last} == {"ASSIGNED"}
    assert all("*****" in call["phone"] and "*****" in call["ani"] for call in last)
    assert [call["at"] for call in last] == sorted((call["at"] for call in last), reverse=True)


async def test_an_outage_is_told_and_its_end_too(upstream: UpstreamSimulator) -> None:
    """Without any fallback: nobody has a number, until the upstream is back."""
    gateway = Gateway(
        Settings(
            agi=AgiSettings(listen=("127.0.0.1:0",)),
            assignment=AssignmentSettings(fallback=(), breaker_open_s=30, breaker_max_open_s=30),
            outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
            admin=AdminSettings(listen="127.0.0.1:0"),
        )
    )
    await gateway.start()
    assert gateway.admin_address is not None
    try:
        async with ClientSession(f"http://{gateway.admin_address[0]}:{gateway.admin_address[1]}") as session:
            assert await readiness(session) == (200, "ok")
            await upstream.set_fault(Fault.UNAVAILABLE)
            await placed(gateway.agi_addresses[0][1], seconds=0.5)
            assert await readiness(session) == (503, "down")
            async with session.get("/api/status") as answer:
                status = await answer.json()
            assert status["words"].startswith("nobody has a number now: calls keep the caller ID they had; ")
            assert status["upstreams"][0]["state"] == "resting"
    finally:
        await gateway.stop()


async def test_who_drains_says_so_until_the_last_call_has_ended(upstream: UpstreamSimulator) -> None:
    gateway = Gateway(
        Settings(
            agi=AgiSettings(listen=("127.0.0.1:0",), drain_timeout_s=10.0, session_timeout_s=10.0),
            outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
            admin=AdminSettings(listen="127.0.0.1:0"),
        )
    )
    await gateway.start()
    assert gateway.admin_address is not None
    async with ClientSession(f"http://{gateway.admin_address[0]}:{gateway.admin_address[1]}") as session:
        _, call = await asyncio.open_connection(*gateway.agi_addresses[0])
        call.write(b"agi_network: yes\n")  # a call whose request is not complete
        await call.drain()
        await until(lambda: gateway.metrics.sessions.open == 1, "the call is there")
        stopping = asyncio.get_running_loop().create_task(gateway.stop())
        await asyncio.sleep(0)
        assert await readiness(session) == (503, "down")
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        call.close()
        await call.wait_closed()
        await stopping
    assert gateway.admin_address is None


async def test_workers_that_drain_are_told_of_at_once(
    start_gateway: StartGateway, upstream: UpstreamSimulator, operator_of: Callable[[Path], Operator]
) -> None:
    gateway = start_gateway(upstream.url, deadline_s=2.0, more=f"{ADMIN}[service]\nworkers = 2\n")
    operator = operator_of(gateway.log)
    async with asyncio.timeout(TOLD_S):
        while (await operator.ask("/readyz"))[0] != 200:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)
    _, call = await asyncio.open_connection("127.0.0.1", gateway.port)
    call.write(b"agi_network: yes\n")  # a call whose request is not complete
    await call.drain()
    os.kill(gateway.pid, signal.SIGTERM)
    async with asyncio.timeout(TOLD_S):
        while (answer := await operator.ask("/readyz"))[0] != 503:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)
    assert json.loads(answer[1])["state"] == "down"
    call.close()
    await call.wait_closed()


async def test_without_a_token_nothing_can_be_changed(upstream: UpstreamSimulator) -> None:
    gateway = Gateway(
        Settings(
            agi=AgiSettings(listen=("127.0.0.1:0",)),
            outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
            admin=AdminSettings(listen="127.0.0.1:0"),
        )
    )
    await gateway.start()
    assert gateway.admin_address is not None
    row = {"phone": "+13035550123", "ani": "+13035550199"}
    async with (
        ClientSession(f"http://{gateway.admin_address[0]}:{gateway.admin_address[1]}") as session,
        session.post("/api/prewarm", json=[row]) as answer,
    ):
        assert answer.status == 403
        assert "admin.token" in (await answer.json())["error"]
    await gateway.stop()


async def placed(port: int, *, seconds: float) -> int:
    """How many calls were placed and answered."""
    scenario = Scenario(calls_per_s=100, duration_s=seconds, call_timeout_s=10.0)
    ended = 0
    async for figures in run_scenario("127.0.0.1", port, scenario):
        ended = figures.ended
    return ended


async def told_in_full(operator: Operator, count: int) -> None:
    async with asyncio.timeout(TOLD_S):
        while together((await operator.scrape())[1], "ani_gateway_decisions_total") != count:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def readiness(session: ClientSession) -> tuple[int, str]:
    async with session.get("/readyz") as answer:
        return answer.status, (await answer.json())["state"]
