import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.stores.base import (
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreReadOnlyError,
    StoreTooNewError,
    StoreUnusableError,
)
from gateway.stores.sqlite import SqliteDatabase, Transaction

NOTES = (("CREATE TABLE notes (text TEXT PRIMARY KEY)",),)


def add(text: str) -> Callable[[Transaction], str]:
    def work(transaction: Transaction) -> str:
        transaction.execute("INSERT INTO notes VALUES (?)", (text,))
        return text

    return work


def notes(database: SqliteDatabase) -> list[str]:
    return [row[0] for row in database.run(lambda tx: tx.execute("SELECT text FROM notes ORDER BY rowid"))]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notes.db")


@pytest.fixture
def database(path: str) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase.open(path, NOTES)
    yield database
    database.close()


def test_what_was_written_is_there_after_a_restart(path: str) -> None:
    first = SqliteDatabase.open(path, NOTES)
    assert first.write(add("kept")).result() == "kept"
    first.close()
    second = SqliteDatabase.open(path, NOTES)
    assert notes(second) == ["kept"]
    second.close()


def test_write_reported_done_survives_a_killed_process(path: str) -> None:
    insert = "INSERT INTO notes VALUES ('kept')"
    program = (
        "import os; from gateway.stores.sqlite import SqliteDatabase; "
        f"database = SqliteDatabase.open({path!r}, {NOTES!r}); "
        f"database.write(lambda tx: tx.execute({insert!r})).result(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    database = SqliteDatabase.open(path, NOTES)
    assert notes(database) == ["kept"]
    database.close()


def test_close_finishes_what_is_waiting(path: str) -> None:
    database = SqliteDatabase.open(path, NOTES, group_window_s=0.2)
    futures = [database.write(add(str(number))) for number in range(500)]
    database.close()
    assert [future.result(timeout=0) for future in futures] == [str(number) for number in range(500)]


def test_work_that_fails_takes_no_other_with_it(database: SqliteDatabase) -> None:
    good, twice, raising, last = (
        database.write(add("one")),
        database.write(add("one")),
        database.write(lambda _: 1 // 0),
        database.write(add("two")),
    )
    assert (good.result(), last.result()) == ("one", "two")
    with pytest.raises(StoreError, match="UNIQUE"):
        twice.result()
    with pytest.raises(ZeroDivisionError):
        raising.result()
    assert notes(database) == ["one", "two"]


def test_writes_close_together_share_one_transaction(path: str) -> None:
    """The first is not reported done before the second has run. Urgent work ends the window."""
    database = SqliteDatabase.open(path, NOTES, group_window_s=1.0)
    first = database.write(add("a"))
    assert database.run(lambda _: first.done()) is False
    assert first.result() == "a"
    database.close()


def test_queue_that_is_full_refuses(path: str) -> None:
    database = SqliteDatabase.open(path, NOTES)
    hold = threading.Event()
    futures = [database.write(lambda _: hold.wait(30))]

    def write_on() -> None:
        futures.extend(database.write(lambda _: True) for _ in range(20_000))

    with pytest.raises(StoreBusyError, match="writes behind"):
        write_on()
    hold.set()
    database.close()
    assert all(future.result() for future in futures)


def test_closed_database_says_so(path: str) -> None:
    database = SqliteDatabase.open(path, NOTES)
    database.close()
    database.close()
    with pytest.raises(StoreUnusableError, match="closed"):
        database.write(add("late"))


def test_others_may_not_read_what_holds_phone_numbers(path: str) -> None:
    earlier = os.umask(0o022)
    try:
        database = SqliteDatabase.open(path, NOTES)
        database.write(add("private")).result()
        modes = {one.stat().st_mode & 0o777 for one in Path(path).parent.iterdir()}
        database.close()
    finally:
        os.umask(earlier)
    assert modes == {0o640}


def test_file_that_is_no_database_is_told(path: str) -> None:
    Path(path).write_text("x" * 4096)
    with pytest.raises(StoreCorruptError, match=r"notes\.db.*restore"):
        SqliteDatabase.open(path, NOTES)


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="create it"):
        SqliteDatabase.open(str(tmp_path / "none" / "notes.db"), NOTES)


def test_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="cannot be opened"):
        SqliteDatabase.open(str(tmp_path), NOTES)


def test_read_only_database_is_told(database: SqliteDatabase) -> None:
    database.run(lambda tx: tx.execute("PRAGMA query_only=ON"))
    with pytest.raises(StoreReadOnlyError, match="check the rights"):
        database.write(add("refused")).result()


def test_database_another_process_holds_is_told(path: str) -> None:
    SqliteDatabase.open(path, NOTES).close()
    program = (
        f"import sqlite3; c = sqlite3.connect({path!r}, isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusyError, match="another process"):
            SqliteDatabase.open(path, NOTES, lock_timeout_s=0.01)
        holder.communicate("go\n")
    SqliteDatabase.open(path, NOTES).close()


def test_migrations_run_once_and_in_order(path: str) -> None:
    SqliteDatabase.open(path, NOTES).close()
    longer = (*NOTES, ("ALTER TABLE notes ADD COLUMN author TEXT", "INSERT INTO notes VALUES ('a', 'b')"))
    for _ in range(2):
        database = SqliteDatabase.open(path, longer)
        assert database.run(lambda tx: tx.execute("SELECT * FROM notes")) == [("a", "b")]
        database.close()


def test_migration_that_fails_leaves_the_file_as_it_was(path: str) -> None:
    broken = (*NOTES, ("INSERT INTO notes VALUES ('a')", "nonsense"))
    with pytest.raises(StoreError, match="nonsense"):
        SqliteDatabase.open(path, broken)
    database = SqliteDatabase.open(path, NOTES)
    assert notes(database) == []
    database.close()


def test_file_of_a_later_version_is_left_alone(path: str) -> None:
    SqliteDatabase.open(path, NOTES).close()
    with pytest.raises(StoreTooNewError, match="upgrade"):
        SqliteDatabase.open(path, ())


def test_memory_needs_no_file() -> None:
    database = SqliteDatabase.open("", NOTES)
    database.run(add("here"))
    assert notes(database) == ["here"]
    database.close()
