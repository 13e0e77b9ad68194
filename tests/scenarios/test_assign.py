"""`ani-gateway assign` as a process: killed, stopped, and before a running gateway."""

import asyncio
import csv
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.engine.inventory import SAMPLE
from gateway.simulator.upstream import DEFAULT_KEY, UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from tests.scenarios.conftest import StartGateway, _free_port

ROWS = 30_000
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def written_list(folder: Path, rows: int) -> Path:
    path = folder / "leads.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("phone", "campaign", "note"))
        writer.writerows((f"404{2_000_000 + number}", "9001", f"n{number}") for number in range(rows))
    return path


async def started(leads: Path, *options: str) -> asyncio.subprocess.Process:
    command = ("-m", "gateway", "assign", str(leads), "-o", str(leads.with_name("out.csv")), *options)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=leads.parent, env=ENVIRONMENT, stdout=pipe, stderr=pipe
    )


def wrong_rows(leads: Path) -> int:
    """Rows of the output that are not the input's, in order, each with the number of its phone."""
    with leads.open(newline="") as asked, leads.with_name("out.csv").open(newline="") as answered:
        expected = [[*row, ani_for(row[0]), ""] for row in list(csv.reader(asked))[1:]]
        given = list(csv.reader(answered))[1:]
    return sum(one != other for one, other in zip(expected, given, strict=True))


async def _until(reached: Callable[[], bool], process: asyncio.subprocess.Process) -> None:
    """Return when `reached`, or when the process has ended."""
    async with asyncio.timeout(30):
        while True:
            if reached() or process.returncode is not None:
                return
            await asyncio.sleep(0.002)


async def _request(upstream: UpstreamSimulator, number: int, process: asyncio.subprocess.Process) -> None:
    """Return at the upstream's request of this number, or when the process has ended."""
    await _until(lambda: upstream.counters.requests >= number, process)


def _rows_done(leads: Path) -> int:
    """Rows of the output that another run would not assign again."""
    try:
        return int(json.loads(leads.with_name("out.csv.progress").read_bytes())["counts"]["rows"])
    except FileNotFoundError:
        return 0


async def test_killed_again_and_again_the_list_is_complete_in_the_end(tmp_path: Path) -> None:
    leads = written_list(tmp_path, ROWS)
    async with UpstreamSimulator(delay_s=0.05) as upstream:
        await upstream.set_fault(Fault.SLOW)
        options = ("--set", f"outboundiq.url={upstream.url}", "--set", f"outboundiq.key={DEFAULT_KEY}")
        for more in (3, 14, 14, 14):
            process = await started(leads, *options)
            await _request(upstream, upstream.counters.requests + more, process)
            # However slow the machine, each run but the first shall have rows to go on from.
            if more > 3:
                await _until(lambda: _rows_done(leads) > 0, process)
            process.kill()
            await process.communicate()
            assert process.returncode == -signal.SIGKILL
        process = await started(leads, *options, "--json")
        stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
    assert b"going on after" in stderr
    assert json.loads(stdout)["assigned"] == ROWS
    assert wrong_rows(leads) == 0
    assert not leads.with_name("out.csv.progress").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_run_that_is_told_to_stop_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    leads = written_list(tmp_path, ROWS)
    async with UpstreamSimulator(delay_s=0.02) as upstream:
        await upstream.set_fault(Fault.SLOW)
        options = ("--set", f"outboundiq.url={upstream.url}", "--set", f"outboundiq.key={DEFAULT_KEY}")
        process = await started(leads, *options)
        await _request(upstream, 9, process)
        process.send_signal(number)
        _, stderr = await process.communicate()
        assert process.returncode == 1
        assert stderr.decode().splitlines()[-2:] == [
            "error: stopped",
            "hint: the same command goes on from here",
        ]
        process = await started(leads, *options)
        assert await process.wait() == 0
    assert wrong_rows(leads) == 0


async def test_a_refused_key_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    leads = written_list(tmp_path, 2_000)
    async with UpstreamSimulator() as upstream:
        options = ("--set", f"outboundiq.url={upstream.url}", "--set", "outboundiq.key=wrong")
        process = await started(leads, *options)
        _, stderr = await process.communicate()
    assert process.returncode == 1
    assert "error: outboundiq: the key was refused (401); check outboundiq.key" in stderr.decode()
    assert b"Traceback" not in stderr


async def test_a_prewarmed_lead_is_a_cache_hit_at_its_call(
    tmp_path: Path, start_gateway: StartGateway
) -> None:
    leads = written_list(tmp_path, 300)
    async with UpstreamSimulator() as upstream:
        address = f"127.0.0.1:{_free_port()}"
        admin = f'\n[admin]\nlisten = "{address}"\ntoken = "made-up"\n'
        gateway = start_gateway(upstream.url, more=admin)
        options = ("--provider", "engine", "--set", f"engine.inventory={SAMPLE}", "--prewarm", "--json")
        process = await started(leads, "--config", str(gateway.config), *options)
        stdout, stderr = await process.communicate()
        assert process.returncode == 0, stderr.decode()
        assert json.loads(stdout)["prewarmed"] == 300
        call = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "call", "4042000007", "--zip", "90210", "--campaign", "9001"),
            *("--port", str(gateway.port), "--json"),
            env=ENVIRONMENT,
            stdout=asyncio.subprocess.PIPE,
        )
        answer, _ = await call.communicate()
        assert upstream.counters.requests == 0
    with leads.with_name("out.csv").open(newline="") as file:
        ani = list(csv.DictReader(file))[7]["ani"]
    assert '"cache"' in answer.decode()
    assert ani in answer.decode()
