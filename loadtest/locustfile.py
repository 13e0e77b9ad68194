"""The load test: callers, a PBX that tells how calls end, and clients of the engine's API.

    locust -f loadtest/locustfile.py --gateway 127.0.0.1:4573

loadtest/README.md says how to run it with everything around it, with the web page, and on several machines.
"""

import dataclasses
import json
import math
import time
import urllib.request
from pathlib import Path
from typing import Any

import gevent
from ami_pbx import Pbx
from ami_user import AmiUser, hang_up
from api_user import ApiUser
from ceiling import Watch, after, before
from fastagi_call import Calls
from fastagi_user import FastAgiUser
from locust import LoadTestShape, events
from locust.runners import MasterRunner, WorkerRunner
from locust_ceiling import known
from proc import Usage
from scenarios import FREE, SCENARIOS

from gateway.simulator.upstream_answers import Fault

__all__ = ["AmiUser", "ApiUser", "FastAgiUser", "ScenarioShape"]

_FINISH_S = 5
"""How long the last calls may take to end."""
_CONTROL_TIMEOUT_S = 2.0


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """The load test's own options, each also an environment variable."""

    def add(name: str, default: Any, text: str, **more: Any) -> None:
        variable = f"LOADTEST_{name.upper().replace('-', '_')}"
        if "action" not in more:
            more["type"] = type(default)
        parser.add_argument(f"--{name}", default=default, help=text, env_var=variable, **more)

    add("scenario", FREE, "what the load looks like", choices=[FREE, *SCENARIOS])
    add("seconds", 60.0, "how long a scenario takes")
    add("calls-per-s", 200.0, "calls/s at the peak of a scenario, all processes together")
    add("mean-wait-s", 1.0, "mean of the exponential wait between two calls of one caller; 0: none")
    add("gateway", "127.0.0.1:4573", "where the gateway listens for Asterisk, HOST:PORT")
    add(
        "lines",
        default=False,
        text="write the environment line by line, as Asterisk does",
        action="store_true",
    )
    add("known", 0.1, "share of calls to numbers called before")
    add("expect-ani", "", "the ANI every call must get, instead of the simulated upstream's")
    add("ami-port", 0, "serve a PBX's manager on this port and tell it how calls end; 0: do not")
    add("api-url", "", "base URL of the engine's API; empty: it gets no load")
    add("api-key", "simulated-key", "its key", is_secret=True)
    add("api-users", 10, "clients of the API beside the callers")
    add("upstream-control", "", "control URL of upstream_server.py; empty: it is not made to fail")
    add("ceiling", known(lines=False) or 0.0, "sessions/s a core, as locust_ceiling.py measured; 0: unknown")
    add("watch-file", "", "write what each process saw of its own limit to this path and its number, as JSON")


class ScenarioShape(LoadTestShape):
    """Turns a scenario into a number of users; with `free` it does what locust's own options say."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now and how many to start a second; `None` when the time is over."""
        environment = self.runner.environment
        options, elapsed_s = environment.parsed_options, self.get_run_time()
        if options.scenario == FREE:
            if options.run_time and elapsed_s > options.run_time:
                return None
            return options.num_users or 1, options.spawn_rate or 1
        if elapsed_s >= options.seconds:
            return None
        level = SCENARIOS[options.scenario].level(elapsed_s / options.seconds)
        # A caller's call takes some ms, its wait a second: calls/s are callers by mean wait.
        callers = max(1, round(level * options.calls_per_s * options.mean_wait_s))
        users = callers + sum(user.fixed_count for user in environment.user_classes)
        return users, float(users)


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    """What the users of one process share, and which users there are."""
    options = environment.parsed_options
    environment.pbx = Pbx()
    environment.stop_timeout = max(environment.stop_timeout or 0, _FINISH_S)
    if not isinstance(environment.runner, WorkerRunner):  # workers take what the master sends
        choose_users(environment, options)


