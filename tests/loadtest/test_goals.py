from collections.abc import Callable
from typing import Any

import pytest

Part = Callable[[str], Any]


@pytest.fixture
def goals(part: Part) -> Any:
    return part("goals")


def rounds(part: Part, *figures: tuple[float, float], spoilt: tuple[int, ...] = ()) -> list[Any]:
    """Samples of two servers, `ours` and `theirs`, with their CPU per call in each round."""
    sample = part("sample").Sample
    return [
        sample(server=name, calls=100, cpu_us=value, round=number, spoilt=number in spoilt)
        for number, pair in enumerate(figures)
        for name, value in zip(("ours", "theirs"), pair, strict=True)
    ]


def verdict(goals: Any, samples: list[Any], wanted: float) -> Any:
    goal = goals._least("s", "theirs over ours", wanted, goals.cpu_ratio("theirs", "ours"), "x")
    return goals.judge(goal, list(goals._rounds(samples, goal.servers)))


def test_a_ratio_is_taken_within_each_round(part: Part, goals: Any) -> None:
    """A round in which all was twice as slow changes no ratio."""
    found = verdict(goals, rounds(part, (10, 30), (20, 60), (10, 40)), 3)
    assert (found.median, found.lowest, found.highest) == (3, 3, 4)
    assert found.is_reached


def test_a_goal_holds_only_when_the_worst_round_reaches_it(part: Part, goals: Any) -> None:
    found = verdict(goals, rounds(part, (10, 29), (10, 31), (10, 32)), 3)
    assert found.outcome is goals.Outcome.BY_MEDIAN
    assert not found.is_reached


def test_a_goal_the_median_does_not_reach_is_missed(part: Part, goals: Any) -> None:
    assert verdict(goals, rounds(part, (10, 29), (10, 28), (10, 32)), 3).outcome is goals.Outcome.MISSED


def test_noisy_rounds_are_counted_and_do_not_judge(part: Part, goals: Any) -> None:
    found = verdict(goals, rounds(part, (10, 40), (10, 10), (10, 35), spoilt=(1,)), 3)
    assert found.is_reached
    assert (found.lowest, found.rounds, found.noisy) == (3.5, 3, 1)


def test_when_most_rounds_were_noisy_all_of_them_judge(part: Part, goals: Any) -> None:
    found = verdict(goals, rounds(part, (10, 40), (10, 20), (10, 50), spoilt=(0, 1)), 3)
    assert (found.lowest, found.noisy) == (2, 2)
    assert not found.is_reached


def test_added_time_is_what_goes_beyond_the_upstreams_own(part: Part, goals: Any) -> None:
    sample = part("sample").Sample(server="ours", calls=1, cpu_us=1.0, p999_ms=24.0, upstream_ms=20.5)
    figure, servers = goals.added("ours", goals.p999)
    assert servers == ("ours",)
    assert figure({"ours": sample}) == 3.5


def test_every_goal_is_about_a_section_and_servers_there_are(part: Part, goals: Any) -> None:
    known = {section.name: section for section in part("sections").sections(is_quick=False)}
    for goal in goals.GOALS:
        assert set(goal.servers) <= set(known[goal.section].servers), goal.what


def test_every_section_runs_servers_there_are(part: Part) -> None:
    servers, kinds = part("servers").SERVERS, part("sample").Kind
    for is_quick in (True, False):
        for section in part("sections").sections(is_quick=is_quick):
            if section.kind is not kinds.BYTES:
                assert set(section.servers) <= set(servers), section.name


def test_a_missing_number_is_a_fault_unless_the_section_is_about_them(part: Part) -> None:
    failures = {"no ANI": 3, "wrong ANI": 1, "timeout": 2}
    sample = part("sample").Sample(server="ours", calls=10, cpu_us=1.0, failures=failures)
    assert sample.faults == failures
    assert sample.answered == 6
    sample.may_miss = True
    assert sample.faults == {"wrong ANI": 1, "timeout": 2}
