"""Lines in small panels: a method a panel, with the reference behind it in grey."""

from __future__ import annotations

import math
from typing import Any

from mtlbench.leaderboard.figures.drawing.canvas import blank
from mtlbench.leaderboard.figures.drawing.limits import limits
from mtlbench.leaderboard.figures.drawing.style import GREY, INK, MOST, heading, labels
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["lines"]

_ACROSS = 4
"""Panels side by side at most."""


def lines(figure: Figure) -> Any:
    """Columns panel, series, x, y, low, high.

    Styles: line ``curves`` (a band about a line), ``ways`` (a line with a start and an end), ``settings`` (points with
    bars), ``steps``; panels ``own``: each has an axis and a name of its own; log ``x``; vertical: a line at that x.
    """
    rows = figure.sheet.records()
    panels = _shown(figure, list(dict.fromkeys(row["panel"] for row in rows)))
    names = labels(panels)
    alone = figure.style.get("panels") == "own"
    across = min(len(panels), _ACROSS)
    down = math.ceil(len(panels) / across)
    page = blank(figure, max(5.0, 0.7 + (3.0 if alone else 2.05) * across), 0.8 + (2.3 if alone else 1.75) * down)
    axes = page.subplots(down, across, squeeze=False, sharex=True, sharey=not alone)
    behind = [row for row in rows if row["series"] == figure.reference]
    for place, axis in enumerate(axes.flat):
        if place >= len(panels):
            axis.set_visible(False)
            continue
        if figure.style.get("log") == "x":
            axis.set_xscale("log")
        if "vertical" in figure.style:
            axis.axvline(float(figure.style["vertical"]), color="black", linestyle=(0, (4, 2)), linewidth=1.0)
        if behind and panels[place] != figure.reference:
            _line(axis, figure, behind, GREY, (0, (3, 1.2)))
        _line(axis, figure, [row for row in rows if row["panel"] == panels[place]], INK, "-")
        own = [row for row in rows if alone is False or row["panel"] == panels[place]]
        found = limits(
            [float(row["y"]) for row in own], [float(row[end]) for row in own for end in ("low", "high") if row[end]]
        )
        if found:
            axis.set_ylim(*found)
        axis.set_title("" if alone else heading(names[panels[place]]))
        axis.locator_params(axis="y", nbins=5)
        if figure.style.get("line") == "settings":
            _ticks(axis, sorted({float(row["x"]) for row in rows}))
        else:
            axis.locator_params(axis="x", nbins=4)
        if place + across >= len(panels):
            axis.tick_params(labelbottom=True)
        if alone:
            axis.set_ylabel(names[panels[place]])
    page.supxlabel(figure.x, fontsize=9)
    if not alone:
        page.supylabel(figure.y, fontsize=9)
    return page


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
