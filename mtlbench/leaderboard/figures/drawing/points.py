"""A point a method, with an interval along both axes and a legend beside."""

from __future__ import annotations

from typing import Any

from mtlbench.leaderboard.figures.drawing.limits import limits
from mtlbench.leaderboard.figures.drawing.page import laid_out
from mtlbench.leaderboard.figures.drawing.style import COLOURS, MARKS, MOST, labels
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["points"]


def points(figure: Figure) -> Any:
    """Columns method, x, x_low, x_high, y, y_low, y_high."""
    rows = figure.sheet.records()[:MOST]
    shown = labels([row["method"] for row in rows])
    page = laid_out(figure, 1, (4.6, max(3.3, 0.175 * len(rows))), legend=list(shown.values()))
    [axis] = page.panels
    handles, names = [], []
    for place, row in enumerate(rows):
        colour, mark = COLOURS[place % len(COLOURS)], MARKS[place % len(MARKS)]
        x, y = float(row["x"]), float(row["y"])
        if row["x_low"]:
            axis.plot([float(row["x_low"]), float(row["x_high"])], [y, y], color=colour, linewidth=0.9, zorder=2)
        if row["y_low"]:
            axis.plot([x, x], [float(row["y_low"]), float(row["y_high"])], color=colour, linewidth=0.9, zorder=2)
        (handle,) = axis.plot([x], [y], mark, color=colour, markersize=7, markeredgecolor="black", zorder=3)
        handles.append(handle)
        names.append(shown[row["method"]])
    for name, fit in (("x", axis.set_xlim), ("y", axis.set_ylim)):
        found = limits(
            [float(row[name]) for row in rows],
            [float(row[end]) for row in rows for end in (f"{name}_low", f"{name}_high") if row[end]],
        )
        if found:
            fit(*found)
    page.legend(handles, names)
    return page.sheet
