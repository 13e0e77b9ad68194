import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.engine.inventory import read_inventory
from gateway.model.inventory import Kind
from gateway.service.backends import BACKENDS
from gateway.simulator.upstream_answers import Fault
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase
from tests.cli.backends import Vendor, run, vendor

__all__ = ["vendor"]
YAML = """
campaigns:
  - {id: sales, name: Sales, type: Outbound, inbound_pool_id: returns}
  - {id: returns, name: Returned calls, type: Inbound}
dispos:
  - {id: sale, name: Sale, type: Agent, contact: true, success: true}
anis:
  - {number: "2125550100", inbound_group_id: returns, carrier_id: x7}
  - {number: "3105550100", inbound_group_id: sales, is_branded: true, brand_name: Example}
"""


@pytest.fixture(autouse=True)
def file(vendor: Vendor) -> Path:  # noqa: ARG001 - the folder is its
    path = Path("inventory.yaml")
    path.write_text(YAML)
    return path


def write_numbers(count: int) -> Path:
    path = Path("anis.csv")
    rows = "".join(f"212{2_000_000 + number},sales\n" for number in range(count))
    path.write_text("number,inbound_group_id\n" + rows)
    return path


@pytest.mark.parametrize("backend", BACKENDS)
def test_plan_says_2_until_apply_has_made_it_so(backend: str) -> None:
    there = ["inventory.yaml", "--backend", backend]
    first = run("sync", "plan", *there)
    assert first.exit_code == 2
    assert [line.split()[:3] for line in first.stdout.splitlines()[1:]] == [
        ["+", "campaigns", "sales"],
        ["+", "campaigns", "returns"],
        ["+", "dispos", "sale"],
        ["+", "anis", "+12125550100"],
        ["+", "anis", "+13105550100"],
    ]
    assert first.stderr.splitlines()[-1] == "5 to create, 0 to update, 0 to delete, 0 unchanged"
    applied = run("sync", "apply", *there, "--yes")
    assert (applied.exit_code, applied.stderr.splitlines()[-1]) == (0, "done: create 5, update 0, delete 0")
    again = run("sync", "plan", *there)
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr.splitlines()[-1] == "0 to create, 0 to update, 0 to delete, 5 unchanged"


def test_a_field_that_differs_is_shown_old_and_new() -> None:
    run("sync", "apply", "inventory.yaml", "--yes")
    run("anis", "update", "3105550100", "--brand-name", "Other", "--paused-until", "2030-01-01")
    (line,) = run("sync", "plan", "inventory.yaml").stdout.splitlines()[1:]
    assert line.split(maxsplit=3) == [
        "~",
        "anis",
        "+13105550100",
        "brand_name: Other → Example, paused_until: 2030-01-01 → none",
    ]


