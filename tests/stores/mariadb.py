"""A real MariaDB of this machine's Debian: its packages unpacked into a cache, run in a folder of its own.

Nothing is installed, it listens on a socket in its folder only, and it ends with the tests.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.wait import wait_for

REAL_MARIADB = [
    pytest.mark.mariadb,
    pytest.mark.xdist_group("mariadb"),
    # the first test of a run may have to fetch MariaDB
    pytest.mark.timeout(400),
]
"""Marks of every test with a real MariaDB: one worker, one server."""
STATEMENTS = (Path(__file__).parents[1] / "fixtures/cdr/freepbx.sql").read_text()
PASSWORD = "s3cret-of-cdr"
"""Of the user `reader`."""
SCRIPTS = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
LAYOUT = 1
"""Raise it when the unpacked tree changes, so that older caches are left alone."""


class NotAvailableError(Exception):
    """MariaDB cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """The program and its files."""

    root: Path

    @property
    def share(self) -> Path:
        return next(
            path for name in ("mysql", "mariadb") if (path := self.root / "usr/share" / name).is_dir()
        )

    @property
    def command(self) -> list[str]:
        return [
            str(self.root / "usr/sbin/mariadbd"),
            "--no-defaults",
            f"--lc-messages-dir={self.share}",
            f"--character-sets-dir={self.share / 'charsets'}",
            "--innodb-buffer-pool-size=8M",
            "--innodb-log-file-size=4M",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        libraries = [str(path) for path in (*self.root.glob("usr/lib/*-linux-gnu"), *self.root.glob("lib/*"))]
        return os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}


def fetched() -> Server:
    """The server; skips the test loudly when it cannot be had, fails it where nothing may be skipped."""
    try:
        return fetch()
    except NotAvailableError as error:
        line = f"THE REAL MARIADB IS NOT TESTED: {' '.join(str(error).split())}"
    if os.environ.get("REQUIRE_ASTERISK") == "1":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def fetch() -> Server:
    """The server, out of the machine, the cache, or fetched into it. Raises `NotAvailableError`."""
    if Path("/usr/sbin/mariadbd").exists():
        return Server(Path("/"))
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise NotAvailableError(f"no {', no '.join(missing)} here; these tests need a Debian")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ani-gateway"
    target = cache / f"mariadb-{_codename()}-{platform.machine()}-{LAYOUT}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "mariadb.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                _build(target)
    except OSError as error:
        raise NotAvailableError(f"cannot write {cache}: {error}") from error
    return Server(target)


def _codename() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as folder:
        work = Path(folder)
        for name in ("archives/partial", "lists/partial", "root"):
            (work / name).mkdir(parents=True)
        # Package lists of its own: those of the machine may be missing or old.
        apt = ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]
        apt += ["-o", f"Dir::Cache={work}", "-o", f"Dir::State::lists={work}/lists"]
        _run([*apt, "--error-on=any", "update"], timeout_s=90)
        choice = ["--no-install-recommends", "--download-only", "install", "mariadb-server-core"]
        _run([*apt, *choice], timeout_s=240)
        for package in sorted((work / "archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(work / "root")], timeout_s=60)
        server = Server(work / "root")
        _run([*server.command, "--version"], timeout_s=10, env=server.environment)
        server.root.rename(target)


def _run(command: list[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, timeout=timeout_s, env=env, capture_output=True, text=True, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise NotAvailableError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise NotAvailableError(f"{' '.join(command[:3])} failed: {' '.join(done.stderr.split())[:160]}")


@contextmanager
def running(server: Server, folder: Path, statements: str) -> Iterator[Path]:
    """The socket of a server that has run `statements`, one on each line, as its administrator."""
    data, socket, log = folder / "data", folder / "sql.sock", folder / "server.err"
    (data / "mysql").mkdir(parents=True)
    # Not the machine's: a server that starts clears away there what others have under way.
    temporary = folder / "tmp"
    temporary.mkdir()
    script = "use mysql;\n" + "".join((server.share / name).read_text() for name in SCRIPTS)
    subprocess.run(
        [*server.command, "--bootstrap", f"--datadir={data}", f"--tmpdir={temporary}", f"--log-error={log}"],
        input=script.encode(), env=server.environment, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (folder / "init.sql").write_text(statements)
    command = [
        *server.command,
        f"--datadir={data}",
        f"--tmpdir={temporary}",
        f"--socket={socket}",
        f"--pid-file={folder / 'pid'}",
        f"--log-error={log}",
        f"--init-file={folder / 'init.sql'}",
        "--skip-networking",
    ]
    process = subprocess.Popen(command, env=server.environment, stdout=subprocess.DEVNULL)
    try:

        def is_up() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"MariaDB ended: {log.read_text()[-500:]}")
            return socket.exists()

        wait_for(is_up, "MariaDB", within_s=30)
        yield socket
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
