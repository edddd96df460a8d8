"""A blank picture of a fixed look, and its bytes: the same on every run with the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mtlbench.interface.errors import MissingExtra
from mtlbench.leaderboard.figures.drawing.style import MOST, wrapped
from mtlbench.leaderboard.figures.model import Figure

__all__ = ["blank", "fixed_look", "picture", "versions"]

_LOOK: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.unicode_minus": True,
    "figure.titlesize": 11,
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "path",
    "svg.hashsalt": "mtlbench",
    "text.hinting": "none",
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
_DOTS_PER_INCH = 110


def versions() -> dict[str, str]:
    """Of the libraries that decide a picture's bytes. Raises MissingExtra without matplotlib."""
    try:
        import matplotlib
        import numpy
        import PIL
    except ImportError as missing:
        raise MissingExtra(f"figures need matplotlib ({missing}): pip install 'mtlbench[report]'") from None
    return {"matplotlib": matplotlib.__version__, "numpy": numpy.__version__, "pillow": PIL.__version__}


@contextmanager
def fixed_look() -> Iterator[None]:
    """Matplotlib's defaults and ours on top, whatever its user has set; all of it is put back."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_LOOK)
        yield


def blank(figure: Figure, width: float, height: float) -> Any:
    """A page with the figure's title and note, drawn by Agg alone and never by a window; sizes in inches.

    Returns matplotlib's figure for all that stands between title and note, ``height`` tall.
    """
    from matplotlib import figure as drawing
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    note = wrapped(figure.note + _left_out(figure), int(width * 16.5))
    foot = 0.1 + 0.145 * (note.count("\n") + 1)
    page = drawing.Figure(figsize=(width, height + foot), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(page)
    parts: Any = page.subfigures(2, 1, height_ratios=[height, foot], hspace=0.0)
    top, bottom = parts
    top.suptitle(wrapped(figure.title, int(width * 11)), x=0.01, ha="left")
    bottom.text(0.05 / width, 0.95, note, ha="left", va="top", fontsize=7.5, color="#444444")
    return top


def _left_out(figure: Figure) -> str:
    """A sentence where a picture cannot show all methods."""
    column = "method" if "method" in figure.sheet.columns else "panel"
    if column not in figure.sheet.columns:
        return ""
    there = len({row[column] for row in figure.sheet.records()})
    return f" {MOST} of {there} are shown; the CSV file has all." if there > MOST else ""


def picture(page: Any) -> dict[str, bytes]:
    """Suffix to the bytes of a file, without date or version. To be called within ``fixed_look``.

    page: what ``blank`` returned.
    """
    without = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    found = {}
    for suffix, metadata in without.items():
        file = io.BytesIO()
        page.get_figure(root=True).savefig(file, format=suffix, metadata=metadata, facecolor="white")
        found[suffix] = file.getvalue()
    return found
