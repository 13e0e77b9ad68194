"""Several workers on one port, as their operator runs them: spread, death, replacement, start and end."""

import asyncio
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession

from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import CallRequest
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from tests.scenarios.reporting import ASSIGNMENT, OUTCOMES, Gateway, assert_each_arrives_once, settings, until

EPOCH = 1_700_000_000
WORKERS = """
[service]
workers = 2
hang_timeout_s = {hang_timeout_s}
[admin]
listen = "127.0.0.1:0"
token = "made-up"
"""
TOKEN = {"Authorization": "Bearer made-up"}
ENGINE_API = """
[engine]
database = "{file}.db"
[api]
in_serve = true
keys = ["k"]
listen = "127.0.0.1:{taken}"
"""
MOST_WAIT_S = 1.5
"""A call is answered within its session's 0.6 s; the rest is for a machine with other work."""
LOADED_S = 2.0
"""The deadline under load: what fails then has failed, and was not only late on a machine with other work."""


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as server:
        yield server


@pytest.fixture
async def ami() -> AsyncIterator[AmiSimulator]:
    async with AmiSimulator() as server:
        yield server


StartWorkers = Callable[..., Gateway]


@pytest.fixture
def start_workers(
    start_gateway: Callable[..., Gateway], tmp_path: Path, upstream: UpstreamSimulator, ami: AmiSimulator
) -> StartWorkers:
    def start(*, deadline_s: float = 0.25, hang_timeout_s: int = 2) -> Gateway:
        folder = tmp_path / "spool"
        folder.mkdir()
        more = settings(ami, tmp_path) + WORKERS.format(hang_timeout_s=hang_timeout_s)
        return start_gateway(upstream.url, deadline_s=deadline_s, assignment=ASSIGNMENT, more=more)

    return start


def processes(gateway: int) -> dict[str, int]:
    """The gateway's own processes: number by name."""
    children = Path(f"/proc/{gateway}/task/{gateway}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") for child in children}
    return {
        command[command.index(b"--part") + 1].decode(): child
        for child, command in commands.items()
        if b"--part" in command
    }


def is_alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@dataclass(slots=True)
class Traffic:
    """Calls that come whatever happens; each is dialled, hangs up, and is one record."""

    gateway: Gateway
    ami: AmiSimulator
    tells_itself: bool = False
    """Whether the dialplan's hangup handler reports as well, and Asterisk may have nobody to tell."""
    expected: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    failed: list[CallResult] = field(default_factory=list)
    placed: int = 0
    is_over: bool = False
    _reports: set[asyncio.Task[None]] = field(default_factory=set)

    async def flow(self, calls_per_s: float) -> None:
        """Until `is_over`; then until the last call has ended."""
        scenario = Scenario(calls_per_s=calls_per_s, call_timeout_s=10.0, one_write=True)
        target = ("127.0.0.1", self.gateway.port)
        async for _ in run_scenario(*target, scenario, requests=self._requests(), on_result=self._take):
            pass
        await asyncio.gather(*self._reports)

    def _requests(self) -> Iterator[CallRequest]:
        for number in itertools.takewhile(lambda _: not self.is_over, itertools.count(1)):
            self.placed = number
            yield CallRequest(
                f"1212{2_000_000 + number}", "90210", "9001", uniqueid=f"{EPOCH}.{number}", one_write=True
            )

    def _take(self, request: CallRequest, result: CallResult) -> None:
        if not result.variables.get("GATEWAY"):
            self.failed.append(result)
            return
        dialstatus = list(OUTCOMES)[len(self.expected) % len(OUTCOMES)]
        packed = result.variables["GATEWAY"].split("|")
        phone, ani = (number.removeprefix("+1") for number in (packed[2], packed[1]))
        self.expected[result.variables["GATEWAY_DIAL_ID"]] = (phone, ani, OUTCOMES[dialstatus])
        channel = AmiChannel(request.uniqueid, variables=result.variables)
        self.ami.place(replace(channel, variables={**channel.variables, "DIALSTATUS": dialstatus}))
        if self.tells_itself:
            task = asyncio.get_running_loop().create_task(self._tell(request, result, dialstatus))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        self.ami.hang_up(request.uniqueid)

    async def _tell(self, request: CallRequest, result: CallResult, dialstatus: str) -> None:
        told = replace(
            request,
            phone=f"gateway={result.variables['GATEWAY']}",
            zip=f"dialstatus={dialstatus}",
            campaign="",
            script="report",
        )
        answer = await place_call("127.0.0.1", self.gateway.port, told, timeout_s=10.0)
        # Its record may not be safe yet, and it waits no longer than any session.
        assert answer.ended_s < MOST_WAIT_S + LOADED_S, answer


