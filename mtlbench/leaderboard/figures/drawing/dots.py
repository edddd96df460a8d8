"""Dots with intervals, a row a method: one panel, or one for each task."""

from __future__ import annotations

import math
from typing import Any

from mtlbench.leaderboard.figures.drawing.canvas import blank
from mtlbench.leaderboard.figures.drawing.limits import limits
from mtlbench.leaderboard.figures.drawing.style import GREY, INK, MOST, heading, labels
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["boxes", "dots"]

_ACROSS = 4
"""Panels side by side at most."""


def dots(figure: Figure) -> Any:
    """Columns panel, method, value, low, high; reference: where a dashed line stands; mark: fills the dot."""
    rows = figure.sheet.records()
    methods = list(dict.fromkeys(row["method"] for row in rows))[:MOST]
    panels = list(dict.fromkeys(row["panel"] for row in rows))[:MOST]
    names = labels(panels)
    marked = "mark" in figure.sheet.columns
    across = min(len(panels), _ACROSS if len(panels) != 3 else 3)
    down = math.ceil(len(panels) / across)
    page = blank(figure, max(5.6, 1.6 + 2.1 * across), 0.9 + down * (0.55 + 0.2 * len(methods)))
    axes = page.subplots(down, across, squeeze=False, sharey=True, sharex=True)
    for place, axis in enumerate(axes.flat):
        if place >= len(panels):
            axis.set_visible(False)
            continue
        own = {row["method"]: row for row in rows if row["panel"] == panels[place]}
        for height, method in enumerate(methods):
            if method in own:
                _dot(axis, height, own[method], filled=not marked or bool(own[method].get("mark")))
        reference = next((row["reference"] for row in own.values() if row.get("reference")), "")
        if reference:
            axis.axvline(float(reference), color="black", linestyle=(0, (4, 2)), linewidth=1.0)
        axis.set_title(heading(names[panels[place]]))
        axis.grid(axis="y", visible=False)
        axis.locator_params(axis="x", nbins=5)
        if place + across >= len(panels):
            axis.tick_params(labelbottom=True)
    values = [float(row[name]) for row in rows for name in ("value", "reference") if row.get(name)]
    found = limits(values, [float(row[name]) for row in rows for name in ("low", "high") if row[name]])
    if found:
        axes[0][0].set_xlim(*found)
    _method_axis(axes[0][0], methods)
    page.supxlabel(figure.x, fontsize=9)
    return page


def boxes(figure: Figure) -> Any:
    """Columns method, mean, low, high, q05, q25, q50, q75, q95."""
    rows = figure.sheet.records()[:MOST]
    page = blank(figure, 6.6, 1.1 + 0.28 * len(rows))
    axis = page.subplots()
    axis.axvline(0.0, color="black", linestyle=(0, (4, 2)), linewidth=1.0)
    for height, row in enumerate(rows):
        low, first, middle, third, high = (float(row[name]) for name in ("q05", "q25", "q50", "q75", "q95"))
        axis.plot([low, high], [height, height], color=GREY, linewidth=1.0, zorder=2)
        axis.barh(
            height, third - first, left=first, height=0.55, color="#d7e6f2", edgecolor=INK, linewidth=0.9, zorder=3
        )
        axis.plot([middle, middle], [height - 0.275, height + 0.275], color=INK, linewidth=1.6, zorder=4)
        if row["low"]:
            axis.plot([float(row["low"]), float(row["high"])], [height, height], color="black", linewidth=1.8, zorder=5)
        axis.plot([float(row["mean"])], [height], "D", color="black", markersize=3.6, zorder=6)
    _method_axis(axis, [row["method"] for row in rows])
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(figure.x)
    return page


def _dot(axis: Any, height: int, row: dict[str, str], *, filled: bool) -> None:
    if not row["value"]:
        return
    value = float(row["value"])
    if row["low"]:
        axis.plot([float(row["low"]), float(row["high"])], [height, height], color=INK, linewidth=1.3, zorder=3)
    inside = INK if filled else "white"
    axis.plot([value], [height], "o", color=INK, markerfacecolor=inside, markersize=4.4, zorder=4)


def _method_axis(axis: Any, methods: list[str]) -> None:
    """Names down the side, the first on top."""
    axis.set_yticks(range(len(methods)), list(labels(methods).values()))
    axis.set_ylim(len(methods) - 0.4, -0.6)
