import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.model.delivery import DeliveryState, Outcome
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import SqliteSpool
from tests.cli.test_dials import dial_ids, folder
from tests.stores.mariadb import PASSWORD, REAL_MARIADB

__all__ = ["folder"]
MASTER = str(Path(__file__).parents[1] / "fixtures/cdr/Master.csv")
TARGETS = {"file": True, "outboundani": False}
FAR = 9_999_999_999.0
ROW = (
    '"","7001","15559876543","out","x","a","b","Dial","","2026-04-10 14:32:15",,"2026-04-10 14:33:15",60,0,'
    '"BUSY","DOCUMENTATION","1775831535.7",""'
)


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["dials", "replay", "--timezone", "UTC", *arguments], env=environ)


def counts(*arguments: str, **environ: str) -> dict[str, Any]:
    result = run("--json", *arguments, **environ)
    assert result.exit_code == 0, result.output
    counted: dict[str, Any] = json.loads(result.stdout)
    return counted


@pytest.fixture
def owner(folder: Path) -> Iterator[SqliteSpool]:
    """A running gateway's hold on the spool."""
    settings = SpoolSettings(file=str(folder / "spool.db"), settle_s=0, group_window_s=0)
    one = SqliteSpool.open(settings, TARGETS, now=0)
    yield one
    one.close()


def test_calls_of_a_file_are_on_disk_beside_a_running_gateway(owner: SqliteSpool) -> None:
    counted = counts(MASTER)
    assert (counted["rows"], counted["other_rows"], counted["bad_rows"]) == (21, 11, 0)
    assert (counted["calls"], counted["skipped"], counted["records"]) == (6, {"never_dialled": 1}, 5)
    assert (counted["new"], counted["better"], counted["known"]) == (5, 0, 0)
    assert len(owner.take("outboundani", 100, now=FAR).result(5).taken) == 5


def test_what_was_delivered_is_not_sent_again(owner: SqliteSpool) -> None:
    counts(MASTER)
    for target in TARGETS:
        taken = owner.take(target, 100, now=FAR).result(5).taken
        done = [Outcome(one.dial.dial_id, target, DeliveryState.DONE) for one in taken]
        owner.record((), done, now=1).result(5)
    counted = counts(MASTER, MASTER)
    assert (counted["records"], counted["new"], counted["known"]) == (10, 0, 10)
    assert owner.take("file", 100, now=FAR).result(5).taken == []


def test_alone_it_makes_the_spool_for_the_gateway_to_come(folder: Path) -> None:
    assert counts(MASTER)["new"] == 5
    spool = SqliteSpool.open(SpoolSettings(file=str(folder / "spool.db")), TARGETS, now=FAR)
    assert len(spool.take("file", 100, now=FAR).result(5).taken) == 5
    spool.close()


def test_a_dry_run_makes_nothing() -> None:
    counted = counts(MASTER, "--dry-run")
    assert (counted["dry_run"], counted["records"], counted["new"]) == (True, 5, 0)
    assert not Path("spool.db").exists()


def test_the_summary_for_people_has_every_count() -> None:
    Path("cdr.csv").write_text(f"torn\n{ROW}\n")
    result = run(MASTER, "cdr.csv", "--since", "2026-11-20")
    assert result.exit_code == 0
    assert "warning: cdr.csv:1: has 1 columns and no disposition" in result.stderr
    table = {" ".join(line.split()[:-1]): line.split()[-1] for line in result.stdout.splitlines()}
    assert table["rows read"] == "23"
    assert table["that cannot be read"] == table["outside --since and --until"] == "1"
    assert table["that make no record: never_dialled"] == "1"
    assert table["new, to be sent"] == "5"


def test_times_are_of_the_zone_named() -> None:
    assert counts(MASTER, "--since", "2026-11-20T13:40", "--dry-run")["records"] == 4
    assert counts(MASTER, "--since", "2026-11-20T13:40+00:00", "--dry-run")["records"] == 4
    new_york = ["--timezone", "America/New_York"]
    assert counts(MASTER, "--since", "2026-11-20T18:40+00:00", "--dry-run", *new_york)["records"] == 4
    assert counts(MASTER, "--until", "2026-11-20T13:40", "--dry-run", *new_york)["records"] == 1


