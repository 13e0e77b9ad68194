import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.telemetry.logs import BehindHandler, configure
from gateway.telemetry.settings import LogFormat, LogSettings


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, left as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    for handler in root.handlers:
        if isinstance(handler, BehindHandler):
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def say(root: logging.Logger, text: str) -> None:
    logging.getLogger("gateway.test").warning(text)
    for handler in root.handlers:
        handler.flush()


def test_a_log_that_was_renamed_is_begun_anew_and_no_line_is_lost(
    root: logging.Logger, tmp_path: Path
) -> None:
    file, old = tmp_path / "gateway.log", tmp_path / "gateway.log.1"
    configure(LogSettings(file=str(file)))
    say(root, "one")
    file.rename(old)
    say(root, "two")
    assert old.read_text().split()[-1] == "one"
    assert file.read_text().split()[-1] == "two"


def test_a_log_file_is_appended_to_by_whoever_comes_next(root: logging.Logger, tmp_path: Path) -> None:
    settings = LogSettings(file=str(tmp_path / "gateway.log"), format=LogFormat.JSON)
    for text in ("one", "two"):
        configure(settings)
        say(root, text)
    assert len((tmp_path / "gateway.log").read_text().splitlines()) == 2


def test_a_log_file_that_cannot_be_opened_leaves_the_log_as_it_was(
    root: logging.Logger, tmp_path: Path
) -> None:
    configure(LogSettings(file=str(tmp_path / "gateway.log")))
    with pytest.raises(OSError, match="missing"):
        configure(LogSettings(file=str(tmp_path / "missing" / "gateway.log")))
    say(root, "still here")
    assert "still here" in (tmp_path / "gateway.log").read_text()


def test_a_line_that_cannot_be_written_goes_to_standard_error(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(LogSettings(file="/dev/full"))
    say(root, "the disk is full")
    told = capsys.readouterr().err
    assert "WARNING the disk is full" in told
    assert "log.file cannot be written: [Errno 28]" in told


def test_a_target_that_blocks_holds_up_nobody_and_loses_no_line() -> None:
    free, written = threading.Event(), []

    class Blocked(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            free.wait(10)
            written.append(record.getMessage())

    behind = BehindHandler(Blocked())
    log = logging.getLogger("behind-blocked")
    log.propagate = False
    log.addHandler(behind)
    began = time.perf_counter()
    for number in range(100):
        log.warning("line %d", number)
    took_s = time.perf_counter() - began
    free.set()
    behind.close()
    log.removeHandler(behind)
    assert took_s < 1
    assert written == [f"line {number}" for number in range(100)]


def test_lines_beyond_the_limit_are_counted() -> None:
    free = threading.Event()

    class Blocked(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            del record
            free.wait(10)

    behind = BehindHandler(Blocked())
    log = logging.getLogger("behind-full")
    log.propagate = False
    log.addHandler(behind)
    for _ in range(10_100):
        log.warning("line")
    free.set()
    behind.close()
    log.removeHandler(behind)
    assert 95 <= behind.left_out <= 100
