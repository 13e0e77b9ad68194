import gc
import tracemalloc
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.stores.base import StoreError, StoreUnusableError
from gateway.stores.cdr_mysql import CdrTable, parse_url, read_cdr
from tests.stores.mariadb import PASSWORD, REAL_MARIADB

STATE = "1|+12345678901|+15559876543|9001|ASSIGNED|engine|1775831535|1775831535.7-1"
pytestmark = REAL_MARIADB


@pytest.fixture
def table(mariadb: Path) -> CdrTable:
    return CdrTable(user="reader", password=PASSWORD, socket=str(mariadb))


def test_rows_have_the_columns_of_the_table(table: CdrTable) -> None:
    first, _, _ = read_cdr(table)
    assert first["calldate"] == datetime(2026, 4, 10, 14, 32, 15)  # noqa: DTZ001 - as the table has it
    assert (first["clid"], first["userfield"], first["billsec"]) == ('"Zoë" <7001>', STATE, 42)


def test_only_the_time_asked_for_is_read(table: CdrTable) -> None:
    eleventh, twelfth = datetime(2026, 4, 11), datetime(2026, 4, 12)  # noqa: DTZ001 - times of the table
    assert [row["uniqueid"] for row in read_cdr(table, since=eleventh)] == ["1775894400.8"]
    assert len(list(read_cdr(table, until=twelfth))) == 3
    assert len(list(read_cdr(table, since=eleventh, until=eleventh))) == 0


def test_memory_does_not_grow_with_the_rows(table: CdrTable) -> None:
    """20,000 rows are 10 MB as Python has them."""
    rows = read_cdr(replace(table, table="big"))
    next(rows)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows) == 19_999
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_rows_nobody_wants_any_more_are_left_unread(table: CdrTable) -> None:
    rows = read_cdr(replace(table, table="big"))
    next(rows)
    assert hasattr(rows, "close")
    rows.close()
    assert len(list(read_cdr(table))) == 3


def test_a_table_may_have_any_name(table: CdrTable) -> None:
    since = datetime(2026, 4, 11)  # noqa: DTZ001 - a time of the table
    odd = replace(table, table="odd `%s")
    assert list(read_cdr(odd)) == list(read_cdr(odd, since=since)) == []


def test_user_and_password_come_from_an_option_file(mariadb: Path, tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\nuser=reader\npassword='{PASSWORD}'\nsocket={mariadb}\n")
    assert len(list(read_cdr(CdrTable(option_file=str(file))))) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"password": "wrong-" + PASSWORD}, "Access denied for user 'reader'@'localhost'"),
        ({"table": "nowhere"}, "nowhere"),
        ({"table": "written"}, "SELECT command denied"),
        ({"database": "elsewhere"}, "Access denied"),
        ({"option_file": "/nowhere/my.cnf"}, 'there is no option file "/nowhere/my.cnf"'),
    ],
)
def test_what_must_be_mended_is_said_without_the_password(
    table: CdrTable, change: dict[str, str], says: str
) -> None:
    with pytest.raises(StoreUnusableError) as caught:
        list(read_cdr(replace(table, **change)))  # type: ignore[arg-type]  # all of them are text
    assert says in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_server_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    """The driver leaves the socket it could not connect to the garbage collector, with a warning."""
    with pytest.raises(StoreError, match=r'table "asteriskcdrdb\.cdr" cannot be read'):
        list(read_cdr(CdrTable(user="reader", socket=str(tmp_path / "none.sock"))))
    gc.collect()


def test_an_option_file_that_is_none_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "my.cnf").write_text("user without a group\n")
    with pytest.raises(StoreUnusableError, match="option file"):
        list(read_cdr(CdrTable(option_file=str(tmp_path / "my.cnf"))))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://", CdrTable()),
        ("mysql://u@localhost", CdrTable(user="u", host="localhost")),
        ("mariadb://u%40x@db:3307/pbx", CdrTable(user="u@x", host="db", port=3307, database="pbx")),
        ("mysql:///pbx/old%2Fcdr?socket=/run/s", CdrTable(database="pbx", table="old/cdr", socket="/run/s")),
    ],
)
def test_a_url_says_which_table(url: str, expected: CdrTable) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/d", "password"),
        ("u@h", "mysql://"),
        ("mysql://h/a/b/c", "longer"),
        ("mysql://h?ssl=1", "longer"),
        ("mysql://h:port", "Port"),
    ],
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_the_password_is_in_no_representation() -> None:
    assert PASSWORD not in repr(CdrTable(password=PASSWORD))
