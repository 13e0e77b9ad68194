from gateway.admin.window import Window
from gateway.telemetry.figures import Spread


def spread(count: int) -> Spread:
    return Spread((count, 0), 0.0, (1.0,))


def test_only_the_last_ten_seconds_count() -> None:
    window = Window()
    for second in range(60):
        window.note(float(second), {"calls": spread(second * 100)})
    lately, seconds = window.lately(59.5, "calls", spread(5_950))
    assert (lately.count, seconds) == (1_050, 10.5)


def test_after_a_pause_the_last_moment_known_counts() -> None:
    window = Window()
    window.note(0.0, {"calls": spread(100)})
    window.note(300.0, {"calls": spread(160)})
    lately, seconds = window.lately(300.0, "calls", spread(160))
    assert (lately.count, seconds) == (60, 300.0)


def test_what_was_not_there_before_counts_from_its_begin() -> None:
    window = Window()
    assert window.lately(5.0, "new", spread(3)) == (spread(3), 0.0)
    window.note(0.0, {})
    assert window.lately(5.0, "new", spread(3)) == (spread(3), 5.0)
