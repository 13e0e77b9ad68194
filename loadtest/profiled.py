"""`ani-gateway` as it ships, under Python's profiler, which writes to the file LOADTEST_PROFILE names."""

import asyncio
import cProfile
import os
from collections.abc import Coroutine
from typing import Any

from gateway.cli.main import main

_run = asyncio.Runner.run


def run_profiled(runner: asyncio.Runner, coroutine: Coroutine[Any, Any, Any], **options: Any) -> Any:
    """As `asyncio.Runner.run`, profiled."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        return _run(runner, coroutine, **options)
    finally:
        profile.disable()
        profile.dump_stats(os.environ["LOADTEST_PROFILE"])


if __name__ == "__main__":
    asyncio.Runner.run = run_profiled  # type: ignore[method-assign]
    main()
