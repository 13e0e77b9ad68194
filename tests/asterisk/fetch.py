"""Fetches a real Asterisk 22 and sipp: Debian packages unpacked into a cache folder, nothing installed.

The mirror is the machine's own Debian mirror with the suite replaced. The programs run through the loader
and libraries they came with, so the machine's own C library does not matter, and neither does being root.
"""

import os
import platform
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.debian import TOOLS, NotAvailableError, cached, run

SUITES = ("forky", "sid")
"""Debian suites that carry Asterisk 22, in the order tried."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PROGRAMS = ("asterisk", "asterisk-modules", "sip-tester")
LIBRARIES = (
    "libbrotli1 libbsd0 libc6 libcap2 libcom-err2 libcrypt1 libcurl4t64 libdbus-1-3 libedit2 libgcc-s1"
    " libgsl28 libgslcblas0 libgssapi-krb5-2 libidn2-0 libjansson4 libk5crypto3 libkeyutils1 libkrb5-3"
    " libkrb5support0 libldap2 libmd0 libncursesw6 libnghttp2-14 libnghttp3-9 libngtcp2-16"
    " libngtcp2-crypto-ossl0 libpcap0.8t64 libpsl5t64 libpugixml1v5 libsasl2-2 libsctp1 libsqlite3-0"
    " libssh2-1t64 libssl3t64 libstdc++6 libsystemd0 libtinfo6 libunistring5 liburiparser1 libuuid1"
    " libxml2-16 libxslt1.1 libzstd1 zlib1g"
)
"""What the loaded modules link to: 20 MB. Names drift with their version numbers; then apt resolves all
dependencies itself, which is 90 MB."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The unpacked tree."""

    root: Path

    def command(self, program: str) -> list[str]:
        """The words that start `program`, a path below the tree such as `usr/sbin/asterisk`."""
        loader = next(self.root.glob("usr/lib*/ld-linux*.so.*")).resolve()
        libraries = next(self.root.glob("usr/lib/*-linux-gnu*"))
        return [str(loader), "--library-path", str(libraries), str(self.root / program)]

    @property
    def asterisk_modules(self) -> Path:
        """The folder with Asterisk's loadable modules."""
        return next(self.root.glob("usr/lib/*-linux-gnu*/asterisk/modules"))

    @property
    def asterisk_data(self) -> Path:
        """The folder with the documentation Asterisk 22 insists on at start."""
        return self.root / "usr/share/asterisk"


def fetch() -> Programs:
    """The programs, out of the cache or fetched into it. Raises `NotAvailableError`."""
    return Programs(cached("asterisk-22", _build, tools=(*TOOLS, "tar")))


def _build(target: Path) -> None:
    mirror = _own_mirror()
    reasons = []
    for suite in SUITES:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as folder:
            work = Path(folder)
            try:
                _unpack(_download(work, mirror, suite), work / "root")
                _check(Programs(work / "root"))
            except NotAvailableError as error:
                reasons.append(f"{suite}: {error}")
                continue
            (work / "root").rename(target)
            return
    raise NotAvailableError("; ".join(reasons))


def _own_mirror() -> str:
    """The Debian mirror this machine's apt is set up for; works without package lists and without root."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    uris = run(["apt-get", "--print-uris", "update"], timeout_s=20)
    found = re.search(rf"'(\S+)/dists/{re.escape(codename)}/InRelease'", uris)
    if not codename or found is None:
        raise NotAvailableError("apt has no mirror of this Debian release in its sources")
    return found[1]


def _download(work: Path, mirror: str, suite: str) -> list[Path]:
    archives = work / "cache" / "archives"
    for folder in (work / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True)
    (work / "status").touch()
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb {signed}{mirror} {suite} main\n")
    (work / "apt.conf").write_text(_APT_CONF.format(work=work))
    environment = os.environ | {"APT_CONFIG": str(work / "apt.conf"), "LC_ALL": "C"}
    run(["apt-get", "-q", "--error-on=any", "update"], timeout_s=90, env=environment)
    try:
        run(
            ["apt-get", "-q", "download", *PROGRAMS, *LIBRARIES.split()],
            timeout_s=120,
            env=environment,
            cwd=archives,
        )
    except NotAvailableError:
        install = ["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "install", *PROGRAMS]
        run(install, timeout_s=240, env=environment)
    return sorted(archives.glob("*.deb"))


_APT_CONF = """\
Dir::State "{work}";
Dir::State::status "{work}/status";
Dir::State::lists "{work}/lists";
Dir::Cache "{work}/cache";
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
"""


def _unpack(packages: list[Path], root: Path) -> None:
    (root / "usr").mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir()
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as source:
            unpack = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
            subprocess.run(unpack, stdin=source.stdout, check=False, timeout=60)
        if source.returncode != 0:
            raise NotAvailableError(f"{package.name} cannot be unpacked")


def _check(programs: Programs) -> None:
    version = run([*programs.command("usr/sbin/asterisk"), "-V"], timeout_s=10)
    if not version.startswith("Asterisk 22."):
        raise NotAvailableError(f"wanted Asterisk 22, the mirror has {version.strip()}")
    run([*programs.command("usr/bin/sipp"), "-v"], timeout_s=10, good=(0, 99))
