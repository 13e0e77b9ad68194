"""Event loops of these tests: uvloop for sockets, a network in memory where a test is about waiting."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from gateway.simulator.network import MemoryNetworkLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's signature
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("simulated_time"):
        return {"in-memory": MemoryNetworkLoop}
    return {"uvloop": uvloop.new_event_loop}
