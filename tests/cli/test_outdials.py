import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.cli.outdials_targets import STATUSES
from gateway.model.outdial import TargetStatus
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.voipbin import VoipBinSimulator
from gateway.simulator.voipbin_store import VoipBinStore

ROOT = Path(__file__).parent.parent.parent
TOKEN = "s3cret-token"
PHONE = "+15559876543"
CAMPAIGN = "11111111-2222-4333-8444-555555555555"
NOBODY = "99999999-2222-4333-8444-555555555555"
KILLED = -signal.SIGKILL


class Served:
    """A simulated VoIPBin in a thread of its own: commands bring their own event loop."""

    def __init__(self) -> None:
        self.voipbin = VoipBinSimulator(VoipBinStore(), token=TOKEN)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._do(self.voipbin.start())

    def stop(self) -> None:
        self._do(self.voipbin.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    @property
    def store(self) -> VoipBinStore:
        return self.voipbin.store

    def outdial(self, targets: int = 0) -> str:
        """A new outdial with so many targets."""
        outdial_id: str = self.store.add_outdial({"name": "spring", "detail": "sale"})["id"]
        for number in range(targets):
            asked = {
                "name": f"lead {number}",
                "destination_0": {"type": "tel", "target": f"+1555987{number:04}"},
            }
            self.store.add_target(outdial_id, asked)
        return outdial_id


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    one = Served()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANI_GATEWAY_VOIPBIN_TOKEN", TOKEN)
    Path("ani-gateway.toml").write_text(
        f'[voipbin]\nurl = "{one.voipbin.url}"\nrate_per_s = 1000\npage_size = 3\nsettle_s = 0\n'
        "timeout_s = 1\ndeadline_s = 1\n"
    )
    yield one
    one.stop()


def run(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, ["outdials", *arguments], input=stdin)
    assert TOKEN not in result.output
    return result


def value(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_choices_are_those_of_the_model() -> None:
    assert list(STATUSES) == [status.value for status in TargetStatus]


def test_an_outdial_is_created_listed_changed_and_deleted(served: Served) -> None:
    made = value("create", "--name", "spring", "--detail", "sale", "--data", "x", "--campaign", CAMPAIGN)
    key = made["id"]
    assert (made["name"], made["detail"], made["data"], made["campaign_id"]) == (
        "spring",
        "sale",
        "x",
        CAMPAIGN,
    )
    assert value("list") == [made]
    assert value("get", key) == made
    changed = value("update", key, "--name", "autumn", "--campaign", "none")
    assert (changed["name"], changed["detail"], changed["data"], changed["campaign_id"]) == (
        "autumn",
        "sale",
        "x",
        None,
    )
    assert value("update", key, "--data", "y", "--detail", "")["data"] == "y"
    assert run("delete", key, stdin="n\n").exit_code == 1
    assert run("delete", key, "--yes").stdout == f"deleted: {key}\n"
    assert value("list") == []
    assert served.store.outdial(key) is None


def test_a_target_is_created_listed_and_deleted(served: Served) -> None:
    outdial = served.outdial()
    made = value(
        "targets", "create", outdial, "--destination", "(555) 987-6543", "--destination", "sip:a@b.example",
        "--name", "Ann", "--detail", f"call {PHONE}", "--data", "x", "--unmask",
    )  # fmt: skip
    assert [one and (one["type"], one["target"]) for one in made["destinations"]] == [
        ("tel", PHONE),
        ("sip", "sip:a@b.example"),
        None,
        None,
        None,
    ]
    assert value("targets", "get", outdial, made["id"], "--unmask") == made
    assert value("targets", "list", outdial, "--unmask") == [made]
    assert value("targets", "list", outdial, "--status", "done") == []
    result = run("targets", "list", outdial)
    assert result.stdout.splitlines()[1].split()[:7] == [
        made["id"], "Ann", "idle", "0", "0", "+1555*****43,", "sip:a@b.example",
    ]  # fmt: skip
    assert "9876543" not in run("targets", "get", outdial, made["id"]).stdout
    assert "9876543" not in run("targets", "get", outdial, made["id"], "--json").stdout
    assert run("targets", "delete", outdial, made["id"], "--yes").exit_code == 0
    assert value("targets", "list", outdial) == []


def test_tables_have_a_line_a_row_and_say_when_there_are_more(served: Served) -> None:
    outdial = served.outdial(targets=5)
    result = run("targets", "list", outdial, "--limit", "4")
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["name"] + ["lead"] * 4
    assert "there are more" in result.stderr
    assert "there are more" not in run("targets", "list", outdial, "--limit", "5").stderr
    assert run("list").stdout.splitlines()[1].split()[:2] == [outdial, "spring"]
    assert "name         spring" in run("get", outdial).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["update", NOBODY], "name what to change"),
        (["get", "not-an-id"], "is not a valid UUID"),
        (["update", NOBODY, "--campaign", "x"], "is not a valid UUID"),
        (["targets", "create", NOBODY, "--destination", "911"], "--destination number 1 is no phone number"),
        (["targets", "create", NOBODY, *["--destination", PHONE] * 6], "5 destinations at most"),
    ],
)
def test_wrong_usage_says_what_is_wrong(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_faults_are_one_line_and_a_hint(served: Served) -> None:
    result = run("get", NOBODY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "error: VoIPBin: answer 404: NOT_FOUND: There is no such thing.",
        "hint: list what there is: ani-gateway outdials list",
    ]
    served.voipbin.faults.append(Fault.UNAUTHORIZED)
    assert "check voipbin.token and voipbin.auth" in run("list").stderr
    served.voipbin.faults.extend([Fault.SERVER_ERROR] * 9)
    assert "answer 500" in run("list").stderr


def test_without_a_token_nothing_is_asked(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANI_GATEWAY_VOIPBIN_TOKEN")
    result = run("list")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: voipbin.token: is missing")
    assert served.voipbin.requests == []


def test_what_was_pulled_can_be_pushed_into_another_outdial(served: Served) -> None:
    old, new = served.outdial(targets=8), served.outdial()
    result = run("pull", old, "-o", "leads.csv")
    assert (result.exit_code, result.stderr) == (0, "targets: 8; written to leads.csv\n")
    result = run("push", new, "leads.csv")
    assert (result.exit_code, result.stderr) == (0, "targets created: 8; bad rows: 0\n")
    sent = [(row["name"], row["destination_0"]) for row in served.store.targets(new)]
    assert sent == [(row["name"], row["destination_0"]) for row in served.store.targets(old)][::-1]
    assert "all of it was pushed before" in run("push", new, "leads.csv").stderr
    assert run("pull", old, "-o", "leads.csv").exit_code == 1


def test_bad_rows_are_counted_and_named(served: Served) -> None:
    outdial = served.outdial()
    Path("leads.csv").write_text(f"phone,name\n{PHONE},Ann\n12,Bob\n")
    result = run("push", outdial, "leads.csv")
    assert result.exit_code == 0
    assert "targets created: 1; bad rows: 1" in result.stderr
    assert "the bad rows are in leads.errors.csv" in result.stderr
    assert Path("leads.errors.csv").read_text().splitlines()[1].startswith('3,"phone is no SIP address')


@pytest.mark.parametrize("arguments", [["push", NOBODY, "leads.csv"], ["pull", NOBODY, "-o", "no/leads.csv"]])
@pytest.mark.usefixtures("served")
def test_a_file_that_cannot_be_used_is_one_line(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "No such file" in result.stderr


def test_a_long_run_that_fails_says_how_to_go_on(served: Served) -> None:
    outdial = served.outdial()
    Path("leads.csv").write_text(f"phone\n{PHONE}\n")
    served.voipbin.faults.extend([Fault.NONE] * 1 + [Fault.SERVER_ERROR] * 20)
    result = run("push", outdial, "leads.csv")
    assert result.exit_code == 1
    assert "hint: run the same command again: it goes on where it stopped" in result.stderr
    served.voipbin.faults.clear()
    assert "targets created: 1" in run("push", outdial, "leads.csv").stderr


def process(*arguments: str) -> "subprocess.Popen[bytes]":
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gateway", "outdials", *arguments]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)


def lived(
    served: Served, method: str, *arguments: str, answers: int, by: signal.Signals = signal.SIGKILL
) -> tuple[int, str]:
    """Run the command; end it once so many such requests were worked on, before it hears of the last."""
    left = answers
    started = threading.Event()
    child: list[subprocess.Popen[bytes]] = []

    def strike(asked: str, path: str) -> None:
        nonlocal left
        left -= asked == method and path.endswith("targets")
        if left == 0:
            started.wait(10)
            child[0].send_signal(by)
            child[0].wait(10)

    served.voipbin.on_answer = strike
    with process(*arguments) as one:
        child.append(one)
        started.set()
        told = one.communicate(timeout=60)[1].decode()
    served.voipbin.on_answer = lambda _method, _path: None
    return one.returncode, told


def test_push_killed_between_post_and_note_makes_no_target_twice(served: Served) -> None:
    outdial = served.outdial(targets=2)
    rows = [(PHONE, "Ann"), (PHONE, "Ann"), ("+15559876544", ""), ("x", ""), ("+15559876545", "Joe")]
    with Path("leads.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("phone", "name"), *rows])
    for answers in (1, 2, 1):
        assert lived(served, "POST", "push", outdial, "leads.csv", answers=answers)[0] == KILLED
    assert lived(served, "POST", "push", outdial, "leads.csv", answers=99)[0] == 0
    made = [(row["destination_0"]["target"], row["name"]) for row in served.store.targets(outdial)[::-1]]
    assert made[2:] == [(PHONE, "Ann"), (PHONE, "Ann"), ("+15559876544", "lead 4"), ("+15559876545", "Joe")]
    bad = list(csv.DictReader(Path("leads.errors.csv").read_text().splitlines()))
    assert [row["line"] for row in bad] == ["5"]


@pytest.mark.parametrize(
    ("method", "arguments"), [("POST", "push {} leads.csv"), ("GET", "pull {} -o x.csv")]
)
def test_a_run_that_is_stopped_says_how_to_go_on(served: Served, method: str, arguments: str) -> None:
    outdial = served.outdial(targets=14)
    Path("leads.csv").write_text(f"phone\n{PHONE}\n{PHONE}\n")
    words = arguments.format(outdial).split()
    code, told = lived(served, method, *words, answers=2, by=signal.SIGINT)
    assert code == 1
    assert told.endswith("error: stopped\nhint: run the same command again: it goes on where it stopped\n")
    assert lived(served, method, *words, answers=99)[0] == 0


def test_pull_killed_on_the_way_has_each_target_once(served: Served) -> None:
    outdial = served.outdial(targets=14)
    for answers in (1, 2, 3):
        assert lived(served, "GET", "pull", outdial, "-o", "leads.csv", answers=answers)[0] == KILLED
        assert not Path("leads.csv").exists()
    assert lived(served, "GET", "pull", outdial, "-o", "leads.csv", answers=99)[0] == 0
    with Path("leads.csv").open(newline="") as file:
        found = [row["target_id"] for row in csv.DictReader(file)]
    assert found == [row["id"] for row in served.store.targets(outdial)]
