"""SIGHUP as an operator sends it: to one process and to several, with good and with broken configurations."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession

from gateway.simulator.ami import AmiSimulator
from gateway.simulator.asterisk import place_call
from gateway.simulator.call import CallRequest
from gateway.simulator.upstream import UpstreamSimulator
from tests.scenarios.reporting import PATIENCE_S, Gateway, settings, until

STORM = Path(__file__).parents[2] / "loadtest" / "replace_storm.py"
ADMIN = '\n[admin]\nlisten = "127.0.0.1:0"\n[service]\nworkers = {workers}\n'


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as server:
        yield server


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def gateway(
    request: pytest.FixtureRequest, start_gateway: Callable[..., Gateway], upstream: UpstreamSimulator
) -> Gateway:
    return start_gateway(upstream.url, deadline_s=2.0, more=ADMIN.format(workers=request.param))


async def is_said(gateway: Gateway, text: str, times: int = 1) -> None:
    await until(lambda: gateway.log.read_text().count(text) >= times, f"{text!r} in the log")


async def reload(gateway: Gateway, change: Callable[[str], str], answer: str) -> None:
    """Change the file, send SIGHUP, wait for these words."""
    await is_said(gateway, "listening for operators")
    text = gateway.config.read_text()
    changed = change(text)
    assert changed != text
    gateway.config.write_text(changed)
    os.kill(gateway.pid, signal.SIGHUP)
    await is_said(gateway, answer)


async def status(gateway: Gateway, phone: str) -> str:
    request = CallRequest(phone, "90210", "9001", one_write=True)
    return (await place_call("127.0.0.1", gateway.port, request, timeout_s=10.0)).status


async def test_a_good_configuration_takes_effect(gateway: Gateway) -> None:
    assert await status(gateway, "13035550123") == "ASSIGNED"
    await reload(
        gateway,
        lambda text: text.replace("[assignment]", '[assignment]\ndo_not_call = ["+1303"]'),
        "reloaded; changed: assignment.do_not_call",
    )
    assert await status(gateway, "13035550123") == "BLOCKED"
    assert await status(gateway, "12125550123") == "ASSIGNED"


async def test_figures_go_on_where_they_were(gateway: Gateway) -> None:
    await status(gateway, "13035550123")
    await reload(
        gateway,
        lambda text: text.replace("[assignment]", "[assignment]\ncache_ttl_s = 31"),
        "reloaded; changed: assignment.cache_ttl_s",
    )
    await status(gateway, "12125550123")
    address = re.findall(r"listening for operators on (\S+) port (\d+)", gateway.log.read_text())[0]
    decided = 'ani_gateway_decisions_total{reason="",source="outboundiq",status="ASSIGNED"} 2'

    async def is_told() -> bool:
        async with ClientSession() as http, http.get("http://{}:{}/metrics".format(*address)) as answer:
            return decided in await answer.text()

    async with asyncio.timeout(PATIENCE_S):
        while not await is_told():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.1)


async def test_a_broken_one_is_refused_with_every_problem_and_the_old_one_stays(gateway: Gateway) -> None:
    await reload(
        gateway,
        lambda text: text.replace("[assignment]", "[assignment]\nmax_batch = 'many'\ncolour = 'red'"),
        "reload refused, the settings before stay in force: 2 problems in the configuration",
    )
    log = gateway.log.read_text()
    assert re.search(r"reload: assignment\.max_batch: expected .* \(.*gateway-\d+\.toml:\d+\)", log)
    assert "reload: assignment.colour" in log
    assert await status(gateway, "13035550123") == "ASSIGNED"


async def test_what_a_process_cannot_use_is_refused_too(gateway: Gateway, tmp_path: Path) -> None:
    """A file that is no certificate is found by whoever opens the upstream, not by whoever reads the file."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("no certificate")
    await reload(
        gateway,
        lambda text: text.replace("[outboundiq]", f'[outboundiq]\nca_file = "{ca_file}"'),
        "reload refused, the settings before stay in force",
    )
    assert await status(gateway, "13035550123") == "ASSIGNED"


async def test_what_needs_a_restart_is_named_and_the_rest_holds(gateway: Gateway) -> None:
    await reload(
        gateway,
        lambda text: text.replace("workers = ", "hang_timeout_s = 7\nworkers = 1"),
        "reloaded; changed: service.hang_timeout_s",
    )
    assert "reload: service.workers needs a restart; until then it stays as it is" in gateway.log.read_text()


async def test_the_log_goes_to_a_file_of_its_own_once_that_is_set(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "own.log"
    await reload(gateway, lambda text: f'{text}\n[log]\nfile = "{file}"\n', "")
    await until(lambda: file.exists() and "reloaded; changed: log.file" in file.read_text(), "it is written")


async def test_a_dead_worker_comes_back_while_the_file_on_disk_is_broken(
    start_gateway: Callable[..., Gateway], upstream: UpstreamSimulator
) -> None:
    """Somebody is editing: what counts is what is in force."""
    gateway = start_gateway(upstream.url, deadline_s=2.0, more=ADMIN.format(workers=2))
    await is_said(gateway, "listening for operators")
    gateway.config.write_text("[agi\n")
    worker = re.findall(r"worker-1 is ready, process (\d+)", gateway.log.read_text())[0]
    os.kill(int(worker), signal.SIGKILL)
    await is_said(gateway, "worker-1 is ready", times=2)
    assert await status(gateway, "13035550123") == "ASSIGNED"


async def test_a_new_pbx_is_listened_to(
    start_gateway: Callable[..., Gateway], upstream: UpstreamSimulator, tmp_path: Path
) -> None:
    (tmp_path / "spool").mkdir()
    async with AmiSimulator() as first, AmiSimulator() as second:
        more = settings(first, tmp_path) + ADMIN.format(workers=1)
        gateway = start_gateway(upstream.url, deadline_s=2.0, more=more)
        await is_said(gateway, "AMI link pbx: up")
        link = f'\n[ami.other]\naddress = "{second.address}"\nsecret = "{second.user.secret}"\n'
        await reload(gateway, lambda text: text + link, "AMI link other: up")
        assert len(first.connections) == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("workers", "replacements"), [(1, 0), (2, 4)])
def test_replacements_and_reloads_under_load_cost_no_call_and_no_record(
    workers: int, replacements: int
) -> None:
    """`loadtest/replace_storm.py` does a hundred and twenty."""
    options = [f"--workers={workers}", f"--replacements={replacements}", "--reloads=5", "--rate=100"]
    run = subprocess.run(
        [sys.executable, str(STORM), *options], capture_output=True, text=True, check=False, timeout=170
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout)
    assert (figures["failed_calls"], figures["lost"], figures["strange"], figures["sent_twice"]) == (0,) * 4
    assert figures["records"] == figures["calls"] > 100
    assert (figures["replacements"], figures["reloads"], figures["refused_reloads"]) == (replacements, 5, 1)
