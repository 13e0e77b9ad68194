import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.dials_spool import STATES
from gateway.cli.main import main
from gateway.model.delivery import DeliveryState, Outcome
from gateway.model.dial import Dial
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import MAY_HAVE_ARRIVED, SqliteSpool

NOW = 1_760_000_000.0
ANI, PHONE = "+15552223333", "+15559876543"
DEAD, DONE = DeliveryState.DEAD, DeliveryState.DONE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("ani-gateway.toml").write_text(
        '[dials]\ntargets = ["file", "outboundani"]\n[spool]\nfile = "spool.db"\n'
    )
    return tmp_path


@pytest.fixture
def spool(folder: Path) -> Iterator[SqliteSpool]:  # noqa: ARG001 - the file lies there
    """As a running gateway holds it: "a" waits, "b" and "c" are dead at one target each, "d" is delivered."""
    settings = SpoolSettings(file="spool.db", settle_s=0, group_window_s=0)
    one = SqliteSpool.open(settings, {"file": True, "outboundani": False}, now=NOW)
    dials = [
        Dial(name, ANI, PHONE, NOW, campaign_id="c12", disposition_name="Busy", zip="30303") for name in "bcd"
    ]
    one.record(dials, (), now=NOW).result(5)
    for target in ("file", "outboundani"):
        one.take(target, 3, now=NOW).result(5)
    outcomes = [
        Outcome("b", "file", DEAD, reason="answer 422: [red]campaign[/red]\x1b[2J"),
        Outcome("b", "outboundani", DONE),
        Outcome("c", "file", DONE),
        Outcome("c", "outboundani", DEAD, reason=f"{MAY_HAVE_ARRIVED}: broken"),
        Outcome("d", "file", DONE),
        Outcome("d", "outboundani", DONE),
    ]
    one.record([Dial("a", ANI, PHONE, NOW)], outcomes, now=NOW + 1).result(5)
    yield one
    one.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["dials", *arguments])


def dial_ids(*arguments: str) -> list[str]:
    return [one["dial_id"] for one in json.loads(run("list", "--json", *arguments).stdout)]


@pytest.mark.usefixtures("spool")
def test_list_shows_a_line_for_each_target_with_masked_numbers() -> None:
    result = run("list")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert (lines[1][:10]) == [
        "1",
        "b",
        "2025-10-09",
        "08:53:20",
        "+1555*****33",
        "+1555*****43",
        "Busy",
        "file",
        "dead",
        "1",
    ]
    assert [(line[1], line[-3]) for line in lines[-2:]] == [("a", "file"), ("a", "outboundani")]
    assert PHONE not in result.output
    assert PHONE in run("list", "--unmask").stdout


@pytest.mark.usefixtures("spool")
def test_others_texts_neither_colour_nor_clear_the_terminal() -> None:
    assert "[red]campaign[/red]\N{REPLACEMENT CHARACTER}[2J" in run("list", "--state", "dead").stdout


@pytest.mark.usefixtures("spool")
def test_list_picks_by_state_and_target() -> None:
    assert dial_ids() == ["b", "c", "d", "a"]
    assert [dial_ids("--state", state) for state in STATES] == [["a"], ["b", "c"], ["d"]]
    assert dial_ids("--state", "dead", "--target", "file") == ["b"]
    assert dial_ids("--target", "nobody") == []


@pytest.mark.usefixtures("spool")
def test_a_record_on_its_way_counts_as_waiting(spool: SqliteSpool) -> None:
    spool.take("file", 1, now=NOW + 2).result(5)
    assert dial_ids("--state", "waiting", "--target", "file") == ["a"]


@pytest.mark.usefixtures("spool")
def test_a_long_list_says_how_to_go_on() -> None:
    result = run("list", "--limit", "2", "--json")
    assert [one["dial_id"] for one in json.loads(result.stdout)] == ["b", "c"]
    assert result.stderr == "there are more: --after 2, or a greater --limit\n"
    assert dial_ids("--after", "2") == ["d", "a"]


