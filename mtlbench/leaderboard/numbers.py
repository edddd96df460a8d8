"""Numbers as boards print them: fixed decimals, no negative zero, a dash for what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["DASH", "count", "mean_of", "number", "p_value", "percent", "sd_of", "signed", "spread"]

DASH = "–"


def number(value: float | None, decimals: int | None = None) -> str:
    """``value`` with fixed decimals (by default two, or four below 1), or a dash for None."""
    if value is None or not math.isfinite(value):
        return DASH
    if abs(value) >= 1e7:
        return f"{value:.3e}"
    places = (2 if abs(value) >= 1 or value == 0 else 4) if decimals is None else decimals
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def count(value: float | None) -> str:
    """A whole number without separators, or a dash."""
    return number(value, 0)


def percent(value: float | None) -> str:
    """A share in [0, 1] as whole percent, or a dash."""
    return DASH if value is None else f"{value * 100:.0f} %"


def p_value(value: float | None) -> str:
    """Three decimals, or a dash."""
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def signed(value: float, decimals: int) -> str:
    """As ``number``, with a plus where it is positive as printed."""
    text = number(value, decimals)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def spread(values: Sequence[float], decimals: int | None = None) -> str:
    """``mean ± SD`` over seeds (ddof 1); the value alone for one seed; a dash for none."""
    if not values:
        return DASH
    mean = mean_of(values)
    places = (2 if abs(mean) >= 1 or mean == 0 else 4) if decimals is None else decimals
    return number(mean, places) + (f" ± {number(sd_of(values), places)}" if len(values) > 1 else "")


def mean_of(values: Sequence[float]) -> float:
    """The mean, summed exactly, so that the order of the values cannot show."""
    return math.fsum(values) / len(values)


def sd_of(values: Sequence[float]) -> float:
    """The standard deviation with ddof 1; needs two values."""
    mean = mean_of(values)
    return math.sqrt(math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1))
