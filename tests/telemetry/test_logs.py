import logging
import threading
import time

from gateway.telemetry.logs import BehindHandler


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
