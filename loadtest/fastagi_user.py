"""The locust user that is Asterisk placing calls: one AGI() step after another, with random waits between.

Each call is one request event, named after where its number came from. Its response time is that to the last
command; it holds locust's own queues too, so it is not the gateway's.
"""

import random
import socket
import time
from contextlib import suppress

import gevent
from ami_pbx import Pbx
from fastagi_call import Calls, Conversation, Outcome, outcome
from locust import User, task
from locust.exception import StopUser

METHOD = "AGI"
_CALL_TIMEOUT_S = 10.0
"""Asterisk waits without limit; a gateway that takes longer than this has failed."""
_READ_BYTES = 16_384


class FastAgiUser(User):
    """One caller. What it needs to know stands in the options; see locustfile.py."""

    placed = 0
    """Calls of all callers of this process, for the watch on its ceiling."""

    def __init__(self, environment: object) -> None:
        super().__init__(environment)
        options = self.environment.parsed_options
        host, _, port = options.gateway.rpartition(":")
        self._address = (host, int(port))
        self._lines = options.lines
        self._expected = options.expect_ani
        self._mean_wait_s = options.mean_wait_s
        self._calls: Calls = environment.calls
        self._pbx: Pbx = environment.pbx
        self._is_stopped = False

    def wait_time(self) -> float:
        """Exponential, so that callers do not fall into step; constant waits make them all call at once."""
        return random.expovariate(1 / self._mean_wait_s) if self._mean_wait_s else 0.0

    def stop(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - locust's signature
        """Place no further call; one under way ends.

        locust kills a caller that waits. When its wait is over before the kill arrives, it would be killed in
        the middle of its next call, and nobody would count that one.
        """
        self._is_stopped = True
        return super().stop(force)

    @task
    def call(self) -> None:
        """Place one call."""
        if self._is_stopped:
            raise StopUser
        phone, uniqueid, environment = self._calls.next()
        FastAgiUser.placed += 1
        started = time.perf_counter()
        try:
            with gevent.Timeout(_CALL_TIMEOUT_S, TimeoutError("no end within 10 s")):
                received, last = self._converse(environment)
        except OSError as error:  # TimeoutError is one
            self._tell(Outcome("nothing", f"{type(error).__name__}: {error.strerror or error}", ""), started)
            return
        result = outcome(received, phone, expected=self._expected)
        self._tell(result, started, last=last, size=len(received))
        if result.packed:
            self._pbx.begin(uniqueid, result.packed)

    def _converse(self, environment: bytes) -> tuple[bytes, float]:
        """The commands, and when the last of them came."""
        conversation = Conversation()
        last = time.perf_counter()
        with socket.socket() as sock:
            sock.connect(self._address)
            for part in environment.splitlines(keepends=True) if self._lines else (environment,):
                sock.sendall(part)
            while data := sock.recv(_READ_BYTES):
                last = time.perf_counter()
                if answer := conversation.receive(data):
                    sock.sendall(answer)
            with suppress(ConnectionError):  # a server that closed both sides at once; nor does Asterisk mind
                sock.sendall(conversation.end())
        return conversation.received, last

    def _tell(self, result: Outcome, started: float, *, last: float | None = None, size: int = 0) -> None:
        self.environment.events.request.fire(
            request_type=METHOD,
            name=result.name,
            response_time=((last or time.perf_counter()) - started) * 1000,
            response_length=size,
            exception=CallError(result.fault) if result.fault else None,
            context={},
        )


class CallError(Exception):
    """The answer was missing or wrong. Holds no phone number: locust prints it."""
