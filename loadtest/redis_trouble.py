"""Redis stopped, slow and emptied under the load of two gateways: no call late, no record lost, caps held.

    PYTHONPATH=. python loadtest/redis_trouble.py --calls-per-s 100

Two gateways, each with workers, choose out of the same numbers by the engine and share counters in a real
Redis (Debian's package, unpacked). While calls come, Redis is stopped and started empty, slowed by a second,
and emptied again and again. In the end calls go on until every number is at its daily cap: a use that was
lost on the way would then let a number go over it, and one counted twice would keep it below. Exit code 1
when a call failed or took longer than the deadline and a margin, a record is missing, or a number was not
used exactly as often as its cap.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.asterisk import CallResult
from gateway.simulator.call import CallRequest
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from gateway.stores.redis import RedisStore
from gateway.stores.redis_settings import RedisSettings
from tests.asterisk.ports import free_tcp_port
from tests.stores.redis_server import Door, RedisServer, door_to, fetched

CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]
pbx_id = "pbx{pbx}"

[assignment]
providers = ["engine"]
fallback = []

[engine]
database = "{folder}/engine-{port}.db"
inventory = "{folder}/anis.csv"
daily_cap = {cap}

[redis]
url = "redis://127.0.0.1:{redis}/0"
timeout_s = {timeout_s}

[service]
workers = {workers}

[outboundiq]
url = "{upstream}"
key = "simulated-key"

[ami.pbx]
address = "{ami}"
secret = "{secret}"

[dials]
targets = ["outboundiq"]

[spool]
file = "{folder}/spool-{port}.db"
settle_s = 0.05
"""
DEADLINE_S = 0.7
MARGIN_S = 0.1
"""For a machine with other work."""
GATEWAYS = 2
PROBE_S = 1.0
SUMS = """
local sums = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  sums[string.sub(key, -10)] = 0
  for _, uses in ipairs(redis.call('HVALS', key)) do
    sums[string.sub(key, -10)] = sums[string.sub(key, -10)] + uses
  end
end
return cjson.encode(sums)
"""
"""Uses by number as Redis has them."""
EPOCH = 1_700_000_000
START_S = 30.0


@dataclass
class Pbx:
    """One gateway's Asterisk: calls it, and ends each call at once."""

    port: int
    ami: AmiSimulator
    prefix: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    used: Counter[str] = field(default_factory=Counter)
    records: set[str] = field(default_factory=set)
    results: list[CallResult] = field(default_factory=list)

    async def flow(self, calls_per_s: float, stop: asyncio.Event) -> None:
        """Calls until `stop`, in an open loop."""
        scenario = Scenario(calls_per_s=calls_per_s, call_timeout_s=10.0, one_write=True)
        requests = itertools.takewhile(lambda _: not stop.is_set(), self._requests())
        async for _ in run_scenario(
            "127.0.0.1", self.port, scenario, requests=requests, on_result=self._take
        ):
            pass

    def _requests(self) -> Iterator[CallRequest]:
        for number in self.numbers:
            phone = f"1212{self.prefix}{number:06}"
            yield CallRequest(phone, "10001", "9001", uniqueid=f"{EPOCH}.{number}", one_write=True)

    def _take(self, request: CallRequest, result: CallResult) -> None:
        self.results.append(result)
        if not result.ani:
            return
        self.used[result.ani] += 1
        self.records.add(result.variables["GATEWAY_DIAL_ID"])
        variables = {**result.variables, "DIALSTATUS": "ANSWER"}
        self.ami.place(replace(AmiChannel(request.uniqueid), variables=variables))
        self.ami.hang_up(request.uniqueid)


@dataclass
class Farm:
    """The running parts."""

    pbxes: list[Pbx]
    redis: RedisServer
    door: Door
    upstream: UpstreamSimulator

    @property
    def given(self) -> Counter[str]:
        """How often each number was shown, by all gateways."""
        return sum((pbx.used for pbx in self.pbxes), Counter())


@contextlib.asynccontextmanager
async def started(options: argparse.Namespace, folder: Path) -> AsyncIterator[Farm]:
    """Redis with a door before it, an upstream for the records, and the gateways."""
    anis = "".join(f"2125550{number:03}\n" for number in range(options.numbers))
    (folder / "anis.csv").write_text("number\n" + anis)
    async with contextlib.AsyncExitStack() as stack:
        redis = stack.enter_context(RedisServer(fetched(), folder))
        door = await stack.enter_async_context(door_to(redis.port))
        upstream = await stack.enter_async_context(UpstreamSimulator())
        pbxes = []
        for number in range(GATEWAYS):
            ami = await stack.enter_async_context(AmiSimulator())
            pbxes.append(Pbx(free_tcp_port(), ami, str(2 + number)))
            text = CONFIG.format(
                port=pbxes[-1].port,
                pbx=number,
                timeout_s=options.timeout_s,
                folder=folder,
                cap=options.cap,
                redis=door.port,
                workers=options.workers,
                upstream=upstream.url,
                ami=ami.address,
                secret=ami.user.secret,
            )
            file = folder / f"gateway-{number}.toml"
            file.write_text(text)
            await stack.enter_async_context(gateway(file, pbxes[-1]))
        yield Farm(pbxes, redis, door, upstream)


