"""Programs out of Debian packages, unpacked into a cache folder: nothing is installed."""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

LAYOUT = 1
"""Raise it when the unpacked trees change, so that older caches are left alone."""
TOOLS = ("apt-get", "dpkg-deb")

Fetched = TypeVar("Fetched")


class NotAvailableError(Exception):
    """A program cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and the libraries it came with."""

    root: Path
    path: str
    """Below `root`, such as `usr/bin/redis-server`."""

    @property
    def command(self) -> str:
        return str(self.root / self.path)

    @property
    def environment(self) -> Mapping[str, str]:
        return with_libraries(self.root, "usr/lib/*-linux-gnu", "lib/*")


def with_libraries(root: Path, *patterns: str) -> dict[str, str]:
    """The environment of a program that is to find the libraries in these folders below `root`."""
    folders = [str(folder) for pattern in patterns for folder in root.glob(pattern)]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(folders)}


def required(fetch: Callable[[], Fetched], name: str) -> Fetched:
    """What `fetch` gives; skips the test loudly when it cannot, fails it where nothing may be skipped."""
    try:
        return fetch()
    except NotAvailableError as error:
        line = f"{name} IS NOT TESTED: {' '.join(str(error).split())}"
    if os.environ.get("REQUIRE_ASTERISK") == "1":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def program(package: str, path: str, *, title: str) -> Program:
    """One program of one package, as `required`."""
    return required(lambda: fetch(package, path), f"THE REAL {title}")


def fetch(package: str, path: str) -> Program:
    """The program, out of the machine, the cache, or fetched into it. Raises `NotAvailableError`."""
    if (Path("/") / path).exists():
        return Program(Path("/"), path)

    def finish(root: Path, _target: Path) -> None:
        unpacked = Program(root, path)
        run([unpacked.command, "-v"], timeout_s=10, env=unpacked.environment)

    return Program(unpacked_here(package, [package], finish), path)


def unpacked_here(name: str, packages: Sequence[str], finish: Callable[[Path, Path], None]) -> Path:
    """Packages of this machine's own Debian, unpacked. `finish` completes the tree and tries it.

    It is told where the tree is, and where it will be. Raises `NotAvailableError`.
    """
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    return cached(f"{name}-{codename}", lambda target: _build(packages, finish, target))


def cached(name: str, build: Callable[[Path], None], tools: Sequence[str] = TOOLS) -> Path:
    """The tree of that name in the cache, once `build` has made it: one process at a time.

    Raises `NotAvailableError`.
    """
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise NotAvailableError(f"no {', no '.join(missing)} here; these tests need a Debian")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ani-gateway"
    target = cache / f"{name}-{platform.machine()}-{LAYOUT}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{name}.lock").open("w") as lock:
            # The system drops the lock of a process that dies.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                build(target)
    except OSError as error:
        raise NotAvailableError(f"cannot write {cache}: {error}") from error
    return target


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    good: Sequence[int] = (0,),
) -> str:
    """The command's output. Raises `NotAvailableError` with the beginning of what it complained about."""
    try:
        done = subprocess.run(
            command, timeout=timeout_s, env=env, cwd=cwd, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAvailableError(f"{command[0]} took longer than {timeout_s:.0f} s") from error
    except OSError as error:
        raise NotAvailableError(f"{command[0]}: {error}") from error
    if done.returncode not in good:
        raise NotAvailableError(f"{' '.join(command[:3])} failed: {' '.join(done.stderr.split())[:160]}")
    return done.stdout


def _build(packages: Sequence[str], finish: Callable[[Path, Path], None], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as folder:
        work = Path(folder)
        for name in ("archives/partial", "lists/partial", "root"):
            (work / name).mkdir(parents=True)
        # Package lists of its own: those of the machine may be missing or old.
        apt = ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]
        apt += ["-o", f"Dir::Cache={work}", "-o", f"Dir::State::lists={work}/lists"]
        run([*apt, "--error-on=any", "update"], timeout_s=90)
        run([*apt, "--no-install-recommends", "--download-only", "install", *packages], timeout_s=240)
        for archive in sorted((work / "archives").glob("*.deb")):
            run(["dpkg-deb", "-x", str(archive), str(work / "root")], timeout_s=60)
        finish(work / "root", target)
        (work / "root").rename(target)
