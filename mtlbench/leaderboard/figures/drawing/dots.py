"""Dots and boxes with intervals, a row a method: one panel, or one for each task."""

from __future__ import annotations

from typing import Any

from mtlbench.leaderboard.figures.drawing.limits import limits
from mtlbench.leaderboard.figures.drawing.page import laid_out
from mtlbench.leaderboard.figures.drawing.style import GREY, INK, MOST, heading, labels
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["boxes", "dots"]

_ROW = 0.2
"""Inches for a method."""


def dots(figure: Figure) -> Any:
    """Columns panel, method, value, low, high; reference: where a dashed line stands; mark: fills the dot."""
    rows = figure.sheet.records()
    methods = list(dict.fromkeys(row["method"] for row in rows))[:MOST]
    panels = list(dict.fromkeys(row["panel"] for row in rows))[:MOST]
    marked = "mark" in figure.sheet.columns
    names = list(labels(methods).values())
    titles = [heading(name) for name in labels(panels).values()]
    wide = {1: 4.2, 2: 2.9}.get(len(panels), 1.95)
    page = laid_out(
        figure,
        len(panels),
        (wide, 0.15 + _ROW * len(methods)),
        across=3 if len(panels) in (3, 5, 6) else 4,
        rows=names,
        titles=titles,
    )
    for axis, panel in zip(page.panels, panels, strict=True):
        own = {row["method"]: row for row in rows if row["panel"] == panel}
        for height, method in enumerate(methods):
            if method in own and own[method]["value"]:
                _dot(axis, height, own[method], filled=not marked or bool(own[method]["mark"]))
        reference = next((row["reference"] for row in own.values() if row.get("reference")), "")
        if reference:
            axis.axvline(float(reference), color="black", linestyle=(0, (4, 2)), linewidth=1.0)
        axis.grid(axis="y", visible=False)
    values = [float(row[name]) for row in rows for name in ("value", "reference") if row.get(name)]
    found = limits(values, [float(row[name]) for row in rows for name in ("low", "high") if row[name]])
    if found:
        page.panels[0].set_xlim(*found)
    page.panels[0].locator_params(axis="x", nbins=5)
    _method_axis(page.panels[0], names)
    return page.sheet


def boxes(figure: Figure) -> Any:
    """Columns method, mean, low, high, q05, q25, q50, q75, q95."""
    rows = figure.sheet.records()[:MOST]
    names = list(labels([row["method"] for row in rows]).values())
    page = laid_out(figure, 1, (5.0, 0.2 + 0.28 * len(rows)), rows=names)
    [axis] = page.panels
    axis.axvline(0.0, color="black", linestyle=(0, (4, 2)), linewidth=1.0)
    for height, row in enumerate(rows):
        low, first, middle, third, high = (float(row[name]) for name in ("q05", "q25", "q50", "q75", "q95"))
        axis.plot([low, high], [height, height], color=GREY, linewidth=1.0, zorder=2)
        box = {"height": 0.55, "color": "#d7e6f2", "edgecolor": INK, "linewidth": 0.9, "zorder": 3}
        axis.barh(height, third - first, left=first, **box)
        axis.plot([middle, middle], [height - 0.275, height + 0.275], color=INK, linewidth=1.6, zorder=4)
        if row["low"]:
            axis.plot([float(row["low"]), float(row["high"])], [height, height], color="black", linewidth=1.8, zorder=5)
        axis.plot([float(row["mean"])], [height], "D", color="black", markersize=3.6, zorder=6)
    spread = [float(row[name]) for row in rows for name in ("q05", "q95", "mean")]
    found = limits([*spread, 0.0], [float(row[name]) for row in rows for name in ("low", "high") if row[name]])
    if found:
        axis.set_xlim(*found)
    _method_axis(axis, names)
    axis.grid(axis="y", visible=False)
    return page.sheet


def _dot(axis: Any, height: int, row: dict[str, str], *, filled: bool) -> None:
    if row["low"]:
        axis.plot([float(row["low"]), float(row["high"])], [height, height], color=INK, linewidth=1.3, zorder=3)
    inside = INK if filled else "white"
    axis.plot([float(row["value"])], [height], "o", color=INK, markerfacecolor=inside, markersize=4.4, zorder=4)


def _method_axis(axis: Any, names: list[str]) -> None:
    """Names down the side, the first on top."""
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
