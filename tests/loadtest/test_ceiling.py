import pytest

from loadtest.ceiling import Watch, after, before, is_near


def watched(*notes: tuple[float, int, float, float]) -> Watch:
    """Each note is: when, calls placed, CPU seconds used, CPU seconds waited for."""
    watch = Watch()
    for at, placed, cpu_s, waited_s in notes:
        watch.note(at, placed, cpu_s=cpu_s, waited_s=waited_s)
    return watch


def test_the_busiest_second_counts() -> None:
    seen = watched((10, 0, 1.0, 0), (11, 900, 1.2, 0), (12, 1000, 1.22, 0)).seen()
    assert (seen.placed, seen.peak_rate) == (1000, 900)
    assert seen.peak_busy == pytest.approx(0.2)


def test_starting_the_users_is_no_part_of_a_session() -> None:
    seen = watched((0, 0, 0.0, 0), (1, 100, 0.9, 0), (3, 1100, 1.1, 0)).seen()
    assert seen.cpu_us == pytest.approx(200)


def test_a_run_near_the_ceiling_is_marked() -> None:
    near = watched((0, 0, 0, 0), (1, 3500, 0.5, 0)).seen()
    assert is_near(near, 5000)
    assert "WARNING" in "".join(after(near, 5000))
    assert not is_near(near, 5100)
    assert "WARNING" not in "".join(after(near, 5100))


def test_waiting_for_a_cpu_is_as_bad_as_using_one() -> None:
    assert is_near(watched((0, 0, 0, 0), (1, 100, 0.1, 0.6)).seen(), 5000)


def test_without_a_measured_ceiling_the_cpu_alone_tells() -> None:
    assert is_near(watched((0, 0, 0, 0), (1, 100, 0.8, 0)).seen(), None)
    assert not is_near(watched((0, 0, 0, 0), (1, 9000, 0.5, 0)).seen(), None)


def test_a_run_without_a_call_has_its_say() -> None:
    for seen in (watched((0, 0, 0, 0)).seen(), watched((0, 0, 0, 0), (1, 0, 0.2, 0)).seen()):
        assert (seen.placed, seen.cpu_us, seen.waited) == (0, 0, 0)


def test_the_start_says_whose_limit_it_is() -> None:
    assert "4,900 sessions/s a core" in before(4900)[0]
    assert "unknown" in before(None)[0]
