"""A page: a title, panels in rows, a note below. Everything is placed by plain arithmetic in inches.

Matplotlib's own layout solves equations in an order that differs from run to run, and so do its last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtlbench.leaderboard.figures.drawing.canvas import DOTS_PER_INCH
from mtlbench.leaderboard.figures.drawing.style import MOST, wrapped
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["Page", "laid_out"]

_LINE = 0.155
"""Height of a line of small text."""
_TICKS = 0.42
"""Room for numbers beside an axis."""
_SIDE = 0.12
"""Free at the edges."""


@dataclass
class Page:
    """A matplotlib figure with its panels, row by row."""

    sheet: Any
    panels: list[Any]
    width: float
    height: float
    right: float
    """Inches from the left at which the last column ends."""
    top: float
    """Inches from the bottom at which the first row begins."""

    def legend(self, handles: Sequence[Any], names: Sequence[str]) -> None:
        """To the right of all panels."""
        place = ((self.right + 0.15) / self.width, self.top / self.height)
        options = {"loc": "upper left", "bbox_to_anchor": place, "borderaxespad": 0.0, "numpoints": 1}
        self.sheet.legend(handles, names, **options)

    def beside(self, panel: Any, width: float, gap: float) -> Any:
        """A narrow panel at the right of another, for a colour bar; inches."""
        box = panel.get_position()
        return self.sheet.add_axes((box.x1 + gap / self.width, box.y0, width / self.width, box.height))


def laid_out(
    figure: Figure,
    count: int,
    size: tuple[float, float],
    *,
    across: int = 4,
    rows: Sequence[str] = (),
    titles: Sequence[str] = (),
    legend: Sequence[str] | None = None,
    own: bool = False,
    aside: float = 0.0,
) -> Page:
    """A page with ``count`` panels of ``size`` inches, ``across`` of them side by side at most.

    rows: names beside the first panel of each row, for which room is kept. titles: of the panels. legend: its names,
    for which room is kept on the right. own: every panel has axes of its own. aside: inches right of each panel.
    """
    from matplotlib import figure as drawing
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    across = min(across, count)
    down = -(-count // across)
    sheet = drawing.Figure(dpi=DOTS_PER_INCH)
    canvas = FigureCanvasAgg(sheet)
    above = 0.06 + _LINE * max((title.count("\n") + 1 for title in titles if title), default=0)
    beside = _SIDE + (0.2 if figure.y else 0.0) + (_widest(canvas, rows) + 0.13 if rows else _TICKS)
    step = (size[0] + aside + (_TICKS + 0.35 if own else 0.16), size[1] + above + 0.1)
    right = beside + step[0] * (across - 1) + size[0] + aside
    width = max(right + _SIDE, 5.0) + (_widest(canvas, legend) + 0.6 if legend else 0.0)
    heading = wrapped(figure.title, int(width * 10.5))
    note = wrapped(figure.note + _left_out(figure), int(width * 15.5))
    foot = 0.12 + _LINE * (note.count("\n") + 1) + (0.42 if figure.x else 0.24)
    height = foot + step[1] * down - 0.1 + 0.12 + 0.2 * (heading.count("\n") + 1)
    sheet.set_size_inches(width, height)
    panels: list[Any] = []
    for place in range(count):
        row, column = divmod(place, across)
        corner = (beside + step[0] * column, foot + step[1] * (down - 1 - row))
        share = {} if own or not panels else {"sharex": panels[0], "sharey": panels[0]}
        box = (corner[0] / width, corner[1] / height, size[0] / width, size[1] / height)
        panel = sheet.add_axes(box, **share)
        if not own:
            panel.tick_params(labelleft=column == 0, labelbottom=place + across >= count)
        if place < len(titles):
            panel.set_title(titles[place], pad=3)
        panels.append(panel)
    sheet.text(_SIDE / width, 1 - 0.08 / height, heading, ha="left", va="top", fontsize=11)
    sheet.text(
        _SIDE / width, (foot - (0.46 if figure.x else 0.26)) / height, note, va="top", fontsize=7.5, color="#444444"
    )
    middle = (beside + right - aside) / 2 / width
    if figure.x:
        sheet.text(middle, (foot - 0.27) / height, figure.x, ha="center", va="top", fontsize=9)
    if figure.y and not own:
        centre = (foot + (step[1] * down - 0.1 - above) / 2) / height
        sheet.text(_SIDE / width, centre, figure.y, ha="left", va="center", rotation=90, fontsize=9)
    return Page(sheet, panels, width, height, right, foot + step[1] * down - 0.1 - above)


def _widest(canvas: Any, names: Sequence[str]) -> float:
    """Inches that the longest name takes as a label of an axis or of a legend."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=8)
    renderer = canvas.get_renderer()
    widths = [renderer.get_text_width_height_descent(name, font, False)[0] for name in names]
    return round(float(max(widths, default=0.0)) / DOTS_PER_INCH, 2)


def _left_out(figure: Figure) -> str:
    """A sentence where a picture cannot show all methods."""
    column = "method" if "method" in figure.sheet.columns else "panel"
    if column not in figure.sheet.columns:
        return ""
    there = len({row[column] for row in figure.sheet.records()})
    return f" {MOST} of {there} are shown; the CSV file has all." if there > MOST else ""
