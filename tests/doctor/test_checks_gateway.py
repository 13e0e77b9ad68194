import asyncio
from collections.abc import Callable

import pytest

from gateway.agi.server import AgiServer
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.base import outcome
from gateway.assignment.guards import Guards
from gateway.assignment.settings import AssignmentSettings
from gateway.doctor.checks_gateway import CHECKS, QUESTION, Listener
from gateway.doctor.examination import appoint, examine
from gateway.doctor.finding import Finding, Verdict
from gateway.model.decision import Decision
from gateway.telemetry.metrics import SessionMetrics


async def asked(address: str, agi: AgiSettings | None = None) -> Finding:
    (finding,) = await examine(appoint(CHECKS, Listener(agi or AgiSettings(), address)))
    return finding


def answered() -> bytes:
    decision = Guards(AssignmentSettings()).screen(QUESTION)
    assert isinstance(decision, Decision)
    return outcome(decision)


async def test_gateway_that_answers_is_right_and_asked_no_upstream() -> None:
    agi = AgiSettings(listen=("127.0.0.1:0",))
    server = AgiServer(
        agi, {"assign": lambda _, reply: reply(answered())}, SessionMetrics(), asyncio.get_running_loop()
    )
    await server.start()
    finding = await asked(f"127.0.0.1:{server.addresses[0][1]}")
    await server.stop()
    assert finding.verdict is Verdict.RIGHT


async def test_closed_port_means_no_gateway_runs(free_port: Callable[[], int]) -> None:
    assert (await asked(f"127.0.0.1:{free_port()}")).name == "gateway.not-running"


async def test_gateway_that_does_not_let_this_machine_in_is_found() -> None:
    agi = AgiSettings(listen=("127.0.0.1:0",), allow=("10.0.0.0/8",))
    server = AgiServer(agi, {}, SessionMetrics(), asyncio.get_running_loop())
    await server.start()
    finding = await asked(f"127.0.0.1:{server.addresses[0][1]}", agi)
    await server.stop()
    assert finding.name == "gateway.no-answer"
    assert finding.change is not None
    assert finding.change.line.startswith('allow = ["10.0.0.0/8", ')


@pytest.fixture
def free_port() -> Callable[[], int]:
    from tests.asterisk.ports import free_tcp_port

    return free_tcp_port