def test_the_plan_as_json_has_everything() -> None:
    run("dispos", "create", "--id", "old", "--name", "Old", "--type", "Agent", "--contact", "--success")
    result = run("sync", "plan", "inventory.yaml", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [one["kind"] for one in told["create"]] == ["campaigns", "campaigns", "dispos", "anis", "anis"]
    assert told["create"][2]["name"] == "Sale"
    assert told["not_in_file"] == [{"kind": "dispos", "key": "old"}]
    assert (told["update"], told["delete"], told["unchanged"], told["unread"]) == ([], [], 0, [])


def test_only_prune_deletes_and_only_of_kinds_the_file_has() -> None:
    run("sync", "apply", "inventory.yaml", "--yes")
    write_numbers(1)
    kept = run("sync", "apply", "anis.csv", "--yes")
    assert "not in the file and left alone: 2 anis; --prune deletes them" in kept.stderr
    assert len(json.loads(run("anis", "list", "--json").stdout)) == 3
    assert run("sync", "apply", "anis.csv", "--yes", "--prune").exit_code == 0
    assert [one["number"] for one in json.loads(run("anis", "list", "--json").stdout)] == ["2122000000"]
    assert len(json.loads(run("campaigns", "list", "--json").stdout)) == 2


def test_nothing_is_changed_when_nobody_can_be_asked() -> None:
    result = run("sync", "apply", "inventory.yaml")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not Path("engine.db").exists()


@pytest.mark.parametrize(("answer", "code", "campaigns"), [("n", 1, 0), ("y", 0, 2)])
def test_a_person_is_asked(answer: str, code: int, campaigns: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gateway", "sync", "apply", "inventory.yaml"]
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False, timeout=30)
    os.close(ours)
    os.close(theirs)
    assert "Change engine? [y/N]" in done.stderr
    assert done.returncode == code
    assert len(json.loads(run("campaigns", "list", "--json").stdout)) == campaigns


def test_a_person_who_is_asked_may_press_ctrl_c() -> None:
    """A signal in the moment between the question and the reading of the answer is lost: it is repeated."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gateway", "sync", "apply", "inventory.yaml"]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.close(theirs)
    try:
        assert process.stderr is not None
        told = b""
        while not told.endswith(b"[y/N]:"):
            byte = process.stderr.read(1)
            assert byte, told
            told += byte
        for _ in range(10):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                told = process.communicate(timeout=3)[1]
                break
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
    assert process.returncode == 1
    assert told.endswith(b"error: nothing was changed\n")


def test_a_run_that_is_stopped_says_how_to_go_on(vendor: Vendor) -> None:
    vendor.fail(Fault.SILENT)
    command = [sys.executable, "-m", "gateway", "sync", "plan", "inventory.yaml", "--backend", "outboundiq"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while vendor.upstream.counters.requests == 0 and process.poll() is None:
            assert time.monotonic() < until
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert told == "error: stopped\nhint: what was done is done; run it again for the rest\n"


def test_a_vendor_is_pruned_only_by_what_a_state_file_remembers(vendor: Vendor) -> None:
    there = ["--backend", "outboundiq"]
    refused = run("sync", "plan", "inventory.yaml", "--prune", *there)
    assert refused.exit_code == 1
    assert "--state FILE" in refused.stderr
    run("campaigns", "create", "--id", "other", "--name", "Not ours", "--type", "Inbound", *there)
    state = ["--state", "sync.json", *there]
    assert run("sync", "apply", "inventory.yaml", "--yes", *state).exit_code == 0
    Path("inventory.yaml").write_text(
        YAML.replace("  - {id: returns, name: Returned calls, type: Inbound}\n", "")
    )
    told = run("sync", "plan", "inventory.yaml", *state)
    assert (told.exit_code, told.stdout) == (0, "")
    assert "not in the file and left alone: 1 campaigns" in told.stderr
    assert run("sync", "apply", "inventory.yaml", "--yes", "--prune", *state).exit_code == 0
    assert set(vendor.items["campaigns"]) == {"sales", "other"}
    again = run("sync", "apply", "inventory.yaml", "--yes", "--prune", *state)
    assert again.stderr.endswith("done: create 0, update 0, delete 0\n")


def test_with_a_state_file_the_engine_is_pruned_by_it_too() -> None:
    run("campaigns", "create", "--id", "other", "--name", "Not ours", "--type", "Inbound")
    result = run("sync", "apply", "inventory.yaml", "--yes", "--prune", "--state", "sync.json")
    assert result.exit_code == 0
    assert run("campaigns", "get", "other").exit_code == 0


def test_a_state_file_of_another_backend_is_refused() -> None:
    run("sync", "apply", "inventory.yaml", "--yes", "--state", "sync.json")
    result = run("sync", "plan", "inventory.yaml", "--state", "sync.json", "--backend", "outboundiq")
    assert result.exit_code == 1
    assert "is about engine, not outboundiq" in result.stderr


def test_what_a_vendor_does_not_keep_is_no_difference_and_told_once(vendor: Vendor) -> None:
    Path("paused.yaml").write_text(
        "anis:\n"
        '  - {number: "2125550100", inbound_group_id: c, paused_until: 2030-01-01}\n'
        '  - {number: "2125550101", inbound_group_id: c, paused_until: 2030-01-01}\n'
    )
    there = ["paused.yaml", "--backend", "outboundiq"]
    applied = run("sync", "apply", *there, "--yes")
    assert applied.exit_code == 0
    assert applied.stderr.count("outboundiq keeps no paused_until: left out of 2 items") == 1
    assert run("sync", "plan", *there).exit_code == 0
    assert len(vendor.items["anis"]) == 2


def test_a_file_with_faults_fails_before_anything_is_asked() -> None:
    Path("inventory.yaml").write_text("campaigns:\n  - {id: c1, name: Sales, type: Sideways}\n")
    result = run("sync", "plan", "inventory.yaml")
    assert result.exit_code == 1
    assert 'inventory.yaml:2: type "Sideways" is unknown' in result.stderr
    assert run("sync", "plan", "missing.yaml").exit_code == 1
    assert not Path("engine.db").exists()


def test_a_vendor_that_is_away_fails_the_plan(vendor: Vendor) -> None:
    vendor.fail(Fault.SERVER_ERROR)
    result = run("sync", "plan", "inventory.yaml", "--backend", "outboundiq", "--timeout", "0.1")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: outboundiq: it does not answer: ")


def test_a_failed_step_is_told_and_the_rest_is_done(vendor: Vendor) -> None:
    """The vendor demands a group."""
    Path("anis.csv").write_text("number,inbound_group_id\n2125550100,c\n2125550101,\n")
    result = run("sync", "apply", "anis.csv", "--yes", "--backend", "outboundiq", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["done"] == {"create": 1, "update": 0, "delete": 0}
    assert [(one["step"], one["key"]) for one in told["failed"]] == [("create", "+12125550101")]
    assert list(vendor.items["anis"]) == ["2125550100"]
    table = run("sync", "apply", "anis.csv", "--yes", "--backend", "outboundiq")
    assert "error: 1 failed, 0 not tried" in table.stderr
    assert "inbound_group_id" in table.stdout


def test_a_run_killed_in_its_midst_is_finished_by_the_next() -> None:
    count = 20_000
    path = write_numbers(count)
    SqliteDatabase.open("engine.db", MIGRATIONS).close()
    command = [sys.executable, "-m", "gateway", "sync", "apply", str(path), "--yes", "--state", "sync.json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while numbers_stored() == 0 and process.poll() is None:
            assert time.monotonic() < until
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    stored = numbers_stored()
    assert 0 < stored < count
    result = run("sync", "apply", str(path), "--yes", "--state", "sync.json")
    assert result.stderr.endswith(f"done: create {count - stored}, update 0, delete 0\n")
    database = SqliteDatabase.open("engine.db", MIGRATIONS)
    assert InventoryStore(database).load().anis == read_inventory(path).anis
    database.close()


def numbers_stored() -> int:
    database = SqliteDatabase.open("engine.db", MIGRATIONS)
    try:
        return len(InventoryStore(database).list_all(Kind.ANI).result(10))
    finally:
        database.close()


def test_the_examples_of_the_how_to_are_inventory_files(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs/how-to/manage-inventory.md").read_text()
    examples = re.findall(r"^```(yaml|csv)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [suffix for suffix, _ in examples] == ["yaml", "csv"]
    for suffix, text in examples:
        path = tmp_path / f"example.{suffix}"
        path.write_text(text)
        assert read_inventory(path).anis