def test_the_pbx_is_part_of_ids_that_are_made_here() -> None:
    Path("cdr.csv").write_text(ROW + "\n")
    arguments = ("cdr.csv", "--derive", "--since", "2026-04-10", "--context", "out", "--campaign", "c9")
    assert counts(*arguments, "--pbx-id", "east")["new"] == 1
    assert dial_ids() == ["east-1775831535.7-1"]


def test_zipped_files_and_standard_input_are_read() -> None:
    Path("Master.csv.1.gz").write_bytes(gzip.compress(Path(MASTER).read_bytes()))
    assert counts("Master.csv.1.gz", "--dry-run")["records"] == 5
    arguments = ["dials", "replay", "-", "--timezone", "UTC", "--dry-run", "--json"]
    result = CliRunner().invoke(main, arguments, input=Path(MASTER).read_text())
    assert json.loads(result.stdout)["records"] == 5


def test_a_file_that_breaks_off_keeps_what_was_read_and_fails() -> None:
    Path("torn.gz").write_bytes(gzip.compress(Path(MASTER).read_bytes())[:-20])
    result = run("torn.gz", MASTER)
    assert result.exit_code == 1
    assert "error: torn.gz cannot be read to its end" in result.stderr
    assert len(dial_ids()) == 5


def test_only_so_many_bad_rows_are_named() -> None:
    Path("noise.csv").write_text("noise\n" * 50)
    result = run("noise.csv", "--dry-run")
    assert result.stderr.count("warning: noise.csv:") == 20
    assert "30 further rows that cannot be read are not named" in result.stderr


def test_without_targets_nothing_is_stored() -> None:
    result = run(MASTER, "--set", "dials.targets=")
    assert result.exit_code == 3
    assert "dials.targets is empty" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "cdr.csv",
        f"{MASTER} --since soon",
        f"{MASTER} --timezone Mars",
        f"{MASTER} --derive",
        f"{MASTER} --context out",
        "--mysql mysql://u:secret@h",
        "--mysql localhost",
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(words: str) -> None:
    result = run(*words.split())
    assert result.exit_code == 2
    assert "secret" not in result.output
    assert not Path("spool.db").exists()


class TestMysql:
    pytestmark = REAL_MARIADB

    def url(self, mariadb: Path) -> str:
        return f"mysql://reader@localhost/asteriskcdrdb/cdr?socket={mariadb}"

    def test_calls_of_the_table_become_records(self, mariadb: Path) -> None:
        Path("password").write_text(f"{PASSWORD}\n")
        Path("password").chmod(0o600)
        counted = counts("--mysql", self.url(mariadb), "--mysql-password-file", "password")
        assert (counted["rows"], counted["bad_rows"], counted["other_rows"]) == (3, 1, 1)
        assert (counted["new"], dial_ids()) == (1, ["1775831535.7-1"])
        assert counts("--mysql", self.url(mariadb), "--mysql-password-file", "password")["known"] == 1

    def test_the_password_may_come_from_the_environment(self, mariadb: Path) -> None:
        times = ("--since", "2026-04-10", "--until", "2026-04-11", "--dry-run")
        counted = counts("--mysql", self.url(mariadb), *times, MYSQL_PWD=PASSWORD)
        assert (counted["rows"], counted["records"]) == (1, 1)

    def test_a_table_that_may_not_be_read_is_one_line_without_the_password(self, mariadb: Path) -> None:
        result = run("--mysql", self.url(mariadb), MYSQL_PWD="wrong" + PASSWORD)
        assert result.exit_code == 1
        assert (
            "error: table \"asteriskcdrdb.cdr\" cannot be read: Access denied for user 'reader'"
            in result.stderr
        )
        assert PASSWORD not in result.output

    def test_a_password_file_everybody_can_read_is_warned_of(self, mariadb: Path) -> None:
        Path("my.cnf").write_text(f"[client]\nuser=reader\npassword={PASSWORD}\nsocket={mariadb}\n")
        Path("my.cnf").chmod(0o644)
        result = run("--mysql", "mysql://", "--mysql-option-file", "my.cnf", "--dry-run")
        assert result.exit_code == 0
        assert "warning: my.cnf can be read by every user" in result.stderr
