from typing import Any

import pytest

from gateway.cli.progress import Progress, progress_text


def test_without_a_terminal_a_line_comes_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    progress = Progress("read", 40, clock=lambda: now)
    for _ in range(25):
        now += 1
        progress.step()
    progress.close()
    assert capsys.readouterr().err == (
        "read: 10 of 40, 1.0/s, 00:30 left\nread: 20 of 40, 1.0/s, 00:20 left\n"
    )


def test_a_short_run_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("read", 2, clock=lambda: 100.0)
    progress.step()
    progress.step()
    progress.close()
    assert capsys.readouterr().err == ""


def test_a_line_on_a_terminal_is_ended_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    now = 100.0
    progress = Progress("targets", clock=lambda: now)
    now += 1
    progress.show(3)
    progress.close()
    progress.close()
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.endswith("\n")


def test_what_an_earlier_run_did_is_no_speed_of_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    progress = Progress("lines", clock=lambda: now)
    for done in (1_000, 1_100):
        now += 5
        progress.show(done, 2_000)
    progress.close()
    assert capsys.readouterr().err == "lines: 1,100 of 2,000, 10.0/s, 01:30 left\n"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (("targets", 1_200, None, 14.84), "targets: 1,200, 14.8/s"),
        (("lines", 1_200, 5_000, 14.8), "lines: 1,200 of 5,000, 14.8/s, 04:17 left"),
        (("lines", 0, 500_000, 15.0), "lines: 0 of 500,000, 15.0/s, 9:15:33 left"),
        (("lines", 0, 5, 0.0), "lines: 0 of 5, 0.0/s"),
    ],
)
def test_progress_says_how_many_how_fast_and_how_long(asked: Any, text: str) -> None:
    assert progress_text(*asked) == text
