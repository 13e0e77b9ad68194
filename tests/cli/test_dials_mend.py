import json

import pytest

from gateway.stores.spool import SqliteSpool
from gateway.stores.spool_view import SpoolView
from tests.cli.test_dials import dial_ids, folder, run, spool

__all__ = ["folder", "spool"]
FAR = 9_999_999_999.0


def due(spool: SqliteSpool, target: str) -> list[str]:
    return [one.dial.dial_id for one in spool.take(target, 100, now=FAR).result(5).taken]


def test_a_retried_letter_is_taken_by_the_running_gateway(spool: SqliteSpool) -> None:
    result = run("retry", "b")
    assert (result.exit_code, result.stderr) == (0, "retrying 1\n")
    assert result.stdout.splitlines()[1].split()[:2] == ["b", "file"]
    assert due(spool, "file") == ["a", "b"]
    assert due(spool, "outboundani") == ["a"]


def test_a_dry_run_shows_the_same_and_does_nothing(spool: SqliteSpool) -> None:
    plan = json.loads(run("retry", "b", "--dry-run", "--json").stdout)
    assert plan["dry_run"] is True
    assert [(letter["dial_id"], letter["target"]) for letter in plan["letters"]] == [("b", "file")]
    assert run("discard", "b", "--dry-run").stderr == "would discard 1\n"
    assert dial_ids("--state", "dead") == ["b", "c"]
    assert due(spool, "file") == ["a"]


def test_all_leaves_out_what_may_have_arrived(spool: SqliteSpool) -> None:
    result = run("retry", "--all")
    assert result.stderr.startswith("1 that may have arrived are left out; name them to send them again\n")
    assert due(spool, "outboundani") == ["a"]
    assert dial_ids("--state", "dead") == ["c"]
    assert run("retry", "c").exit_code == 0
    assert due(spool, "outboundani") == ["c"]


@pytest.mark.usefixtures("spool")
def test_one_target_can_be_meant() -> None:
    assert run("retry", "--all", "--target", "outboundani").stderr.endswith("retrying 0\n")
    assert dial_ids("--state", "dead") == ["b", "c"]


@pytest.mark.usefixtures("spool")
def test_a_discarded_letter_counts_as_delivered() -> None:
    assert run("discard", "b").stderr == "discarded 1\n"
    view = SpoolView.open("spool.db")
    one = view.find("b")
    view.close()
    assert one is not None
    assert one.done_at is not None


@pytest.mark.usefixtures("spool")
@pytest.mark.parametrize("command", ["retry", "discard"])
def test_what_is_no_dead_letter_is_said_and_the_others_are_done(command: str) -> None:
    result = run(command, "a", "b", "nothing")
    assert result.exit_code == 1
    assert 'error: "a" and 1 more is no dead letter' in result.stderr
    assert dial_ids("--state", "dead") == ["c"]
