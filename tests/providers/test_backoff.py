import pytest

from gateway.providers.backoff import next_delay


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0)])
def test_longest_wait_doubles_up_to_the_cap(attempt: int, longest: float) -> None:
    assert next_delay(attempt, base_s=1.0, cap_s=300.0, dice=lambda: 1.0) == longest


def test_any_share_of_it_may_come_out() -> None:
    assert next_delay(3, base_s=1.0, cap_s=300.0, dice=lambda: 0.25) == 1.0
    waits = {next_delay(5, base_s=1.0, cap_s=300.0) for _ in range(50)}
    assert len(waits) > 40
    assert all(0 <= wait <= 16 for wait in waits)


def test_no_number_of_attempts_is_too_great() -> None:
    assert next_delay(100_000, base_s=1.0, cap_s=300.0, dice=lambda: 1.0) == 300.0
