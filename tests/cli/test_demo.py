import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from gateway.cli.demo_records import Records
from gateway.cli.demo_screen import drawn, plain_line, summary
from gateway.cli.demo_world import LastCall, Played, View, demo_calls
from gateway.simulator.scenario import Figures, Scenario

FIGURES = Figures(
    elapsed_s=4.0,
    placed=60,
    ended=58,
    open=2,
    skipped=0,
    calls_per_s=14.5,
    p50_ms=1.25,
    p99_ms=None,
    by_status={"ASSIGNED": 50, "FALLBACK": 8},
    by_source={"outboundiq": 30, "cache": 20, "engine": 8},
)
CALL = LastCall("+1404*****23", "9001", "FALLBACK", "engine", "unavailable", "+1404*****00", 2.5)
RECORDS = Records(call_ends=50, made=48, delivered=40, dead=1, duplicates=2, link="up")
VIEW = View(FIGURES, upstream_is_down=True, last_calls=(CALL,), address="127.0.0.1:4573", records=RECORDS)


def test_demo_runs_real_calls_without_a_terminal_and_ends_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "demo", "--rate", "20"]
    environ = os.environ | {"DEMO_SECONDS": "2"}
    run = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert " calls/s  p50 " in run.stdout
    assert "numbers came from: " in run.stdout
    for source in ("outboundiq", "engine"):
        assert f" {source}" in run.stdout.splitlines()[-3]
    assert "0 protocol errors, 0 calls without an answer in time" in run.stdout
    assert " waiting " in run.stdout.splitlines()[3]
    ended = re.fullmatch(
        r"(\d+) calls ended at Asterisk: (\d+) records made, (\d+) delivered, "
        r"0 dead, 0 waiting, 0 duplicates",
        run.stdout.splitlines()[-1],
    )
    assert ended is not None
    assert ended[1] == ended[2] == ended[3]
    assert int(ended[1]) > 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_ends_cleanly_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "demo", "--rate", "10"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if " calls/s " in line)
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(10) == 0
    assert "numbers came from: " in rest
    assert rest.endswith(" 0 dead, 0 waiting, 0 duplicates\n")


def test_plain_line_has_rate_percentiles_and_sources() -> None:
    line = plain_line(VIEW)
    for text in ("14.5 calls/s", "p50 1.2 ms", "upstream DOWN", "cache 20  engine 8  outboundiq 30"):
        assert text in line


def test_plain_line_has_the_records_and_the_link() -> None:
    line = plain_line(VIEW)
    for text in ("7 waiting 40 delivered 1 dead", "AMI up"):
        assert text in line


def test_screen_shows_figures_shares_and_last_calls() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(drawn(VIEW))
    text = console.export_text()
    for part in (
        "127.0.0.1:4573",
        "DOWN",
        "52%",
        "FALLBACK",
        "+1404*****23",
        "unavailable",
        "2.5 ms",
        "Ctrl-C",
    ):
        assert part in text


def test_screen_says_what_is_wrong_with_the_link() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(drawn(replace(VIEW, records=replace(RECORDS, link="no link to 127.0.0.1:5038: refused"))))
    assert re.search(r"\b7 +40 +1 +2 +no link to 127.0.0.1:5038: refused", console.export_text())


def test_summary_counts_statuses_most_first() -> None:
    lines = summary(Played(FIGURES, RECORDS)).splitlines()
    assert lines[0] == "58 calls in 4.0 s: 50 ASSIGNED, 8 FALLBACK"
    assert lines[-1] == (
        "50 calls ended at Asterisk: 48 records made, 40 delivered, 1 dead, 7 waiting, 2 duplicates"
    )
    assert summary(Played(None, RECORDS)) == "stopped before the first figures"


RIGHT = Records(call_ends=50, made=50, delivered=50)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, made=49, delivered=49),
        replace(RIGHT, delivered=49),
        replace(RIGHT, delivered=49, dead=1),
        replace(RIGHT, duplicates=1),
    ],
)
def test_records_are_right_only_when_each_call_arrived_once(wrong: Records) -> None:
    assert RIGHT.are_right
    assert not wrong.are_right


def test_demo_dials_numbers_that_must_not_be_touched_too() -> None:
    phones = {request.phone for request in islice(demo_calls(Scenario()), 500)}
    assert {"911", "7002"} <= phones
