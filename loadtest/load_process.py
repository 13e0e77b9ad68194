"""The process that makes the load, on its own CPU: started, told to go, asked for what it saw."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from proc import pin
from processes import ENVIRONMENT, HERE, LOAD_CPU, StartError, wait_until_listening


class LoadError(Exception):
    """The load could not be made, or a server fell so far behind that the run has no meaning."""


class LoadProcess:
    """generator.py or pbx.py, spoken to in lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        if process.stdin is None or process.stdout is None:
            raise StartError("the load has no pipes")
        self._stdin, self._stdout = process.stdin, process.stdout

    def expect(self, word: str) -> None:
        """Wait for a line. Raises `LoadError` when another comes or none."""
        said = self._stdout.readline()
        if said != f"{word}\n":
            raise LoadError(f"the load said {said!r} and not {word!r}")

    def go_on(self) -> None:
        """Send an empty line."""
        self._stdin.write("\n")
        self._stdin.flush()

    def result(self) -> dict[str, Any]:
        """Wait for the JSON of the run. Raises `LoadError` when it ends without."""
        line = self._stdout.readline()
        if not line:
            raise LoadError("the load ended without a result; its last words stand above")
        result: dict[str, Any] = json.loads(line)
        return result


@contextlib.contextmanager
def load_process(
    name: str, options: Mapping[str, float | str], *, listens_on: int = 0
) -> Iterator[LoadProcess]:
    """Start one of our scripts; `True` stands for an option without a value.

    One that is a manager interface is waited for: a client of it may not try twice.
    """
    flags = [f"--{key}" if value is True else f"--{key}={value}" for key, value in options.items()]
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(HERE / name), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        try:
            pin(process.pid, LOAD_CPU)
            if listens_on:
                wait_until_listening(listens_on)
            yield LoadProcess(process)
        except BaseException:
            process.kill()
            raise


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Run a script's `main`: the process ends with its code, or with 3 where a part did not start."""
    try:
        sys.exit(main())
    except (StartError, LoadError) as error:
        print(error, file=sys.stderr)
        sys.exit(3)
