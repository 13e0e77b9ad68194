"""Programs of this machine's Debian, unpacked into a cache folder: nothing is installed."""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

LAYOUT = 1
"""Raise it when the unpacked tree changes, so that older caches are left alone."""


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
        libraries = [str(path) for path in (*self.root.glob("usr/lib/*-linux-gnu"), *self.root.glob("lib/*"))]
        return os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}


def program(package: str, path: str, *, title: str) -> Program:
    """The program; skips the test loudly when it cannot be had, fails it where nothing may be skipped."""
    try:
        return fetch(package, path)
    except NotAvailableError as error:
        line = f"THE REAL {title} IS NOT TESTED: {' '.join(str(error).split())}"
    if os.environ.get("REQUIRE_ASTERISK") == "1":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def fetch(package: str, path: str) -> Program:
    """The program, out of the machine, the cache, or fetched into it. Raises `NotAvailableError`."""
    if (Path("/") / path).exists():
        return Program(Path("/"), path)
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise NotAvailableError(f"no {', no '.join(missing)} here; these tests need a Debian")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ani-gateway"
    target = cache / f"{package}-{_codename()}-{platform.machine()}-{LAYOUT}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{package}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                _build(package, path, target)
    except OSError as error:
        raise NotAvailableError(f"cannot write {cache}: {error}") from error
    return Program(target, path)


def _codename() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def _build(package: str, path: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as folder:
        work = Path(folder)
        for name in ("archives/partial", "lists/partial", "root"):
            (work / name).mkdir(parents=True)
        # Package lists of its own: those of the machine may be missing or old.
        apt = ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]
        apt += ["-o", f"Dir::Cache={work}", "-o", f"Dir::State::lists={work}/lists"]
        _run([*apt, "--error-on=any", "update"], timeout_s=90)
        _run([*apt, "--no-install-recommends", "--download-only", "install", package], timeout_s=240)
        for archive in sorted((work / "archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(work / "root")], timeout_s=60)
        unpacked = Program(work / "root", path)
        _run([unpacked.command, "-v"], timeout_s=10, env=unpacked.environment)
        unpacked.root.rename(target)


def _run(command: list[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, timeout=timeout_s, env=env, capture_output=True, text=True, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise NotAvailableError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise NotAvailableError(f"{' '.join(command[:3])} failed: {' '.join(done.stderr.split())[:160]}")
