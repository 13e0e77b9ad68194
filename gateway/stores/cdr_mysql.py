"""Asterisk's CDR table in MySQL or MariaDB, as FreePBX keeps it: read row by row, nothing ever written.

The only place that knows the driver. Columns are named as in the table: `calldate`, `dst`, `billsec`.
"""

import configparser
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.cursors import SSDictCursor

from gateway.stores.base import StoreError, StoreUnusableError

_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108 - where servers put it
_CONNECT_TIMEOUT_S = 10
_READ_TIMEOUT_S = 600
"""The server may have to look through the whole table before the first row."""
_DEFAULT_DATABASE = "asteriskcdrdb"
_DEFAULT_TABLE = "cdr"
_MENDABLE = {1044, 1045, 1049, 1142, 1143, 1146, 1054, 1698}  # rights, user, database, table, column


@dataclass(frozen=True, slots=True)
class CdrTable:
    """Which table, and how to get at it. What is empty comes from the option file, else a default."""

    user: str = ""
    host: str = ""
    """Empty or `localhost`: the machine's own server, over its socket where that is found."""
    port: int = 0
    socket: str = ""
    database: str = _DEFAULT_DATABASE
    table: str = _DEFAULT_TABLE
    password: str = field(default="", repr=False)
    option_file: str = ""
    """Read from its group `[client]`: user, password, host, port, socket, ssl-ca."""


def parse_url(url: str) -> CdrTable:
    """`mysql://[USER@][HOST][:PORT][/DATABASE[/TABLE]][?socket=FILE]`. Raises `ValueError`.

    There is no place for a password: every user of the machine could read it in the list of processes.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"mysql", "mariadb"}:
        raise ValueError("does not begin with mysql://; write for example mysql://freepbxuser@localhost")
    if parts.password is not None:
        raise ValueError("has a password in it, which every user of this machine could read")
    names = [unquote(name) for name in parts.path.strip("/").split("/") if name]
    further = parse_qs(parts.query)
    if len(names) > len(("database", "table")) or further.keys() - {"socket"}:
        raise ValueError("is longer than mysql://USER@HOST:PORT/DATABASE/TABLE?socket=FILE")
    defaults = (_DEFAULT_DATABASE, _DEFAULT_TABLE)
    database, table = (*names, *defaults[len(names) :])
    return CdrTable(
        user=unquote(parts.username or ""),
        host=parts.hostname or "",
        port=parts.port or 0,
        socket=further.get("socket", [""])[0],
        database=database,
        table=table,
    )


def read_cdr(
    table: CdrTable, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Mapping[str, object]]:
    """The rows of calls that began between the two times, in the order the table keeps them.

    Times are the table's own, without offset. Memory does not grow with the rows. The server copies them
    first, so that no lock holds up Asterisk's next CDR. Raises `StoreError`.
    """
    with _translated(table), closing(_connected(table)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET SESSION net_write_timeout = %s", (_READ_TIMEOUT_S,))
        with _abandonable(connection.cursor(SSDictCursor)) as cursor:
            cursor.execute(*_query(table, since, until))
            while (row := cursor.fetchone()) is not None:
                yield row


def _query(table: CdrTable, since: datetime | None, until: datetime | None) -> tuple[str, list[datetime]]:
    bounds = [("calldate >= %s", since), ("calldate < %s", until)]
    given = [(condition, time) for condition, time in bounds if time is not None]
    where = f" WHERE {' AND '.join(condition for condition, _ in given)}" if given else ""
    name = table.table.replace("`", "``").replace("%", "%%")
    # A MyISAM table is locked while its rows are sent, unless the result is buffered.
    query = f"SELECT SQL_BUFFER_RESULT * FROM `{name}`{where}"  # noqa: S608 - the name is quoted, times are values
    return query, [time for _, time in given]


@contextmanager
def _abandonable(cursor: SSDictCursor) -> Iterator[SSDictCursor]:
    """Leaves rows that are not wanted any more unread, where closing the cursor would read them all."""
    try:
        yield cursor
    except (GeneratorExit, KeyboardInterrupt):
        result = getattr(cursor, "_result", None)
        if result is not None:
            result.unbuffered_active = False  # the driver offers no other way
        raise
    finally:
        cursor.close()


def _connected(table: CdrTable) -> "pymysql.Connection[Any]":
    options: dict[str, Any] = {}
    if table.option_file:
        if not Path(table.option_file).is_file():
            raise StoreUnusableError(f'there is no option file "{table.option_file}"')
        options["read_default_file"] = table.option_file
    socket = table.socket or _own_socket(table, _option_file_group(table.option_file))
    if socket:
        options["unix_socket"] = socket
    return pymysql.connect(
        user=table.user or None,
        password=table.password,
        host=table.host or None,
        port=table.port,
        database=table.database,
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        charset="utf8mb4",
        autocommit=True,
        **options,
    )


def _option_file_group(file: str) -> Mapping[str, str | None]:
    """What the option file says of the client, as far as it decides about the socket."""
    options = configparser.RawConfigParser(allow_no_value=True, strict=False)
    if file:
        options.read(file)
    return dict(options["client"]) if options.has_section("client") else {}


def _own_socket(table: CdrTable, client: Mapping[str, str | None]) -> str:
    """The socket of the server on this machine, as the mysql command would use it; "" when TCP is meant."""
    host = table.host or client.get("host") or "localhost"
    if host != "localhost" or table.port or client.get("port") or client.get("socket"):
        return ""
    return next((socket for socket in _SOCKETS if Path(socket).exists()), "")


@contextmanager
def _translated(table: CdrTable) -> Iterator[None]:
    """Turn the driver's errors into ours. Their texts name user and host, and never the password."""
    name = f'table "{table.database}.{table.table}"'
    try:
        yield
    except pymysql.MySQLError as error:
        code = error.args[0] if error.args else 0
        text = error.args[1] if len(error.args) > 1 else error
        kind: Callable[[str], StoreError] = StoreUnusableError if code in _MENDABLE else StoreError
        raise kind(f"{name} cannot be read: {text}") from error
    except configparser.Error as error:
        first = str(error).splitlines()[0]
        raise StoreUnusableError(f'option file "{table.option_file}" cannot be read: {first}') from error
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{name} cannot be read: {error}") from error
