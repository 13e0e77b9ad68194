"""The simulated outboundIQ and outboundANI of `gateway/simulator`, in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from tests.asterisk.gateway_process import KEY

COMPANY_GUID = "5d7c1b9e-64a3-4f0b-9d21-8e3f60a7c412"


class Service:
    """Assigns numbers and keeps the dial records it is sent; a context manager."""

    def __init__(self) -> None:
        self.simulator = UpstreamSimulator(key=KEY)
        self.simulator.company_guid = COMPANY_GUID
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        """Where it listens, once entered."""
        return self.simulator.url

    def records(self, number: str) -> list[Mapping[str, Any]]:
        """The dial records of that prospect so far, by `dial_id` once each."""
        dials = list(self.simulator.dials.dials.values())
        return [dial for dial in dials if dial["prospect_phone"] == number]

    @contextmanager
    def misbehaving(self, fault: Fault) -> Iterator[None]:
        """Has the service misbehave for a while."""
        self._run(self.simulator.set_fault(fault))
        try:
            yield
        finally:
            self._run(self.simulator.set_fault(Fault.NONE))

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self.simulator.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self.simulator.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)
