import math
from collections.abc import Callable
from typing import Any

import pytest

Part = Callable[[str], Any]


def judged(part: Part, values: list[float], *, least: float = 2.0, share: float = 0.0) -> Any:
    looks = [(10.0 * number, value) for number, value in enumerate(values)]
    growth = part("growth")
    return growth.growth("memory_mb", "MB", looks, growth.Limit(least=least, share=share))


def wobble(number: int) -> float:
    """Noise between -3 and 3, the same in every run."""
    return 3 * math.sin(number * number)


def test_noise_about_one_level_is_no_growth(part: Part) -> None:
    assert not judged(part, [60 + wobble(number) for number in range(60)]).grows


def test_a_slow_leak_in_the_noise_is_found(part: Part) -> None:
    found = judged(part, [60 + number * 0.05 + wobble(number) / 6 for number in range(60)])
    assert found.grows
    assert found.per_hour == pytest.approx(18, rel=0.2)


def test_a_few_wild_looks_at_the_end_are_no_growth(part: Part) -> None:
    assert not judged(part, [60.0] * 50 + [90.0] * 10).grows


def test_a_saw_tooth_is_no_growth(part: Part) -> None:
    assert not judged(part, [60.0 + number % 7 for number in range(70)]).grows


def test_what_shrinks_does_not_grow(part: Part) -> None:
    assert not judged(part, [60.0 - number * 0.1 for number in range(60)]).grows


def test_the_limit_is_a_share_of_the_level_where_that_is_more(part: Part) -> None:
    values = [100.0 + number * 0.1 for number in range(60)]
    assert judged(part, values).grows
    assert not judged(part, values, share=0.1).grows


def test_many_looks_are_thinned_and_judged_the_same(part: Part) -> None:
    found = judged(part, [60.0 + number * 0.001 for number in range(5_000)])
    assert found.grown == pytest.approx(5.0, rel=0.01)
    assert found.grows


def result(part: Part, **changes: Any) -> Any:
    calls = {"calls": 100, "failures": {}, "fallbacks": 2, "max_ms": 710.0, "late_max_ms": 5.0}
    calls["waited_share"] = 0.0
    upstream = {"requests": 90, "leads": 98, "failed_requests": 3, "dials": 100, "default_dials": 2}
    upstream |= {"repeated_dials": 0, "wrong_dials": 0}
    for name, value in changes.items():
        (calls if name in calls else upstream)[name] = value
    flat = [judged(part, [60.0] * 10)]
    return part("soak").Result(calls=calls, upstream=upstream, growths=flat, looks=[], deadline_s=0.7)


def test_a_run_in_which_nothing_went_wrong_is_good(part: Part) -> None:
    assert result(part).faults == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"failures": {"wrong ANI": 1}}, "calls failed"),
        ({"max_ms": 806.0}, "a call took 806 ms"),
        ({"fallbacks": 40, "default_dials": 40}, "more calls fell back"),
        ({"dials": 99}, "1 records missing"),
        ({"repeated_dials": 1}, "came twice"),
        ({"wrong_dials": 1}, "wrong number"),
        ({"default_dials": 1}, "1 records of 2 calls that fell back"),
    ],
)
def test_whatever_must_not_be_fails_the_run(part: Part, changes: dict[str, Any], told: str) -> None:
    (fault,) = result(part, **changes).faults
    assert told in fault


def test_a_run_too_short_to_judge_is_refused(part: Part, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        part("soak").parsed(["--minutes", "2"])
    assert "more --minutes" in capsys.readouterr().err
