"""A real MariaDB of this machine's Debian: its packages unpacked into a cache, run in a folder of its own.

Nothing is installed, it listens on a socket in its folder only, and it ends with the tests.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import debian
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
        return debian.with_libraries(self.root, "usr/lib/*-linux-gnu", "lib/*")


def fetched() -> Server:
    """The server; skips the test loudly when it cannot be had, fails it where nothing may be skipped."""
    return debian.required(fetch, "THE REAL MARIADB")


def fetch() -> Server:
    """The server, out of the machine, the cache, or fetched into it. Raises `NotAvailableError`."""
    if Path("/usr/sbin/mariadbd").exists():
        return Server(Path("/"))
    return Server(debian.unpacked_here("mariadb", ["mariadb-server-core"], _finish))


def _finish(root: Path, _target: Path) -> None:
    server = Server(root)
    debian.run([*server.command, "--version"], timeout_s=10, env=server.environment)


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
