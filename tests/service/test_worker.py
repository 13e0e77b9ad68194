from gateway.service.worker import told
from gateway.telemetry.metrics import Histogram


def test_the_last_words_tell_how_long_calls_took() -> None:
    latency = Histogram()
    for took_s in [0.0004] * 990 + [0.018] * 9 + [0.6]:
        latency.observe(took_s)
    assert told(latency) == "1000 calls, decided within p50 0.5 ms, p99 0.5 ms, p99.9 20 ms"


def test_without_a_call_there_is_no_time_to_tell() -> None:
    assert told(Histogram()) == "0 calls"