@pytest.mark.usefixtures("spool")
def test_show_has_all_fields_and_each_target() -> None:
    result = run("show", "b")
    assert result.exit_code == 0
    for text in ("campaign_id ", "30303", "+1555*****43", "answer 422"):
        assert text in result.stdout
    tree = json.loads(run("show", "b", "--json", "--unmask").stdout)
    assert len(tree["dial"]) == 14
    assert tree["dial"]["prospect_phone"] == PHONE
    assert [(one["target"], one["state"]) for one in tree["deliveries"]] == [("file", "dead")]


@pytest.mark.usefixtures("spool")
def test_confirmed_records_say_so(spool: SqliteSpool) -> None:
    spool.confirm(["d", "a"], now=NOW + 60).result(5)
    assert "confirmed at (UTC)  2025-10-09 08:54:20" in run("show", "d").stdout
    assert json.loads(run("show", "a", "--json").stdout)["confirmed_at"] == "2025-10-09 08:54:20"
    assert "confirmed" not in run("show", "b").stdout
    assert run("stats").stdout.splitlines()[-1] == "delivered and remembered: 1, of them confirmed: 1"


@pytest.mark.usefixtures("spool")
def test_show_knows_delivered_records_by_name_only() -> None:
    assert "delivered at" in run("show", "d").stdout
    result = run("show", "nothing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith('error: there is no record with the dial id "nothing"\nhint: ')


@pytest.mark.usefixtures("spool")
def test_stats_count_by_target() -> None:
    assert json.loads(run("stats", "--json").stdout) == {
        "file": {"waiting": 1, "dead": 1, "oldest_put_at": "2025-10-09 08:53:21", "is_configured": True},
        "outboundani": {
            "waiting": 1,
            "dead": 1,
            "oldest_put_at": "2025-10-09 08:53:21",
            "is_configured": True,
        },
        "records": {"delivered": 1, "confirmed": 0},
    }
    result = run("stats", "--set", "dials.targets=engine")
    assert "not in dials.targets" in result.stdout
    assert result.stdout.splitlines()[1].split() == ["engine", "0", "0"]


def foreign() -> None:
    with sqlite3.connect("spool.db") as connection:
        connection.execute("CREATE TABLE other (thing TEXT)")
    connection.close()


def of_another_program() -> None:
    foreign()
    with sqlite3.connect("spool.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (lambda: None, 'there is no spool "spool.db"'),
    "text": (
        lambda: Path("spool.db").write_text("no database" * 100),
        '"spool.db" is damaged or no database',
    ),
    "foreign": (foreign, '"spool.db" is no spool of this version'),
    "foreign-1": (of_another_program, '"spool.db" is no spool of this version'),
    "empty": (lambda: Path("spool.db").touch(), '"spool.db" is no spool of this version'),
    "folder": (lambda: Path("spool.db").mkdir(), '"spool.db" cannot be opened'),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", ["list", "show x", "stats", "retry x", "discard x", "export"])
def test_a_file_that_is_no_spool_is_one_line_and_a_hint(fault: str, command: str) -> None:
    make, says = FAULTS[fault]
    make()
    result = run(*command.split())
    assert (result.exit_code, result.stdout) == (3, "")
    error, hint = result.stderr.splitlines()
    assert error.startswith(f"error: {says}")
    assert hint.startswith("hint: ")


def test_a_foreign_database_is_left_as_it_is() -> None:
    foreign()
    run("list")
    with sqlite3.connect("spool.db") as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    assert (tables, version) == ([("other",)], 0)


@pytest.mark.usefixtures("spool")
def test_another_file_can_be_named(folder: Path) -> None:
    shutil.copy("spool.db", "old.db")
    shutil.copy("spool.db-wal", "old.db-wal")
    assert len(dial_ids("--spool", str(folder / "old.db"))) == 4


def test_wrong_usage_is_2() -> None:
    for words in (
        "list --state lost",
        "list --limit 0",
        "show",
        "retry",
        "retry x --all",
        "discard",
        "replay",
    ):
        assert run(*words.split()).exit_code == 2, words
