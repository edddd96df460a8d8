"""From a figure to its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mtlbench.leaderboard.figures.drawing.canvas import fixed_look, picture
from mtlbench.leaderboard.figures.drawing.dots import boxes, dots
from mtlbench.leaderboard.figures.drawing.lines import lines
from mtlbench.leaderboard.figures.drawing.plane import heat, paths
from mtlbench.leaderboard.figures.drawing.points import points
from mtlbench.leaderboard.figures.drawing.style import wrapped
from mtlbench.leaderboard.figures.model import Figure, Form

__all__ = ["FORMS", "draw"]

FORMS: Mapping[Form, Callable[[Figure], Any]] = {
    "boxes": boxes,
    "dots": dots,
    "heat": heat,
    "lines": lines,
    "paths": paths,
    "points": points,
}


def draw(figure: Figure) -> dict[str, bytes]:
    """Suffix to the bytes of the picture, as SVG and as PNG. Needs matplotlib."""
    with fixed_look():
        plain = replace(figure, x=wrapped(figure.x, 90), y=wrapped(figure.y, 40))
        return picture(FORMS[figure.form](plain))
