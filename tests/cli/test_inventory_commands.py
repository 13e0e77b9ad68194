import json
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.cli.main import main
from gateway.service.backends import BACKENDS
from gateway.simulator.upstream_answers import Fault
from gateway.sync.settings import BACKENDS as KNOWN
from tests.cli.backends import Vendor, run, vendor

__all__ = ["vendor"]
NUMBER = "+12125550100"
CREATIONS: dict[str, tuple[list[str], str, dict[str, Any]]] = {
    "campaigns": (
        ["--id", "c1", "--name", "Sales", "--type", "outbound"],
        "c1",
        {"id": "c1", "name": "Sales", "type": "Outbound", "inbound_pool_id": ""},
    ),
    "dispos": (
        ["--id", "d1", "--name", "Sale", "--type", "Agent", "--contact", "--no-success"],
        "d1",
        {"id": "d1", "name": "Sale", "type": "Agent", "contact": True, "success": False},
    ),
    "anis": (
        ["(212) 555-0100", "--group", "c1", "--branded", "--brand-name", "Example"],
        "2125550100",
        {
            "number": "2125550100",
            "country_code": "+1",
            "inbound_group_id": "c1",
            "is_branded": True,
            "brand_name": "Example",
            "paused_until": None,
        },
    ),
}
UPDATES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "campaigns": (["--name", "Service", "--type", "Blended"], {"name": "Service", "type": "Blended"}),
    "dispos": (["--no-contact", "--type", "System"], {"contact": False, "type": "System"}),
    "anis": (["--plain", "--brand-name", ""], {"is_branded": False, "brand_name": ""}),
}


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", CREATIONS)
def test_an_item_lives_from_create_to_delete(kind: str, backend: str) -> None:
    create, key, item = CREATIONS[kind]
    update, different = UPDATES[kind]
    there = ["--backend", backend, "--json"]

    assert json.loads(run(kind, "create", *create, *there).stdout) == item
    assert json.loads(run(kind, "get", key, *there).stdout) == item
    assert run(kind, "update", key, *update, *there).exit_code == 0
    assert json.loads(run(kind, "get", key, *there).stdout) == item | different
    assert run(kind, "delete", key, *there).exit_code == 0
    gone = run(kind, "get", key, *there)
    assert (gone.exit_code, gone.stdout) == (1, "")
    assert "error: there is no " in gone.stderr


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", CREATIONS)
def test_what_is_there_is_not_created_again_and_what_is_not_is_not_changed(kind: str, backend: str) -> None:
    create, key, _ = CREATIONS[kind]
    there = ["--backend", backend]
    for missing in (run(kind, "delete", key, *there), run(kind, "update", key, *UPDATES[kind][0], *there)):
        assert missing.exit_code == 1
        first, hint = missing.stderr.splitlines()
        assert first.startswith(f"error: {backend}: ")
        assert "does not exist" in first
        assert "create" not in first
        assert hint.startswith("hint: is it written right")
    assert run(kind, "create", *create, *there).exit_code == 0
    again = run(kind, "create", *create, *there)
    assert again.exit_code == 1
    assert again.stderr.startswith(f"error: {backend}: ")
    assert "is there already" in again.stderr or "already exists" in again.stderr


@pytest.mark.usefixtures("vendor")
def test_the_engine_lists_what_it_has() -> None:
    for last in ("2", "1", "3"):
        run("anis", "create", f"212555010{last}", "--paused-until", "2030-01-01")
    told = json.loads(run("anis", "list", "--json").stdout)
    assert [one["number"] for one in told] == ["2125550101", "2125550102", "2125550103"]
    assert {one["paused_until"] for one in told} == {"2030-01-01"}
    table = run("anis", "list", "--limit", "2")
    assert len(table.stdout.splitlines()) == 3
    assert table.stderr == "there are 3: a greater --limit, or --json\n"


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize("kind", CREATIONS)
def test_a_backend_that_cannot_list_says_so(kind: str) -> None:
    result = run(kind, "list", "--backend", "outboundiq")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: outboundiq cannot list its {kind}; ")


