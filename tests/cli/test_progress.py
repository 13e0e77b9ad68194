import pytest

from gateway.cli.progress import Progress


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
