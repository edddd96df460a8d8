"""Quantiles of few numbers, the same on every machine and without NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["quantile"]


def quantile(rising: Sequence[float], share: float) -> float:
    """Linear between order statistics. rising: at least one number, sorted; share: in [0, 1]."""
    place = share * (len(rising) - 1)
    below = math.floor(place)
    above = min(below + 1, len(rising) - 1)
    return float(rising[below] + (place - below) * (rising[above] - rising[below]))
