"""Replaces workers and reloads the configuration again and again under load; nothing may be lost.

    python loadtest/replace_storm.py --replacements 100 --reloads 20 --rate 200

Runs `ani-gateway serve` between a simulated Asterisk, which places calls to ever new numbers and ends each
a moment later at the manager, and a simulated upstream. Meanwhile SIGUSR2 replaces all workers, and SIGHUP
brings settings of other parts: calls, AMI link, delivery, recorder, logs; before each fifth a configuration
that is broken and must be refused. In the end every call must have had its number, and its record must have
arrived once. With `--workers 1` there is nothing to replace, and one process reloads in place. Exit code 1
when not.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.asterisk import CallResult
from gateway.simulator.call import CallRequest
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator

CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]
session_timeout_s = 5.0
[assignment]
deadline_s = 4.0
cache_ttl_s = {odd}
[outboundiq]
url = "{url}"
key = "{key}"
[ami.pbx]
address = "{ami}"
secret = "{secret}"
gap_grace_s = {ami_grace_s}
[dials]
targets = ["outboundiq"]
[dials.constants]
skill_name = "{skill}"
[spool]
file = "{folder}/spool.db"
settle_s = 0.2
[delivery]
timeout_s = {delivery_s}
[service]
workers = {workers}
[log]
file = "{folder}/gateway.log"
format = "{format}"
"""
BROKEN = "[agi]\nlisten = 4573\n[dials]\ntargets = ['nowhere']\n"
BROKEN_EVERY = 5
LONGEST_CALL_S = 1.5
PATIENCE_S = 60.0
"""For one step of the gateway on a machine with other work."""
DRAIN_S = 60.0
BREATH_S = 0.25
"""Calls come between two steps too."""


@dataclass(slots=True)
class Traffic:
    """Calls that come whatever happens."""

    ami: AmiSimulator
    placed: int = 0
    expected: set[str] = field(default_factory=set)
    """The dial_id of each call that got its number."""
    failed: list[CallResult] = field(default_factory=list)
    slowest_s: float = 0.0
    is_over: bool = False
    _dice: random.Random = field(default_factory=lambda: random.Random(1))
    _up: int = 0

    async def flow(self, port: int, rate: float) -> None:
        """Until `is_over`; then until the last call has ended."""
        scenario = Scenario(calls_per_s=rate, call_timeout_s=10.0, one_write=True)
        async for _ in run_scenario(
            "127.0.0.1", port, scenario, requests=self._requests(), on_result=self._take
        ):
            pass
        await _until(lambda: not self._up, DRAIN_S)

    def _requests(self) -> Iterator[CallRequest]:
        while not self.is_over:
            self.placed += 1
            phone = f"1{212 + self.placed // 1_000_000}{2_000_000 + self.placed % 1_000_000}"
            yield CallRequest(phone, "90210", "9001", uniqueid=f"1700000000.{self.placed}", one_write=True)

    def _take(self, request: CallRequest, result: CallResult) -> None:
        self.slowest_s = max(self.slowest_s, result.ended_s)
        if result.status != "ASSIGNED":
            self.failed.append(result)
            return
        self.expected.add(result.variables["GATEWAY_DIAL_ID"])
        variables = {**result.variables, "DIALSTATUS": "ANSWER", "ANSWEREDTIME": "1"}
        self.ami.place(AmiChannel(request.uniqueid, variables=variables))
        self._up += 1
        asyncio.get_running_loop().call_later(
            self._dice.uniform(0, LONGEST_CALL_S), self._hang_up, request.uniqueid
        )

    def _hang_up(self, uniqueid: str) -> None:
        self._up -= 1
        self.ami.hang_up(uniqueid)


