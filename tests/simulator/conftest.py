import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The simulator runs inside the gateway's own loop (the demo), and in other people's."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
