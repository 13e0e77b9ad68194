"""Draws a stored run: how far each figure is from its goal, and how latencies are distributed.

`python loadtest/plot.py bench-results/bench-….json` writes a PNG and an SVG beside it; the benchmark does so
by itself. Needs matplotlib, which only this file knows: `pip install -e '.[bench]'`.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

_LATENCIES = {
    "hit-equal": "Hit path, 8,000 calls/s",
    "hit": "Hit path, 50 callers",
    "added": "Miss path, 1,000 calls/s, upstream 20 ms",
    "steady": "Miss path, 4,000 calls/s, upstream 20 ms",
    "burst": "3,500 calls in one instant",
}
"""The sections whose latencies are drawn, the first four that were run."""
_PANELS = 4
_TICKS = ((2, "50"), (10, "90"), (100, "99"), (1_000, "99.9"))
"""Of the axis of percentiles: one over the share of calls that took longer."""
_COLOURS = {"reached": "tab:green", "by the median only": "tab:olive", "MISSED": "tab:red"}


class NoPlotError(Exception):
    """There is nothing to draw with, or nothing to draw."""


def draw(stored: Path) -> list[Path]:
    """Draw a stored run; the files. Raises `NoPlotError` without matplotlib."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise NoPlotError("matplotlib is not installed; pip install -e '.[bench]'") from error
    run = json.loads(stored.read_text())
    goals = [verdict for verdict in run["verdicts"] if verdict["goal"]]
    if not goals:
        raise NoPlotError("the run holds no goals")
    figure = plt.figure(figsize=(17, 10), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
    figure.suptitle(f"ani-gateway benchmark, Python {run['python'].split()[0]}, {run['machine']}")
    _draw_goals(left.subplots(), goals)
    panels = list(right.subplots(2, 2).flat)
    drawn = [name for name in _LATENCIES if name in run["samples"]][:_PANELS]
    for panel, name in zip(panels, drawn, strict=False):
        _draw_latencies(panel, _LATENCIES[name], run["samples"][name], run["shares"])
    for panel in panels[len(drawn) :]:
        panel.set_visible(False)
    paths = [stored.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=110)
    plt.close(figure)
    return paths


def margins(verdict: dict[str, Any]) -> tuple[float, float, float]:
    """Median, lowest and highest as multiples of the goal; above 1 is better than wanted."""
    least = verdict["goal"].startswith("at least")
    tiny = verdict["wanted"] / 100  # a figure of nothing is as good as can be
    values = [max(verdict[name], tiny) for name in ("median", "lowest", "highest")]
    shares = [value / verdict["wanted"] if least else verdict["wanted"] / value for value in values]
    return shares[0], min(shares[1:]), max(shares[1:])


def _draw_goals(axes: Any, goals: list[dict[str, Any]]) -> None:
    for place, verdict in enumerate(reversed(goals)):
        middle, lowest, highest = margins(verdict)
        axes.barh(place, middle, color=_COLOURS[verdict["outcome"]], height=0.6, alpha=0.8)
        axes.plot((lowest, highest), (place, place), color="black", linewidth=1.2)
        told = f"{verdict['what']}: {verdict['median']:,.4g}{verdict['unit']} ({verdict['goal']})"
        axes.text(0.11, place + 0.36, told, fontsize=8, verticalalignment="bottom")
    axes.axvline(1.0, color="black", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.1, 20)
    axes.set_yticks([])
    axes.set_title("Goals: right of the line is better than wanted (median, lowest to highest)")


def _draw_latencies(axes: Any, title: str, samples: list[dict[str, Any]], shares: list[float]) -> None:
    beyond = [1 / (1 - share) for share in shares[:-1]]
    for name in dict.fromkeys(sample["server"] for sample in samples):
        mine = [s["quantiles_ms"] for s in samples if s["server"] == name and s["quantiles_ms"]]
        if mine:
            middle = [median(values) for values in zip(*mine, strict=True)]
            axes.plot(beyond, middle[:-1], label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([place for place, _ in _TICKS], [f"{word} %" for _, word in _TICKS])
    axes.xaxis.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="y", which="both", labelsize=7)
    axes.set_ylabel("ms")
    axes.set_title(title, fontsize=10)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)


if __name__ == "__main__":
    try:
        for written in draw(Path(sys.argv[1])):
            print(written)
    except NoPlotError as error:
        sys.exit(str(error))
