"""How far an axis goes: all that was measured, and of the intervals as much as does not crush it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["limits"]

_BEYOND = 0.8
"""Of the measured values' span: how far an interval may widen the axis on either side."""
_MARGIN = 0.04


def limits(values: Iterable[float], ends: Iterable[float]) -> tuple[float, float] | None:
    """(low, high) for an axis, or None where there is nothing to go by.

    Intervals of two or three runs can be twenty times as wide as all methods lie apart; they run off the axis then.
    """
    known: Sequence[float] = sorted(values)
    if not known:
        return None
    low, high = known[0], known[-1]
    span = high - low
    reach = [*ends, low, high]
    if span > 0:
        low, high = max(min(reach), low - _BEYOND * span), min(max(reach), high + _BEYOND * span)
    else:
        low, high = min(reach), max(reach)
    margin = _MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin
