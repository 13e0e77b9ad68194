from collections.abc import Callable
from typing import Any

import pytest

Part = Callable[[str], Any]


def section(part: Part, **changes: Any) -> Any:
    sample = part("sample")
    given = {
        "name": "hit",
        "title": "Hit path",
        "servers": ("ours",),
        "load": {},
        "rounds": 2,
        "seconds": 1.0,
    }
    return sample.Section(**given | changes)


def test_a_table_has_a_line_for_each_server_with_median_and_spread(
    part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = part("sample").Sample
    samples = [sample(server="ours", calls=9, cpu_us=cost, calls_per_s=1000.0) for cost in (30, 34, 50)]
    part("report").print_section(section(part), samples)
    assert "ours" in (line := capsys.readouterr().out.splitlines()[-1])
    assert "34.0 30.0..50.0" in line
    assert "1,000" in line


def test_wrong_answers_stand_out_and_allowed_ones_do_not(
    part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = part("sample").Sample(server="ours", calls=9, cpu_us=1.0, failures={"no ANI": 4, "wrong ANI": 1})
    sample.may_miss = True
    part("report").print_section(section(part, may_miss=True), [sample])
    assert capsys.readouterr().out.splitlines()[-1].strip() == "FAILED: {'wrong ANI': 1}"


def test_a_verdict_says_its_goal_and_whether_it_was_reached(
    part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    goals = part("goals")
    figure = (2.5, 2.4, 2.6)
    found = goals.Verdict(
        "hit", "over the floor", *figure, "x", "at most 3x", 3.0, goals.Outcome.REACHED, 3, 1
    )
    part("report").print_verdicts([found])
    told = capsys.readouterr().out
    assert "2.50x  2.40..2.60" in told
    assert "goal at most 3x: reached  (1 of 3 rounds noisy)" in told
    assert "1 of 1 goals reached" in told


def test_faults_of_all_rounds_are_added_up(part: Part, capsys: pytest.CaptureFixture[str]) -> None:
    sample = part("sample").Sample
    first = sample(server="ours", calls=9, cpu_us=1.0, failures={"wrong ANI": 2})
    second = sample(server="ours", calls=9, cpu_us=1.0, earlier_faults={"wrong ANI": 1})
    part("report").print_section(section(part), [first, second])
    assert "FAILED: {'wrong ANI': 3}" in capsys.readouterr().out
