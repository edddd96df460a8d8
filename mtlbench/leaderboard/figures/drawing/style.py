"""Colours that colour-blind readers tell apart, marks and lines that do without colour, and text that stays text."""

from __future__ import annotations

import textwrap
from functools import lru_cache

from mtlbench.leaderboard.escaping import visible

__all__ = ["COLOURS", "DASHES", "GREY", "INK", "MARKS", "MOST", "label", "wrapped"]

INK = "#0b4f8a"
"""What a picture is about where one colour is enough."""
GREY = "#8c8c8c"
"""What stands for comparison."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
"""Okabe and Ito's, without their yellow, which is too faint for lines."""
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">", "p", "h")
MOST = 24
"""Rows that a picture shows; the CSV file has all."""
_LONGEST = 34


def label(text: str) -> str:
    """A name as a picture can show it: cut where it is long, code points for what the font lacks."""
    known = _glyphs()
    shown = "".join(char if ord(char) in known else f"\\u{ord(char):04x}" for char in visible(text))
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST - 9]}…{shown[-8:]}"
    # A legend passes over labels that begin with an underscore.
    return f" {shown}" if shown.startswith("_") else shown


def wrapped(text: str, width: int) -> str:
    """A sentence in lines of at most ``width`` characters, as a picture can show it."""
    known = _glyphs()
    shown = "".join(char if ord(char) in known else f"\\u{ord(char):04x}" for char in visible(text))
    return textwrap.fill(shown, width)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Code points of the font that comes with matplotlib."""
    from matplotlib import font_manager

    path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    return frozenset(font_manager.get_font(path).get_charmap())
