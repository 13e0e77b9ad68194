"""Fetches a real Chromium: the headless shell of this machine's Debian, unpacked into a cache, not installed.

About 100 MB are loaded once: the browser, and those of its libraries that the machine does not have.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core")
LAYOUT = 1
"""Raise it when the unpacked tree changes, so that older caches are left alone."""
_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<dir>/usr/share/fonts</dir><dir>{root}/usr/share/fonts</dir>
<match><edit name="family" mode="prepend_first"><string>DejaVu Sans</string></edit></match>
</fontconfig>
"""
"""One font on every machine, wide rather than narrow: what fits in it fits."""


class NotAvailableError(Exception):
    """Chromium cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """The unpacked tree."""

    root: Path

    @property
    def path(self) -> str:
        return str(self.root / "usr/lib/chromium/chromium-headless-shell")

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs to find its own libraries, and fonts wherever they are."""
        folders = [
            *self.root.glob("usr/lib/*-linux-gnu*"),
            *self.root.glob("usr/lib/*-linux-gnu*/pulseaudio"),
        ]
        return os.environ | {
            "LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders),
            "FONTCONFIG_FILE": str(self.root / "fonts.conf"),
        }


def fetch() -> Program:
    """The program, out of the cache or fetched into it. Raises `NotAvailableError`."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise NotAvailableError(f"no {', no '.join(missing)} here; these tests need a Debian")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ani-gateway"
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    target = cache / f"chromium-{codename}-{platform.machine()}-{LAYOUT}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "chromium.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                _build(target)
    except OSError as error:
        raise NotAvailableError(f"cannot write {cache}: {error}") from error
    return Program(target)


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as folder:
        work = Path(folder)
        for name in ("archives/partial", "lists/partial", "root"):
            (work / name).mkdir(parents=True)
        # Package lists of its own: those of the machine may be missing or old.
        apt = ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]
        apt += ["-o", f"Dir::Cache={work}", "-o", f"Dir::State::lists={work}/lists"]
        _run([*apt, "--error-on=any", "update"], timeout_s=60)
        _run([*apt, "--no-install-recommends", "--download-only", "install", *PACKAGES], timeout_s=240)
        for package in sorted((work / "archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(work / "root")], timeout_s=60)
        program = Program(work / "root")
        (program.root / "fonts.conf").write_text(_FONTS.format(root=target))
        _run([program.path, "--version"], timeout_s=20, env=program.environment)
        program.root.rename(target)


def _run(command: list[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, timeout=timeout_s, env=env, capture_output=True, text=True, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise NotAvailableError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise NotAvailableError(f"{' '.join(command[:3])} failed: {' '.join(done.stderr.split())[:160]}")
