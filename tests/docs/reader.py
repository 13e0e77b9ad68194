"""Somebody who follows a document to the letter, in a folder that looks like the project's."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.asterisk.ports import free_tcp_port
from tests.asterisk.wait import wait_for
from tests.docs.page import ROOT, Act, Step, missing

FOLLOWED = [pytest.mark.xdist_group("documents"), pytest.mark.timeout(240)]
"""Marks of tests that follow a document: a dozen commands, each a start of Python, one after the other."""
DEFAULT_PORT = "4573"
_PORT = re.compile(rf"\b{DEFAULT_PORT}\b")
_COMMAND_S = 60.0
_SEEN_WITHIN_S = 20.0
_MAKE = """\
#!/bin/sh
case "$*" in
setup) ;;
run) exec .venv/bin/ani-gateway demo ;;
*) echo "make $*: nothing a beginner does" >&2; exit 2 ;;
esac
"""
"""What make would set up is there already: the tests run in it."""
_GATEWAY = """\
#!/bin/sh
[ "$1" = call ] && {{ shift; exec {python} -m gateway call --port {port} "$@"; }}
exec {python} -m gateway "$@"
"""


class Reader:
    """Takes the steps of a page; a context manager that stops what is still running.

    What differs from the page: the gateway listens on a free port in place of 4573, `make` sets
    nothing up, `ani-gateway` is the one under test, `programs` (name to script) stand in for others, and each
    text that is a key of `texts` is replaced in commands, names of files and files.
    """

    def __init__(
        self,
        folder: Path,
        *,
        programs: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder / "project"
        self.port = free_tcp_port()
        self.environment: dict[str, str] = {"ANI_GATEWAY_AGI_LISTEN": f"127.0.0.1:{self.port}"}
        """Variables of every command, beside those of the tests."""
        self.texts = texts or {}
        self._activated = ""
        self._gateway: subprocess.Popen[bytes] | None = None
        self._log = folder / "gateway.output"
        self._lay_out(folder / "bin", programs or {})

    def _lay_out(self, outside: Path, programs: Mapping[str, str]) -> None:
        inside = self.folder / ".venv" / "bin"
        inside.mkdir(parents=True)
        outside.mkdir()
        scripts = {outside / name: text for name, text in ({"make": _MAKE} | dict(programs)).items()}
        scripts[inside / "ani-gateway"] = _GATEWAY.format(python=sys.executable, port=self.port)
        for path, text in scripts.items():
            path.write_text(text)
            path.chmod(0o755)
        (inside / "activate").write_text(f"PATH={shlex.quote(str(inside))}:$PATH\n")
        self._path = f"{outside}:{os.environ['PATH']}"
        for source in (ROOT / "asterisk-config").rglob("*.conf"):
            target = self.folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self._replaced(source.read_text()))
        (self.folder / "gateway" / "engine").mkdir(parents=True)
        shutil.copy(ROOT / "gateway" / "engine" / "sample.yaml", self.folder / "gateway" / "engine")

    def take(self, step: Step) -> None:
        """Does what a step says. Fails when a command does, or its output does not show what it should."""
        match step.act:
            case Act.WRITE:
                path = self.folder / self._replaced(step.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._replaced(step.text))
            case Act.STOP:
                self.stop_gateway()
            case Act.RUN:
                self._run(step)

    def _run(self, step: Step) -> None:
        commands = [self._replaced(command) for command in step.commands]
        for command in commands if not step.seen else commands[:-1]:
            self.command(command)
        if step.seen:
            look, seen = commands[-1], self._replaced(step.seen)
            wait_for(
                lambda: not missing(seen, self._said(look)[1]),
                f"`{look}` to show\n{seen}",
                within_s=_SEEN_WITHIN_S,
            )

    def command(self, command: str) -> str:
        """What one command prints; `ani-gateway serve` is left running. Fails when the command does."""
        if command.startswith(". "):
            self._activated += f"{command}\n"
            return ""
        if command.removeprefix(".venv/bin/").startswith("ani-gateway serve"):
            self._serve(command)
            return ""
        code, output = self._said(command)
        assert code == 0, f"{command}\n{output}"
        return output

    def _said(self, command: str) -> tuple[int, str]:
        done = subprocess.run(
            self._shell(command),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        return done.returncode, done.stdout

    def _shell(self, command: str) -> list[str]:
        return ["bash", "-c", f"set -e\n{self._activated}{command}"]

    def _environment(self) -> dict[str, str]:
        return os.environ | self.environment | {"PATH": self._path, "PYTHONPATH": str(ROOT)}

    def _replaced(self, text: str) -> str:
        text = _PORT.sub(str(self.port), text)
        for old, new in self.texts.items():
            text = text.replace(old, new)
        return text

    def _serve(self, command: str) -> None:
        assert self._gateway is None, "the page starts the gateway twice"
        with self._log.open("ab") as output:
            self._gateway = subprocess.Popen(
                self._shell(f"exec {command}"),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for(self._listens, "the gateway to listen", within_s=30)

    def _listens(self) -> bool:
        assert self._gateway is not None
        assert self._gateway.poll() is None, self.gateway_output()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def gateway_output(self) -> str:
        """What the gateway printed so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop_gateway(self) -> None:
        """Ends the gateway as Ctrl-C does."""
        if self._gateway is None:
            return
        self._gateway.send_signal(signal.SIGINT)
        try:
            self._gateway.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._gateway.kill()
            self._gateway.wait(timeout=5)
        self._gateway = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_gateway()
