import csv
import json
from pathlib import Path

import pytest

from gateway.stores.spool import SqliteSpool
from tests.cli.test_dials import PHONE, dial_ids, folder, run, spool

__all__ = ["folder", "spool"]


@pytest.mark.usefixtures("spool")
def test_json_lines_hold_whole_records() -> None:
    result = run("export")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["dial_id"] for record in records] == ["b", "c", "a"]
    assert {record["prospect_phone"] for record in records} == {"+1555*****43"}
    assert result.stderr == "records: 3\n"


@pytest.mark.usefixtures("spool")
def test_csv_has_the_14_fields_of_the_api() -> None:
    rows = list(csv.DictReader(run("export", "--format", "csv", "--unmask").stdout.splitlines()))
    assert [row["dial_id"] for row in rows] == ["b", "c", "a"]
    assert len(rows[0]) == 14
    assert (rows[0]["prospect_phone"], rows[0]["datetime"]) == (PHONE, "2025-10-09 08:53:20")


@pytest.mark.usefixtures("spool")
def test_export_picks_like_list() -> None:
    def ids(*arguments: str) -> list[str]:
        return [json.loads(line)["dial_id"] for line in run("export", *arguments).stdout.splitlines()]

    assert ids("--state", "dead") == ["b", "c"]
    assert ids("--target", "outboundani") == ["c", "a"]
    assert ids("--limit", "1") == ["b"]


def test_what_was_exported_can_be_replayed_into_another_spool(spool: SqliteSpool) -> None:
    exported = run("export", "--unmask").stdout
    spool.close()
    Path("saved.jsonl").write_text(exported)
    result = run("replay", "saved.jsonl", "--spool", "new.db", "--json")
    assert json.loads(result.stdout)["new"] == 3
    assert dial_ids("--spool", "new.db") == ["b", "c", "a"]
    assert run("export", "--unmask", "--spool", "new.db").stdout == exported


def test_masked_records_are_not_replayed(spool: SqliteSpool) -> None:
    Path("masked.jsonl").write_text(run("export").stdout)
    spool.close()
    result = run("replay", "masked.jsonl", "--json", "--dry-run")
    assert (json.loads(result.stdout)["records"], json.loads(result.stdout)["bad_rows"]) == (0, 3)
    assert "masked.jsonl:1: has no dial_id or no prospect_phone; export with --unmask" in result.stderr