async def place(gateway: Gateway, count: int) -> list[CallResult]:
    requests = [CallRequest(f"1303{2_000_000 + number}", one_write=True) for number in range(count)]
    return list(
        await asyncio.gather(
            *(place_call("127.0.0.1", gateway.port, request, timeout_s=10.0) for request in requests)
        )
    )


async def is_said(gateway: Gateway, text: str, times: int = 1) -> None:
    await until(lambda: gateway.log.read_text().count(text) >= times, f"{text!r} in the log")


async def test_two_workers_share_the_calls_evenly(start_workers: StartWorkers) -> None:
    gateway = start_workers()
    await is_said(gateway, "listening for Asterisk")
    for _ in range(4):
        assert all(result.variables.get("GATEWAY") for result in await place(gateway, 100))
    os.kill(gateway.pid, signal.SIGUSR2)  # who leaves says how much it did
    await is_said(gateway, "all workers are replaced")
    done = [int(count) for count in re.findall(r"stopped after (\d+) calls", gateway.log.read_text())]
    assert sum(done) == 400
    assert min(done) >= 100


async def test_no_call_waits_for_a_killed_worker(start_workers: StartWorkers) -> None:
    gateway = start_workers()
    await is_said(gateway, "listening for Asterisk")
    killed = processes(gateway.pid)["worker-1"]
    os.kill(killed, signal.SIGKILL)
    for _ in range(4):
        results = await place(gateway, 50)
        assert all(result.variables.get("GATEWAY") for result in results)
        assert max(result.ended_s for result in results) < MOST_WAIT_S
    await is_said(gateway, "worker-2 takes the calls of worker-1")
    await is_said(gateway, "worker-1 was killed by SIGKILL; the next starts in 0.00 s")
    await is_said(gateway, "worker-1 is ready", times=2)
    assert processes(gateway.pid)["worker-1"] != killed
    assert all(result.variables.get("GATEWAY") for result in await place(gateway, 50))


@pytest.mark.timeout(180)
async def test_ten_replacements_under_load_cost_no_call_and_no_record(
    start_workers: StartWorkers, upstream: UpstreamSimulator, ami: AmiSimulator
) -> None:
    gateway = start_workers(deadline_s=LOADED_S)
    await is_said(gateway, "AMI link pbx: up")
    await is_said(gateway, "listening for Asterisk")
    traffic = Traffic(gateway, ami)
    flow = asyncio.get_running_loop().create_task(traffic.flow(200.0))
    for turn in range(1, 6):
        os.kill(gateway.pid, signal.SIGUSR2)
        await is_said(gateway, "all workers are replaced", times=turn)
    traffic.is_over = True
    await flow
    assert traffic.failed == []
    assert len(traffic.expected) == traffic.placed > 200
    await assert_each_arrives_once(traffic, upstream)


async def test_a_worker_that_hangs_is_covered_at_once_then_replaced(start_workers: StartWorkers) -> None:
    gateway = start_workers()
    await is_said(gateway, "listening for Asterisk")
    hung = processes(gateway.pid)["worker-1"]
    os.kill(hung, signal.SIGSTOP)
    await is_said(gateway, "worker-2 takes the calls of worker-1")
    results = await place(gateway, 50)
    assert all(result.variables.get("GATEWAY") for result in results)
    await is_said(gateway, "worker-1 has not answered for 2 s and is killed")
    await is_said(gateway, "worker-1 is ready", times=2)
    assert processes(gateway.pid)["worker-1"] != hung
    assert all(result.variables.get("GATEWAY") for result in await place(gateway, 50))


async def test_a_worker_that_was_held_up_for_a_moment_lives_on(start_workers: StartWorkers) -> None:
    gateway = start_workers(hang_timeout_s=60)
    await is_said(gateway, "listening for Asterisk")
    held_up = processes(gateway.pid)["worker-1"]
    os.kill(held_up, signal.SIGSTOP)
    await is_said(gateway, "worker-2 takes the calls of worker-1")
    os.kill(held_up, signal.SIGCONT)
    await is_said(gateway, "worker-1 answers again")
    assert processes(gateway.pid)["worker-1"] == held_up
    os.kill(processes(gateway.pid)["worker-2"], signal.SIGKILL)
    await is_said(gateway, "worker-1 takes the calls of worker-2")
    assert all(result.variables.get("GATEWAY") for result in await place(gateway, 50))


async def test_a_reporting_process_that_hangs_is_replaced(start_workers: StartWorkers) -> None:
    gateway = start_workers()
    await is_said(gateway, "AMI link pbx: up")
    os.kill(processes(gateway.pid)["reporting"], signal.SIGSTOP)
    await is_said(gateway, "reporting has not answered for 2 s and is killed")
    await is_said(gateway, "reporting is ready", times=2)
    assert all(result.variables.get("GATEWAY") for result in await place(gateway, 10))