@pytest.mark.usefixtures("vendor")
def test_a_pause_is_set_and_ended() -> None:
    run("anis", "create", NUMBER, "--paused-until", "2030-01-01")
    run("anis", "update", NUMBER, "--paused-until", "never")
    assert json.loads(run("anis", "get", NUMBER, "--json").stdout)["paused_until"] is None


@pytest.mark.usefixtures("vendor")
def test_a_field_the_backend_does_not_keep_is_refused() -> None:
    result = run(
        "anis", "create", NUMBER, "--group", "c", "--paused-until", "2030-01-01", "--backend", "outboundiq"
    )
    assert result.exit_code == 1
    assert "paused_until" in result.stderr
    assert NUMBER not in result.stderr


@pytest.mark.usefixtures("vendor")
def test_a_campaigns_pool_is_given_and_taken_away() -> None:
    run("campaigns", "create", *CREATIONS["campaigns"][0], "--inbound-pool-id", "p")
    assert json.loads(run("campaigns", "get", "c1", "--json").stdout)["inbound_pool_id"] == "p"
    run("campaigns", "update", "c1", "--inbound-pool-id", "")
    assert json.loads(run("campaigns", "get", "c1", "--json").stdout)["inbound_pool_id"] == ""


@pytest.mark.usefixtures("vendor")
def test_a_british_number_is_named_with_its_country() -> None:
    run("anis", "create", "020 7946 0958", "--country", "+44")
    told = json.loads(run("anis", "get", "2079460958", "--country", "+44", "--json").stdout)
    assert (told["number"], told["country_code"]) == ("2079460958", "+44")


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize(
    "arguments",
    [
        ["campaigns", "update", "c1"],
        ["campaigns", "create", "--id", "c1", "--name", "x", "--type", "Sideways"],
        ["dispos", "create", "--id", "d1", "--name", "x", "--type", "Agent"],
        ["anis", "create", "12"],
        ["anis", "create", NUMBER, "--paused-until", "tomorrow"],
        ["anis", "list", "--backend", "nobody"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_changes_nothing(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
    assert not Path("engine.db").exists()


@pytest.mark.parametrize(
    ("backend", "missing"),
    [("engine", "engine.database"), ("outboundiq", "outboundiq.key"), ("outboundani", "outboundani.key")],
)
def test_a_backend_that_is_not_configured_could_not_start(
    backend: str, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("anis", "list", "--backend", backend)
    assert result.exit_code == 3
    assert f"error: {missing}: is missing" in result.stderr


def test_without_a_backend_among_the_providers_one_must_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ani-gateway.toml").write_text("[assignment]\nproviders = []\n")
    result = run("anis", "list")
    assert result.exit_code == 3
    assert "--backend engine" in result.stderr


@pytest.mark.usefixtures("vendor")
def test_a_database_that_cannot_be_opened_could_not_start() -> None:
    Path("engine.db").write_text("no database at all, and long enough to be read as one" * 10)
    result = run("campaigns", "list")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: could not open engine: ")


def test_a_vendor_that_fails_is_one_line_and_a_hint(vendor: Vendor) -> None:
    vendor.fail(Fault.SERVER_ERROR)
    result = run("campaigns", "get", "c1", "--backend", "outboundiq", "--timeout", "0.1")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: outboundiq: ")
    assert "hint: try again in a moment" in result.stderr


@pytest.mark.usefixtures("vendor")
def test_the_backend_is_the_first_provider_unless_one_is_set() -> None:
    """The configuration's first provider is the engine."""
    run("campaigns", "create", *CREATIONS["campaigns"][0])
    assert run("campaigns", "get", "c1", "--backend", "engine").exit_code == 0
    assert run("campaigns", "get", "c1", "--set", "management.backend=outboundiq").exit_code == 1


def test_the_backends_that_can_be_named_are_those_that_can_be_opened() -> None:
    assert set(BACKENDS) == set(KNOWN)


@pytest.mark.parametrize("kind", CREATIONS)
def test_every_kind_has_the_same_five_commands(kind: str) -> None:
    group = main.commands[kind]
    assert isinstance(group, click.Group)
    assert set(group.commands) == {"create", "get", "update", "delete", "list"}
