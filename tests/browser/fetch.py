"""Fetches a real Chromium: the headless shell of this machine's Debian, unpacked into a cache, not installed.

About 100 MB are loaded once: the browser, and those of its libraries that the machine does not have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import debian

PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core")
_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<dir>/usr/share/fonts</dir><dir>{root}/usr/share/fonts</dir>
<match><edit name="family" mode="prepend_first"><string>DejaVu Sans</string></edit></match>
</fontconfig>
"""
"""One font on every machine, wide rather than narrow: what fits in it fits."""


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
        libraries = debian.with_libraries(
            self.root, "usr/lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio"
        )
        return libraries | {"FONTCONFIG_FILE": str(self.root / "fonts.conf")}


def fetch() -> Program:
    """The program, out of the cache or fetched into it. Raises `NotAvailableError`."""
    return Program(debian.unpacked_here("chromium", PACKAGES, _finish))


def _finish(root: Path, target: Path) -> None:
    program = Program(root)
    (root / "fonts.conf").write_text(_FONTS.format(root=target))
    debian.run([program.path, "--version"], timeout_s=20, env=program.environment)