@dataclass(slots=True)
class Running:
    """The gateway, and what its operator does to it."""

    folder: Path
    facts: dict[str, object]
    port: int
    pid: int = 0
    reloads: int = 0
    refusals: int = 0
    rolls: int = 0

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "gateway.toml"

    def said(self, words: str) -> int:
        """How often the log has these words."""
        log = self.folder / "gateway.log"
        return log.read_text(errors="replace").count(words) if log.exists() else 0

    def findings(self) -> dict[str, int]:
        """How often the log tells of what a failure may come from, a starved machine above all."""
        words = ("has not answered", "takes the calls of", "did not end in time", "was killed", "too many")
        return {each: count for each in words if (count := self.said(each))}

    def configure(self) -> None:
        """Write a configuration that differs from the last one in one part."""
        turn = self.reloads
        text = CONFIG.format(
            **self.facts,
            odd=30 + turn % 2,
            ami_grace_s=30 + (turn + 3) // 4,
            delivery_s=10 + (turn + 2) // 4,
            skill=f"skill-{(turn + 1) // 4}",
            format=("text", "json")[turn // 4 % 2],
        )
        self.config.write_text(text)

    async def says(self, words: str, times: int) -> None:
        """Wait for words in the log."""
        if not await _until(lambda: self.said(words) >= times, PATIENCE_S):
            raise TimeoutError(f"{words!r} was not said {times} times")

    async def roll(self) -> None:
        """Replace all workers."""
        done = self.said("all workers are replaced")
        os.kill(self.pid, signal.SIGUSR2)
        await self.says("all workers are replaced", done + 1)
        self.rolls += 1

    async def reload(self) -> None:
        """Change a setting; before each fifth time, try a broken configuration first."""
        if self.reloads % BROKEN_EVERY == BROKEN_EVERY - 1:
            self.config.write_text(BROKEN)
            os.kill(self.pid, signal.SIGHUP)
            await self.says("reload refused", self.refusals + 1)
            self.refusals += 1
        self.reloads += 1
        self.configure()
        os.kill(self.pid, signal.SIGHUP)
        await self.says("reloaded; changed: ", self.reloads)


@asynccontextmanager
async def running(folder: Path, facts: dict[str, object], port: int) -> AsyncIterator[Running]:
    """The gateway as a process of its own; it must end with 0."""
    gateway = Running(folder, facts, port)
    gateway.configure()
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(gateway.config)]
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, "TMPDIR": str(folder)})
    gateway.pid = process.pid
    try:
        await gateway.says("listening for Asterisk", 1)
        await gateway.says("AMI link pbx: up", 1)
        yield gateway
    finally:
        process.terminate()
        code = await process.wait()
    if code:
        raise RuntimeError(f"the gateway ended with {code}")


async def _until(is_so: Callable[[], bool], within_s: float) -> bool:
    """Wait for another process; whether it came true in time."""
    stop = time.monotonic() + within_s
    while not (came := is_so()) and time.monotonic() < stop:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.05)
    return came


def free_port() -> int:
    """One nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def storm(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The whole test; its figures."""
    port, workers = free_port(), options.workers
    rolls = -(-options.replacements // workers) if workers > 1 else 0
    steps = ["roll"] * rolls + ["reload"] * options.reloads
    random.Random(options.seed).shuffle(steps)
    began = time.monotonic()
    async with AmiSimulator() as ami, UpstreamSimulator(delay_s=0.02) as upstream:
        facts = {"port": port, "url": upstream.url, "key": upstream.key, "ami": ami.address}
        facts |= {"secret": ami.user.secret, "folder": folder, "workers": workers}
        traffic = Traffic(ami)
        async with running(folder, facts, port) as gateway:
            flow = asyncio.get_running_loop().create_task(traffic.flow(port, options.rate))
            for step in steps:
                await (gateway.roll() if step == "roll" else gateway.reload())
                await asyncio.sleep(BREATH_S)
            traffic.is_over = True
            await flow
            await _until(lambda: not traffic.expected - upstream.dials.dials.keys(), DRAIN_S)
        arrived = upstream.dials.dials.keys()
        return {
            "replacements": gateway.rolls * workers,
            "reloads": gateway.reloads,
            "refused_reloads": gateway.refusals,
            "seconds": round(time.monotonic() - began),
            "calls": traffic.placed,
            "failed_calls": len(traffic.failed),
            "slowest_call_s": round(traffic.slowest_s, 3),
            "records": len(arrived),
            "lost": len(traffic.expected - arrived),
            "strange": len(arrived - traffic.expected),
            "sent_twice": upstream.dials.repeats,
            "log": gateway.findings(),
            "first_failures": [repr(one) for one in traffic.failed[:3]],
        }


def main() -> int:
    """0 when no call failed and each record arrived once."""
    parser = argparse.ArgumentParser(description="replace workers and reload under load")
    parser.add_argument("--replacements", type=int, default=100)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--rate", type=float, default=200.0, help="calls a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        figures = runner.run(storm(options, Path(folder)))
        if figures["failed_calls"] or figures["lost"]:
            print((Path(folder) / "gateway.log").read_text()[-5_000:], file=sys.stderr)
    print(json.dumps(figures, indent=2))
    bad = ("failed_calls", "lost", "strange", "sent_twice")
    return 1 if any(figures[name] for name in bad) else 0


if __name__ == "__main__":
    sys.exit(main())
