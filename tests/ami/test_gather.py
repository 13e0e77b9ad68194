from gateway.ami.gather import DENSE_S, FULL_BYTES, GATHER_S, Gather

EVENT = 600


def reads(gather: Gather, *times: float, size: int = EVENT, unwanted: int = EVENT) -> list[float]:
    return [gather.pause_s(size, unwanted, time) for time in times]


def test_dense_reads_of_what_nobody_wants_are_gathered() -> None:
    assert reads(Gather(), 0.0, 0.001, 0.002, 0.002 + GATHER_S) == [0.0, GATHER_S, GATHER_S, GATHER_S]


def test_a_quiet_link_is_read_at_once() -> None:
    assert reads(Gather(), 0.0, DENSE_S, DENSE_S * 2, DENSE_S * 10) == [0.0] * 4


def test_a_filtered_link_is_read_at_once_however_busy() -> None:
    assert reads(Gather(), 0.0, 0.001, 0.002, unwanted=4) == [0.0] * 3


def test_a_read_that_is_full_is_followed_by_the_next() -> None:
    assert reads(Gather(), 0.0, 0.001, 0.002, size=FULL_BYTES, unwanted=FULL_BYTES) == [0.0] * 3
