"""A fixed look for pictures, and their bytes: the same on every run with the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mtlbench.interface.errors import MissingExtra

__all__ = ["DOTS_PER_INCH", "fixed_look", "picture", "versions"]

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
DOTS_PER_INCH = 110


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


def picture(page: Any) -> dict[str, bytes]:
    """Suffix to the bytes of a file, without date or version. To be called within ``fixed_look``."""
    without = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    found = {}
    for suffix, metadata in without.items():
        file = io.BytesIO()
        page.savefig(file, format=suffix, metadata=metadata, facecolor="white")
        found[suffix] = file.getvalue()
    return found
