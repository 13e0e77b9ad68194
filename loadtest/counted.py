"""`ani-gateway` as it ships, and beside it a thread that writes how many asyncio tasks there are.

Nothing of the gateway is changed or asked: once a second the thread counts the tasks of the loop that
`asyncio.Runner` runs, and writes the number to a file of the process in the folder LOADTEST_TASKS names.
Each worker does so too, as it is started by the same command.
"""

import asyncio
import os
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from gateway.cli.main import main

_EVERY_S = 1.0
_run = asyncio.Runner.run


def run_counted(runner: asyncio.Runner, coroutine: Coroutine[Any, Any, Any], **options: Any) -> Any:
    """As `asyncio.Runner.run`, with the thread."""
    file = Path(os.environ["LOADTEST_TASKS"]) / str(os.getpid())
    threading.Thread(target=count, args=(runner.get_loop(), file), daemon=True).start()
    return _run(runner, coroutine, **options)


def count(loop: asyncio.AbstractEventLoop, file: Path) -> None:
    """Write the number of tasks until the loop is closed."""
    draft = file.with_suffix(".new")
    while not loop.is_closed():
        draft.write_text(str(len(asyncio.all_tasks(loop))))
        draft.replace(file)
        time.sleep(_EVERY_S)


if __name__ == "__main__":
    asyncio.Runner.run = run_counted  # type: ignore[method-assign]
    main()
