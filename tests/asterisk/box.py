"""One real Asterisk with a configuration folder of its own, everything on loopback."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.asterisk.fetch import Programs
from tests.asterisk.wait import wait_for

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "asterisk-config"
EMPTY = (
    "acl",
    "ccss",
    "cel",
    "features",
    "indications",
    "pjproject",
    "stasis",
    "udptl",
    "queuerules",
    "res_curl",
)
"""Files Asterisk warns about when they are missing."""


class Box:
    """Runs Asterisk from `start` to `stop`; a context manager.

    The files of `templates/` and the shipped ones of `asterisk-config/` become its configuration, with each
    key of `values` replaced by its value.
    """

    def __init__(self, programs: Programs, folder: Path, values: Mapping[str, str]) -> None:
        self._programs = programs
        self._etc = folder / "etc"
        self._var = folder / "var"
        self._values = dict(values) | {
            "@ETC@": str(self._etc),
            "@VAR@": str(self._var),
            "@MODULES@": str(programs.asterisk_modules),
            "@DATA@": str(programs.asterisk_data),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._configure()
        self.start()
        return self

    def start(self) -> None:
        """Starts Asterisk and waits until it has booted; also after `stop` or `kill`."""
        command = [*self._asterisk(), "-f", "-n"]
        with (self._var / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_for(self._is_booted, f"Asterisk to start:\n{self.log()}", within_s=20)
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> bool:
        """Ends Asterisk and whatever it started, within seconds; whether it went by itself."""
        if self._process is None:
            return True
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._process = None
        return True

    def kill(self) -> bool:
        """Ends Asterisk as a crash does, by SIGKILL; never by itself."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=5)
        self._process = None
        return False

    def cli(self, command: str) -> str:
        """What Asterisk's command line answers."""
        done = subprocess.run(
            [*self._asterisk(), "-rx", command], capture_output=True, text=True, check=False, timeout=10
        )
        return done.stdout

    def log(self) -> str:
        """The log so far, for messages of failed tests."""
        files = [self._var / "output", self._var / "asterisk.log"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def _asterisk(self) -> list[str]:
        return [*self._programs.command("usr/sbin/asterisk"), "-C", str(self._etc / "asterisk.conf")]

    def _is_booted(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"Asterisk ended while starting:\n{self.log()}")
        return "fully booted" in self.cli("core waitfullybooted")

    def _configure(self) -> None:
        self._etc.mkdir(parents=True)
        self._var.mkdir(parents=True)
        for name in EMPTY:
            (self._etc / f"{name}.conf").touch()
        for source in (*SHIPPED.rglob("*.conf"), *(HERE / "templates").glob("*.conf")):
            text = source.read_text()
            for key, value in self._values.items():
                text = text.replace(key, value)
            if source.name == "predial_hook_16.conf":
                text = text.replace("-predial-hook]", "-predial-hook-16]")
            (self._etc / source.name).write_text(text)
