"""The plane: a surface as contours and shades, and paths upon it."""

from __future__ import annotations

from typing import Any

from mtlbench.leaderboard.figures.drawing.page import laid_out
from mtlbench.leaderboard.figures.drawing.style import COLOURS, DASHES, MOST, heading, label, labels
from mtlbench.leaderboard.figures.model import Figure, Sheet

__all__ = ["heat", "paths"]

_COSINES = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)


def heat(figure: Figure) -> Any:
    """Columns x, y, sum, cosine, then one a task: the sum of the losses, and the cosine."""
    x, y, sums = _grid(figure.sheet, "sum")
    cosines = _grid(figure.sheet, "cosine")[2]
    page = laid_out(figure, 2, (3.1, 3.1), titles=["sum of the losses", "mean pairwise cosine"], own=True, aside=0.7)
    left, right = page.panels
    shades = left.contourf(x, y, sums, levels=14, cmap="cividis")
    lines = left.contour(x, y, sums, levels=7, colors="white", linewidths=0.6, linestyles="solid")
    left.clabel(lines, lines.levels[len(lines.levels) // 2 :], fmt="%g", fontsize=6.5)  # inner ones meet the names
    page.sheet.colorbar(shades, cax=page.beside(left, 0.14, 0.1))
    for name, point in _lowest(figure.sheet).items():
        left.plot(*([at] for at in point), "x", color="black", markersize=7, markeredgewidth=3)
        left.plot(*([at] for at in point), "x", color="white", markersize=6, markeredgewidth=1.4)
        box = {"boxstyle": "round,pad=0.15", "facecolor": "black", "edgecolor": "none", "alpha": 0.7}
        left.annotate(label(name), point, textcoords="offset points", xytext=(7, 4), color="white", bbox=box)
    # One that grows lighter from end to end, unlike one with two dark ends, tells signs apart without colour.
    shades = right.pcolormesh(x, y, cosines, cmap="cividis", vmin=-1, vmax=1, shading="nearest", rasterized=True)
    inks = ["white" if level < 0 else "black" for level in _COSINES]
    dashes = ["dashed" if level < 0 else "solid" for level in _COSINES]
    lines = right.contour(x, y, cosines, levels=_COSINES, colors=inks, linestyles=dashes, linewidths=0.6)
    right.clabel(lines, fmt="%g", fontsize=6.5)
    page.sheet.colorbar(shades, cax=page.beside(right, 0.14, 0.1))
    for axis in (left, right):
        axis.set_xlim(x[0], x[-1])
        axis.set_ylim(y[0], y[-1])
        axis.set_ylabel(figure.y)
        axis.grid(visible=False)
    return page.sheet


def paths(figure: Figure) -> Any:
    """Columns start, method, model, x, y; behind them the sheet of ``heat``."""
    rows = figure.sheet.records()
    methods = list(dict.fromkeys(row["method"] for row in rows))[:MOST]
    starts = list(dict.fromkeys(row["start"] for row in rows))
    titles = [heading(name) for name in labels(methods).values()]
    names = labels(starts)
    page = laid_out(figure, len(methods), (1.85, 1.85), titles=titles, legend=list(names.values()))
    surface = _grid(figure.behind, "sum") if figure.behind else None
    handles: dict[str, Any] = {}
    for axis, method in zip(page.panels, methods, strict=True):
        axis.grid(visible=False)
        if surface:
            axis.contour(*surface, levels=8, colors="#c4c4c4", linewidths=0.6, linestyles="solid", zorder=1)
        for number, start in enumerate(starts):
            own = [row for row in rows if row["method"] == method and row["start"] == start]
            for model in dict.fromkeys(row["model"] for row in own):
                way = [(float(row["x"]), float(row["y"])) for row in own if row["model"] == model]
                handles[start] = _path(axis, way, number)
    shown = [start for start in starts if start in handles]
    page.legend([handles[start] for start in shown], [names[start] for start in shown])
    return page.sheet


def _path(axis: Any, way: list[tuple[float, float]], number: int) -> Any:
    colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    x, y = [point[0] for point in way], [point[1] for point in way]
    (line,) = axis.plot(x, y, color=colour, linestyle=dashes, linewidth=1.2, zorder=3)
    axis.plot(x[:1], y[:1], "o", color=colour, markerfacecolor="white", markersize=4.5, zorder=4)
    axis.plot(x[-1:], y[-1:], "o", color=colour, markersize=4.5, markeredgecolor="black", zorder=5)
    return line


def _grid(sheet: Sheet, column: str) -> tuple[list[float], list[float], list[list[float]]]:
    """The x and y of a grid, and its values (y, x)."""
    across, down, value = (sheet.columns.index(name) for name in ("x", "y", column))
    x = list(dict.fromkeys(float(row[across]) for row in sheet.rows))
    y = list(dict.fromkeys(float(row[down]) for row in sheet.rows))
    flat = [float(row[value]) for row in sheet.rows]
    return x, y, [flat[start : start + len(x)] for start in range(0, len(flat), len(x))]


def _lowest(sheet: Sheet) -> dict[str, tuple[float, float]]:
    """Task to the point of the grid at which its loss is lowest."""
    found = {}
    for place, name in enumerate(sheet.columns[4:], start=4):
        row = min(sheet.rows, key=lambda row: float(row[place]))
        found[name] = (float(row[0]), float(row[1]))
    return found
