"""Colours that colour-blind readers tell apart, marks and lines that do without colour, and text that stays text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.settings import parse_spec
from mtlbench.leaderboard.escaping import visible

__all__ = ["COLOURS", "DASHES", "GREY", "INK", "MARKS", "MOST", "heading", "label", "labels", "wrapped"]

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
_LONGEST = 48
_PANEL = 25
"""Characters that fit above a small panel."""


def label(text: str) -> str:
    """A name as a picture can show it: cut where it is long, code points for what the font lacks."""
    shown = _drawable(text)
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST - 13]}…{shown[-12:]}"
    # A legend passes over labels that begin with an underscore.
    return f" {shown}" if shown.startswith("_") else shown


def labels(names: Sequence[str]) -> dict[str, str]:
    """Name to label; where cutting makes two the same, their places in ``names`` keep them apart.

    Of rows of one method whose names are long, the settings that all of them share make way for those that differ.
    """
    shown = [label(_told_apart(name, names) if len(name) > _LONGEST else name) for name in names]
    return {
        name: text if shown.count(text) == 1 else f"{text} ({place})"
        for place, (name, text) in enumerate(zip(names, shown, strict=True), start=1)
    }


def _told_apart(name: str, names: Sequence[str]) -> str:
    """``name`` without the settings that all of ``names`` with its method and settings share."""
    method, own = _parsed(name)
    alike = [values for other, values in map(_parsed, names) if other == method and values]
    kept = {key: value for key, value in own.items() if any(values.get(key) != value for values in alike)}
    left_out = "…," if len(kept) < len(own) else ""
    return f"{method}[{left_out}{','.join(f'{key}={value}' for key, value in kept.items())}]" if kept else name


def _parsed(name: str) -> tuple[str, dict[str, str]]:
    try:
        return parse_spec(name)
    except BadSetting:
        return name, {}


def heading(text: str) -> str:
    """A label on as many lines as a small panel needs, broken before its bracket and at commas where that helps."""
    lines = text.strip().replace("[", "\n[", 1).replace(",", ", ").split("\n") if len(text) > _PANEL else [text.strip()]
    return "\n".join(part for line in lines if line for part in textwrap.wrap(line, _PANEL))


def wrapped(text: str, width: int) -> str:
    """A sentence in lines of at most ``width`` characters, as a picture can show it."""
    return textwrap.fill(_drawable(text), width)


def _drawable(text: str) -> str:
    known = _glyphs()
    return "".join(char if ord(char) in known else f"\\u{ord(char):04x}" for char in visible(text))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Code points of the font that comes with matplotlib."""
    from matplotlib import font_manager

    path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    return frozenset(font_manager.get_font(path).get_charmap())
