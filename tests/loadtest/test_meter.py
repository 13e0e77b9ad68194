import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Part = Callable[[str], Any]


def burn(seconds: float) -> None:
    stop = time.thread_time() + seconds
    while time.thread_time() < stop:
        pass


def test_a_worker_that_does_all_has_the_whole_share(part: Part) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as worker:
        sharing = part("meter").Sharing(worker.pid)
        stop = time.monotonic() + 10
        while not sharing.busier() and time.monotonic() < stop:
            time.sleep(0.02)
        worker.kill()
        assert sharing.busier() == 1.0


def test_what_others_used_spoils_a_sample_whose_parts_share_their_cpus(part: Part) -> None:
    meter, sample = part("meter").Meter(os.getpid()), part("sample").Sample(server="a", calls=1, cpu_us=1.0)

    class Crowded:
        def others(self) -> float:
            return 0.5

        def busier(self) -> float:
            return 0.6

    meter.stop(Crowded())
    meter.note(sample, generator_waited=0.9)
    assert (sample.spoilt, sample.others, sample.busier) == (True, 0.5, 0.6)