async def test_records_outlive_a_killed_reporting_process(
    start_workers: StartWorkers, upstream: UpstreamSimulator, ami: AmiSimulator
) -> None:
    """No call notices, and what the dialplan told in between is kept by the workers and told again."""
    gateway = start_workers(deadline_s=LOADED_S)
    await is_said(gateway, "AMI link pbx: up")
    await is_said(gateway, "listening for Asterisk")
    traffic = Traffic(gateway, ami, tells_itself=True)
    flow = asyncio.get_running_loop().create_task(traffic.flow(100.0))
    for kill in range(1, 3):
        await until(lambda times=kill: len(traffic.expected) > 100 * times, "traffic flows")  # type: ignore[misc]
        os.kill(processes(gateway.pid)["reporting"], signal.SIGKILL)
        await is_said(gateway, "reporting is ready", times=kill + 1)
    traffic.is_over = True
    await flow
    assert traffic.failed == []
    await assert_each_arrives_once(traffic, upstream, may_repeat=True)


async def test_a_prewarmed_number_is_known_to_every_worker_old_and_new(
    start_workers: StartWorkers, upstream: UpstreamSimulator
) -> None:
    gateway = start_workers()
    await is_said(gateway, "listening for operators")
    url = re.findall(r"listening for operators on (\S+) port (\d+)", gateway.log.read_text())[0]
    row = {"phone": "+13035550123", "campaign": "9001", "ani": "+13035550199"}
    async with (
        ClientSession() as session,
        session.post(f"http://{url[0]}:{url[1]}/api/prewarm", json=[row], headers=TOKEN) as answer,
    ):
        assert (await answer.json())["taken"] == 1
    for turn in range(2):
        request = CallRequest("13035550123", campaign="9001", one_write=True)
        calls = [place_call("127.0.0.1", gateway.port, request, timeout_s=10.0) for _ in range(40)]
        assert {(call.ani, call.source) for call in await asyncio.gather(*calls)} == {("3035550199", "cache")}
        os.kill(gateway.pid, signal.SIGUSR2)
        await is_said(gateway, "all workers are replaced", times=turn + 1)
    assert upstream.counters.requests == 0


async def test_a_killed_supervisor_leaves_no_process_behind(tmp_path: Path) -> None:
    process, log = launch(tmp_path)
    await until(lambda: "listening for Asterisk" in log.read_text(), "the gateway listens")
    children = processes(process.pid)
    assert sorted(children) == ["reporting", "worker-1", "worker-2"]
    process.kill()
    process.wait(10)
    await until(lambda: not any(map(is_alive, children.values())), "all processes are gone")
    assert "Traceback" not in log.read_text()


async def test_sigterm_leaves_no_process_and_no_folder_behind(tmp_path: Path) -> None:
    process, log = launch(tmp_path)
    await until(lambda: "listening for Asterisk" in log.read_text(), "the gateway listens")
    children = processes(process.pid)
    assert len(private_folders(tmp_path)) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not any(map(is_alive, children.values()))
    assert private_folders(tmp_path) == []


def test_an_address_in_use_is_exit_code_3(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process, log = launch(tmp_path, port=taken.getsockname()[1])
        assert process.wait(20) == 3
    assert "could not start: cannot listen on agi.listen 127.0.0.1:" in log.read_text()


@pytest.mark.parametrize(
    ("more", "who"),
    [
        (
            ENGINE_API,
            "reporting",
        ),
        ("[outboundiq]\nkey = 'k'\nca_file = '{file}'\n", "worker-"),
    ],
)
def test_a_part_that_cannot_start_ends_all_with_exit_code_3(tmp_path: Path, more: str, who: str) -> None:
    """Of a start that failed nothing is tried again: a service manager shall see it."""
    file = tmp_path / "file"
    file.write_text("no certificate")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        more = more.format(taken=taken.getsockname()[1], file=file)
        process, log = launch(tmp_path, more=more)
        assert process.wait(30) == 3, log.read_text()
    assert "error: could not start: " in log.read_text()
    assert f"could not start: {who}" in log.read_text()


def private_folders(folder: Path) -> list[Path]:
    return list(folder.glob("ani-gateway-*"))


def launch(folder: Path, *, port: int = 0, more: str = "") -> tuple["subprocess.Popen[bytes]", Path]:
    """A gateway whose end the test wants to see."""
    file, log = folder / "gateway.toml", folder / "gateway.log"
    account = "" if "[outboundiq]" in more else "[outboundiq]\nkey = 'k'\n"
    file.write_text(f"[agi]\nlisten = ['127.0.0.1:{port}']\n[service]\nworkers = 2\n{account}{more}")
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder), "PYTHONPATH": str(Path.cwd())}
    with log.open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, env=environment), log
