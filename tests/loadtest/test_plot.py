import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Part = Callable[[str], Any]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    verdict = {
        "section": "hit",
        "what": "over the floor",
        "median": 1.1,
        "lowest": 1.0,
        "highest": 1.3,
        "unit": "x",
        "goal": "at most 1.2x",
        "wanted": 1.2,
        "outcome": "by the median only",
    }
    sample = {"server": "floor", "quantiles_ms": [0.1, 0.2, 0.9]}
    run = {"python": "3.11.7 (main)", "machine": "Linux", "verdicts": [verdict], "shares": [0.5, 0.99, 1.0]}
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(run | {"samples": {"hit": [sample, sample]}}))
    return path


def test_a_run_is_drawn_as_png_and_svg(part: Part, stored: Path) -> None:
    pytest.importorskip("matplotlib")
    assert [path.suffix for path in part("plot").draw(stored) if path.stat().st_size] == [".png", ".svg"]


def test_without_goals_there_is_nothing_to_draw(part: Part, stored: Path) -> None:
    """Without matplotlib too, so the benchmark goes on without a plot."""
    plot = part("plot")
    stored.write_text(json.dumps(json.loads(stored.read_text()) | {"verdicts": []}))
    with pytest.raises(plot.NoPlotError):
        plot.draw(stored)


def test_margins_are_multiples_of_the_goal_above_one_when_better(part: Part) -> None:
    margins = part("plot").margins
    figures = {"median": 2.0, "lowest": 1.0, "highest": 4.0, "wanted": 2.0}
    assert margins(figures | {"goal": "at least 2x"}) == (1, 0.5, 2)
    assert margins(figures | {"goal": "at most 2x"}) == (1, 0.5, 2)
    assert margins(figures | {"goal": "at most 2 ms", "lowest": -0.1})[2] == 100