@contextlib.asynccontextmanager
async def gateway(file: Path, pbx: Pbx) -> AsyncIterator[None]:
    """`ani-gateway serve`, from when it listens to Asterisk and its manager."""
    with file.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - started once, before the load
            [sys.executable, "-m", "gateway", "serve", "--config", str(file)], stdout=log, stderr=log
        )
    try:
        give_up_s = time.monotonic() + START_S
        while not is_up(pbx, file.with_suffix(".log")):
            if process.poll() is not None or time.monotonic() > give_up_s:
                raise SystemExit(f"the gateway did not start:\n{file.with_suffix('.log').read_text()}")
            await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(15)


def is_up(pbx: Pbx, log: Path) -> bool:
    """Whether calls are answered and their ends heard."""
    is_heard = any("status" in one.session.actions for one in pbx.ami.connections)
    return is_heard and "listening for Asterisk" in log.read_text()


async def trouble(farm: Farm, options: argparse.Namespace) -> dict[str, object]:
    """All the kinds of it, each between two quiet times; figures by kind."""
    figures: dict[str, object] = {}
    stop = asyncio.Event()
    flows = [asyncio.ensure_future(pbx.flow(options.calls_per_s / GATEWAYS, stop)) for pbx in farm.pbxes]
    for name in ("up", "stopped", "back", "slowed by 1 s", "quick again", "emptied", "rest"):
        first = [len(pbx.results) for pbx in farm.pbxes]
        if name == "stopped":
            farm.redis.kill()
            await farm.door.shut()
        elif name == "back":
            farm.redis.start()
            await farm.door.open()
        elif name == "slowed by 1 s":
            farm.door.delay_s = 1.0
        elif name == "quick again":
            farm.door.delay_s = 0.0
        for _ in range(10):
            await asyncio.sleep(options.seconds / 10)
            if name == "emptied":
                farm.redis.cli("FLUSHALL")
                farm.redis.cli("SCRIPT", "FLUSH")
        done = [
            result for pbx, begun in zip(farm.pbxes, first, strict=True) for result in pbx.results[begun:]
        ]
        figures[name] = told(done)
    figures["uses before the end"] = dict(Counter(farm.given.values()))
    # Until every number is at its cap, and for a while beyond.
    while farm.given.total() < options.numbers * options.cap and not any(flow.done() for flow in flows):
        before = farm.given.total()
        await asyncio.sleep(2)
        if farm.given.total() == before:
            break
    await asyncio.sleep(2)
    stop.set()
    await asyncio.gather(*flows)
    return figures


async def sums(farm: Farm) -> dict[str, int]:
    """Uses by number as Redis has them."""
    store = RedisStore(RedisSettings(url=f"redis://127.0.0.1:{farm.redis.port}/0"))
    found: dict[str, int] = json.loads(await store.run(SUMS, ["ani-gateway:uses:*"]))
    await store.close()
    return found


def away(folder: Path) -> int:
    """How often a process went on alone."""
    return sum(log.read_text().count("counting and remembering alone") for log in folder.glob("*.log"))


def told(results: list[CallResult]) -> dict[str, float]:
    """Figures of some calls."""
    times = sorted(result.ended_s for result in results)
    return {
        "calls": len(results),
        "without a number": sum(not result.ani for result in results),
        "failed": sum(not result.status for result in results),
        "p50_ms": round(times[len(times) // 2] * 1000, 2) if times else 0,
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 2) if times else 0,
        "longest_ms": round(times[-1] * 1000, 1) if times else 0,
    }


async def run(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The whole run; its figures."""
    async with started(options, folder) as farm:
        figures = await trouble(farm, options)
        expected = set().union(*(pbx.records for pbx in farm.pbxes))
        give_up_s = time.monotonic() + 30
        while expected - farm.upstream.dials.dials.keys() and time.monotonic() < give_up_s:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(2 * PROBE_S)  # whoever was away at the end tells the others
        everything = [result for pbx in farm.pbxes for result in pbx.results]
        return {
            **figures,
            "all": told(everything),
            "times Redis was away for a process": away(folder),
            "numbers Redis has another sum for": len(
                set((await sums(farm)).items()) ^ set(farm.given.items())
            ),
            "records expected": len(expected),
            "records missing": len(expected - farm.upstream.dials.dials.keys()),
            "uses by number in the end": {str(uses): n for uses, n in Counter(farm.given.values()).items()},
        }


def main() -> int:
    """0 when calls were in time, records whole and caps exact."""
    parser = argparse.ArgumentParser(description="Redis in trouble under load")
    parser.add_argument("--calls-per-s", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of trouble")
    parser.add_argument("--numbers", type=int, default=20)
    parser.add_argument("--cap", type=int, default=250)
    parser.add_argument("--timeout-s", type=float, default=0.02, help="redis.timeout_s")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", help="keeps configuration, logs and databases")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.folder or scratch)
        figures = uvloop.run(run(options, folder))
    print(json.dumps(figures, indent=2))
    whole = figures["all"]
    is_good = (
        isinstance(whole, dict)
        and whole["failed"] == 0
        and whole["longest_ms"] <= (DEADLINE_S + MARGIN_S) * 1000
        and figures["records missing"] == 0
        and figures["numbers Redis has another sum for"] == 0
        and figures["uses by number in the end"] == {str(options.cap): options.numbers}
    )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
