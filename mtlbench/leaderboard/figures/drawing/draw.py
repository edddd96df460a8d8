"""From a figure to its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        page = FORMS[figure.form](figure)
        width, height = page.get_size_inches()
        note = wrapped(figure.note, int(width * 16))
        foot = (0.07 + 0.145 * (note.count("\n") + 1)) / height
        page.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))
        page.suptitle(wrapped(figure.title, int(width * 11)), x=0.01, ha="left")
        page.text(0.01, foot - 0.03 / height, note, ha="left", va="top", fontsize=7.5, color="#444444")
        return picture(page)