def choose_users(environment: Any, options: Any) -> None:
    """Leave out the users that have nothing to talk to, and count those that are not callers."""
    ApiUser.host = options.api_url or ApiUser.host
    AmiUser.fixed_count = (
        max(1, options.expect_workers) if isinstance(environment.runner, MasterRunner) else 1
    )
    wanted = {FastAgiUser: True, AmiUser: bool(options.ami_port), ApiUser: bool(options.api_url)}
    chosen = [user for user in environment.user_classes if wanted[user]]
    if FastAgiUser in chosen:
        ApiUser.fixed_count = options.api_users
    environment.user_classes = chosen or environment.user_classes


@events.test_start.add_listener
def begin(environment: Any, **_: Any) -> None:
    """Say what is to be believed, watch this process, and let the upstream fail by the scenario."""
    options, runner = environment.parsed_options, environment.runner
    ApiUser.host = options.api_url or ApiUser.host
    if not isinstance(runner, WorkerRunner):
        tell(before(options.ceiling or None))
        if options.upstream_control and options.scenario != FREE:
            environment.faults = gevent.spawn(make_faults, environment)
    if not isinstance(runner, MasterRunner):
        host, _, port = options.gateway.rpartition(":")
        environment.calls = Calls(host=host, port=int(port), known=options.known)
        environment.watch = Watch()
        environment.watching = gevent.spawn(watch, environment.watch)


@events.test_stop.add_listener
def finish(environment: Any, **_: Any) -> None:
    """End every call, heal the upstream, and say how near locust came to its limit."""
    if (faults := getattr(environment, "faults", None)) is not None:
        faults.kill()
        set_fault(environment, Fault.NONE)
        environment.faults = None
    if isinstance(environment.runner, MasterRunner):
        return
    if environment.pbx.is_serving:
        hang_up(environment, math.inf)
        environment.pbx.close()
    environment.watching.kill()
    note(environment.watch)
    options, seen = environment.parsed_options, environment.watch.seen()
    tell(after(seen, options.ceiling or None))
    if options.watch_file:
        worker = getattr(environment.runner, "worker_index", 0)
        Path(f"{options.watch_file}.{worker}").write_text(json.dumps(dataclasses.asdict(seen)))


def watch(watch: Watch) -> None:
    """Look once a second, until killed."""
    while True:
        note(watch)
        gevent.sleep(1)


def note(watch: Watch) -> None:
    """Take the totals of this process."""
    used = Usage.of_self()
    watch.note(time.monotonic(), FastAgiUser.placed, cpu_s=used.cpu_s, waited_s=used.waited_s)


def make_faults(environment: Any) -> None:
    """Let the upstream fail when the scenario wants it."""
    options = environment.parsed_options
    start = time.monotonic()
    for share, fault in SCENARIOS[options.scenario].faults:
        gevent.sleep(max(0.0, start + share * options.seconds - time.monotonic()))
        set_fault(environment, fault)


def set_fault(environment: Any, fault: Fault) -> None:
    """Tell the simulated upstream; when it cannot be told, that is a failure of the run."""
    url = f"{environment.parsed_options.upstream_control}/fault"
    started, failure = time.perf_counter(), None
    try:
        request = urllib.request.Request(url, data=fault.value.encode(), method="PUT")  # noqa: S310 - as given
        urllib.request.urlopen(request, timeout=_CONTROL_TIMEOUT_S).close()  # noqa: S310 - the same
    except OSError as error:
        failure = error
    took_ms = (time.perf_counter() - started) * 1000
    environment.events.request.fire(
        request_type="upstream",
        name=f"fault {fault.value}",
        response_time=took_ms,
        response_length=0,
        exception=failure,
        context={},
    )


def tell(lines: list[str]) -> None:
    """Print, at once: workers and runner share a terminal."""
    print("\n".join(f"[ceiling] {line}" for line in lines), flush=True)
