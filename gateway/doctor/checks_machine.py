"""What this machine must give: files, and a place for the spool that keeps what it is told."""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from gateway.config.settings import Settings
from gateway.doctor.examination import in_thread
from gateway.doctor.finding import Change, Check, Finding, Kind, NotExaminedError, Part, Verdict, right
from gateway.stores.base import StoreCorruptError, StoreError
from gateway.stores.spool_view import stats_at_a_glance

_SPARE_FILES = 200
"""Beside sessions and upstream connections: databases, logs, AMI, the admin's HTTP."""
_LEAST_FREE_BYTES = 200 * 1024 * 1024
_LEAST_FREE_SHARE = 0.05
_SLOW_SYNC_S = 0.5
"""Half of agi.report_deadline_s, within which a record must be on disk."""
_OLD_S = 3_600.0
_NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "glusterfs", "ceph", "9p"})

FEW_FILES = Kind(
    "machine.few-files",
    Verdict.WARNING,
    "each call under way is an open file; past the limit Asterisk's connections are refused",
)
NO_FOLDER = Kind(
    "spool.folder-missing", Verdict.FAULT, "records have no place to wait in; serve does not start"
)
NO_WRITE = Kind(
    "spool.not-writable",
    Verdict.FAULT,
    "no record can be written; serve does not start, or keeps them in memory",
)
DISK_FULL = Kind(
    "spool.disk-nearly-full", Verdict.WARNING, "with the disk full, records are kept in memory only"
)
SLOW_SYNC = Kind(
    "spool.slow-sync", Verdict.WARNING, "each group of records waits for the disk that long before it is safe"
)
NETWORK_DISK = Kind("spool.network-disk", Verdict.WARNING, "network file systems do not keep SQLite's locks")
UNREADABLE = Kind("spool.file-unusable", Verdict.FAULT, "waiting records in it are not sent")
DEAD_LETTERS = Kind(
    "spool.dead-letters", Verdict.WARNING, "these records will not be sent again by themselves"
)
OLD_RECORDS = Kind(
    "spool.old-records", Verdict.WARNING, "a target takes no records; after 72 h they are dead letters"
)


async def _files(settings: Settings) -> Iterable[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # serve raises the soft limit to it
    agi = settings.agi
    needed = agi.max_connections + settings.outboundiq.max_connections + settings.outboundani.max_connections
    needed += _SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        said = f"at most {hard} open files here; agi.max_connections and the upstreams may need {needed}"
        change = Change("ani-gateway.service [Service]", f"LimitNOFILE={max(65_536, needed)}")
        return [FEW_FILES.seen(said, change)]
    return [right("enough open files are allowed")]


async def _folder(settings: Settings) -> Iterable[Finding]:
    if not settings.dials.targets:
        return []
    return await in_thread(lambda: list(_look_at_folder(settings.spool.file)))


def _look_at_folder(file: str) -> Iterable[Finding]:
    folder = Path(file).absolute().parent
    if not folder.is_dir():
        command = f"install -d -o ani-gateway -g ani-gateway -m 750 {folder}"
        yield NO_FOLDER.seen(f"{folder} is not there", Change("shell", command))
        return
    took_s = _sync_s(folder)
    if took_s is None or (Path(file).exists() and not os.access(file, os.W_OK)):
        change = Change("shell", f"chown -R ani-gateway: {folder}  (or run doctor as the gateway's user)")
        yield NO_WRITE.seen(f"{folder} cannot be written by this user", change)
        return
    found = list(_slow_or_full(folder, took_s))
    yield from found
    if not found:
        yield right(f"{folder} takes a write in {took_s * 1000:.0f} ms")


def _slow_or_full(folder: Path, took_s: float) -> Iterable[Finding]:
    usage = shutil.disk_usage(folder)
    if usage.free < _LEAST_FREE_BYTES or usage.free < usage.total * _LEAST_FREE_SHARE:
        said = f"{usage.free // 2**20} MB are free on the disk of {folder}"
        yield DISK_FULL.seen(said, Change("ani-gateway.toml [spool]", 'file = "/LARGER-DISK/spool.db"'))
    kind = file_system(folder, Path("/proc/mounts"))
    if kind in _NETWORK_DISKS:
        change = Change("ani-gateway.toml [spool]", 'file = "/LOCAL-DISK/spool.db"')
        yield NETWORK_DISK.seen(f"{folder} is on {kind}", change)
    if took_s > _SLOW_SYNC_S:
        change = Change("ani-gateway.toml [spool]", 'file = "/FASTER-DISK/spool.db"')
        yield SLOW_SYNC.seen(f"a write to {folder} took {took_s * 1000:.0f} ms to be safe", change)


def _sync_s(folder: Path) -> float | None:
    """How long a small write takes until it is on disk, in a nameless file; `None`: it cannot."""
    started = time.perf_counter()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return None
    return time.perf_counter() - started


def file_system(folder: Path, mounts: Path) -> str:
    """The kind of file system a folder is on, by the kernel's list; "" when there is none to be read."""
    try:
        rows = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return ""
    above = {str(folder), *(str(parent) for parent in folder.parents)}
    fitting = [(len(row[1]), row[2]) for row in rows if len(row) > 2 and row[1] in above]  # noqa: PLR2004
    return max(fitting, default=(0, ""), key=lambda pair: pair[0])[1]


async def _records(settings: Settings) -> Iterable[Finding]:
    file = settings.spool.file
    if not settings.dials.targets or not await in_thread(Path(file).exists):
        return []
    try:
        stats = await in_thread(lambda: stats_at_a_glance(file))
    except StoreCorruptError as error:
        change = Change("shell", f"mv {file} {file}.damaged  (with the gateway stopped; a backup goes there)")
        return [UNREADABLE.seen(str(error), change)]
    except StoreError as error:
        # Another user's, or somebody is at it: no sign that anything is wrong with the file.
        raise NotExaminedError(f"{error}; run doctor as the gateway's user") from error
    found = []
    for target, one in stats.items():
        if one.dead:
            change = Change("shell", f"ani-gateway dials list --state dead --target {target}")
            found.append(DEAD_LETTERS.seen(f"{one.dead} dead letters for {target}", change))
        waits_s = time.time() - one.oldest_put_at if one.oldest_put_at is not None else 0.0
        if waits_s > _OLD_S:
            change = Change("shell", f"ani-gateway dials list --state waiting --target {target}")
            found.append(
                OLD_RECORDS.seen(f"a record waits for {target} since {waits_s / 3600:.1f} h", change)
            )
    waiting = sum(one.waiting for one in stats.values())
    return found or [right(f"{waiting} records wait, no dead letters")]


CHECKS: tuple[Check[Settings], ...] = (
    Check("machine.files", Part.MACHINE, _files, (FEW_FILES,)),
    Check("spool.folder", Part.SPOOL, _folder, (NO_FOLDER, NO_WRITE, DISK_FULL, SLOW_SYNC, NETWORK_DISK)),
    Check("spool.records", Part.SPOOL, _records, (UNREADABLE, DEAD_LETTERS, OLD_RECORDS)),
)
