"""The locust user that hangs up: the ends of the calls reach the gateway as Hangup events of its manager.

Each end is one request event, named after its DIALSTATUS; its response time is how long the gateway took to
let it be written.
"""

import time

from ami_pbx import Pbx, PbxError
from locust import User, constant, task

METHOD = "AMI"


class AmiUser(User):
    """One for each locust process; it serves the manager's port, and that of worker N is N higher."""

    fixed_count = 1
    wait_time = constant(0.02)

    def __init__(self, environment: object) -> None:
        super().__init__(environment)
        self._pbx: Pbx = environment.pbx

    def on_start(self) -> None:
        """Listen, before the first call."""
        worker = getattr(self.environment.runner, "worker_index", 0)
        self._pbx.serve(self.environment.parsed_options.ami_port + worker)

    @task
    def hang_up(self) -> None:
        """End what is due."""
        hang_up(self.environment, time.monotonic())


def hang_up(environment: object, until: float) -> None:
    """Tell the ends of calls due by `until` to the gateway and to locust."""
    started = time.perf_counter()
    try:
        names, fault = environment.pbx.hang_up_due(until), None
    except PbxError as error:
        names, fault = ["nobody hears"], error
    took_ms = (time.perf_counter() - started) * 1000
    for name in names:
        environment.events.request.fire(
            request_type=METHOD,
            name=name,
            response_time=took_ms,
            response_length=0,
            exception=fault,
            context={},
        )
