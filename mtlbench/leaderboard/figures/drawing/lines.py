"""Lines in small panels: a method a panel, with the reference behind it in grey."""

from __future__ import annotations

import math
from typing import Any

from mtlbench.leaderboard.figures.drawing.limits import limits
from mtlbench.leaderboard.figures.drawing.page import laid_out
from mtlbench.leaderboard.figures.drawing.style import GREY, INK, MOST, heading, labels
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["lines"]

_ENDS = ("low", "high")


def lines(figure: Figure) -> Any:
    """Columns panel, series, x, y, low, high.

    Styles: line ``curves`` (a band about a line), ``ways`` (a line with a start and an end), ``settings`` (points with
    bars), ``steps``; panels ``own``: each has axes and a name of its own; log ``x``; vertical: a line at that x.
    """
    rows = figure.sheet.records()
    panels = _shown(figure, list(dict.fromkeys(row["panel"] for row in rows)))
    names = labels(panels)
    alone = figure.style.get("panels") == "own"
    titles = [heading(name) for name in names.values()]
    page = laid_out(figure, len(panels), (2.5, 2.0) if alone else (1.95, 1.35), titles=titles, own=alone)
    behind = [row for row in rows if row["series"] == figure.reference]
    for axis, panel in zip(page.panels, panels, strict=True):
        if "vertical" in figure.style:
            axis.axvline(float(figure.style["vertical"]), color="black", linestyle=(0, (4, 2)), linewidth=1.0)
        if behind and panel != figure.reference:
            _line(axis, figure, behind, GREY, (0, (3, 1.2)))
        _line(axis, figure, [row for row in rows if row["panel"] == panel], INK, "-")
        _scale(axis, figure, [row for row in rows if not alone or row["panel"] == panel])
    return page.sheet


def _scale(axis: Any, figure: Figure, rows: list[dict[str, str]]) -> None:
    found = limits([float(row["y"]) for row in rows], [float(row[end]) for row in rows for end in _ENDS if row[end]])
    if found:
        axis.set_ylim(*found)
    axis.locator_params(axis="y", nbins=5)
    if figure.style.get("log") == "x":
        axis.set_xscale("log")
    if figure.style.get("line") == "settings":
        _ticks(axis, sorted({float(row["x"]) for row in rows}))
    elif figure.style.get("log") == "x":
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter("")
    else:
        axis.locator_params(axis="x", nbins=4)


def _shown(figure: Figure, panels: list[str]) -> list[str]:
    """As many as fit, with the reference among them."""
    kept = panels[:MOST]
    if figure.reference in panels and figure.reference not in kept:
        kept[-1] = figure.reference
    return kept


def _ticks(axis: Any, values: list[float]) -> None:
    """One at every value that was run, as long as they are few."""
    shown = values[:: math.ceil(len(values) / 8)]
    axis.set_xticks(shown, [f"{value:g}" for value in shown])
    axis.minorticks_off()


def _line(axis: Any, figure: Figure, rows: list[dict[str, str]], colour: str, dashes: Any) -> None:
    points = [(float(row["x"]), float(row["y"])) for row in rows]
    spans = [(float(row["x"]), float(row["low"]), float(row["high"])) for row in rows if row["low"]]
    x, y = [point[0] for point in points], [point[1] for point in points]
    kind = figure.style.get("line", "curves")
    own = colour == INK
    if kind == "steps":
        axis.step(x, y, where="pre", color=colour, linestyle=dashes, zorder=3)
        return
    axis.plot(x, y, color=colour, linestyle=dashes, marker="o" if own else "", markersize=2.6, zorder=4 if own else 3)
    if kind == "curves" and own and spans:
        axis.fill_between([s[0] for s in spans], [s[1] for s in spans], [s[2] for s in spans], color=colour, alpha=0.2)
    elif own:
        for place, low, high in spans:
            axis.plot([place, place], [low, high], color=colour, linewidth=0.9, alpha=0.7, zorder=2)
    if kind == "ways":
        size = 5.5 if own else 4.5
        axis.plot(x[:1], y[:1], "o", color=colour, markerfacecolor="white", markersize=size, zorder=5)
        axis.plot(x[-1:], y[-1:], "o", color=colour, markersize=size, zorder=5)
