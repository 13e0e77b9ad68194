import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.stores.base import StoreInUseError, StoreUnusableError
from gateway.stores.file_lock import FileLock

HOLD = """
import sys, time
from gateway.stores.file_lock import FileLock
lock = FileLock.take(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_second_taker_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = FileLock.take(str(tmp_path / "lock"))
    with pytest.raises(StoreInUseError, match=f"held by process {os.getpid()}"):
        FileLock.take(str(tmp_path / "lock"))
    lock.release()


def test_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = FileLock.take(str(tmp_path / "lock"))
    lock.release()
    lock.release()
    FileLock.take(str(tmp_path / "lock")).release()


def test_lock_dies_with_a_killed_process(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreInUseError, match=str(holder.pid)):
            FileLock.take(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        FileLock.take(path).release()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="cannot be written"):
        FileLock.take(str(tmp_path / "nowhere" / "lock"))
