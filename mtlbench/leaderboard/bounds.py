"""Numbers that no run can have: added up or squared they would overflow, or stand on a board as nonsense."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from math import hypot, isnan
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlbench.leaderboard.entries import Entry

__all__ = ["impossible"]

_HIGHEST_SCORE = 1e12
_COSINE = 1.0 + 1e-6
"""Of last bits a mean may have too many."""
_LARGEST = 1e100
"""Of losses, probes and points in the plane: the squares of larger ones overflow, and float32 ends at 3e38."""
_LONGEST_SECONDS = 1e9
"""Thirty years."""
_MOST_BYTES = 1e18
_WHOLE = 2**63 - 1
"""Seeds and counts are 64-bit numbers wherever they are used."""
_GRADIENTS, _DEV, _CURVE_COSINE, _AGREEMENT = map(attrgetter, ("gradients", "dev", "cosine", "agreement"))


def impossible(entry: Entry) -> str | None:
    """The first number of a record that cannot be, with the bounds that it breaks; None when there is none."""
    for what, given, lowest, highest in _bounded(entry):
        # Without what is missing, and zeros, which break no bound; arrays are of numbers alone.
        values = given if type(given) is array else [*filter(None, given)]
        if lowest == -highest and hypot(*values) <= highest:  # no number is larger than the length of all of them
            continue
        if values and (min(values) < lowest or max(values) > highest):
            value = next(value for value in values if not lowest <= value <= highest)
            return f"{what} is {_told(value)}, and none below {_told(lowest)} or above {_told(highest)} can be"
    spent = [*map(_GRADIENTS, entry.curve)]
    if spent and (spent[0] < 0 or spent != sorted(spent)):
        return "the points of its curve are not in the order of gradients"
    return None


def _bounded(entry: Entry) -> Iterator[tuple[str, Iterable[float | None], float, float]]:
    """What they are, all values of that kind, and the two ends of what they may be."""
    curve = entry.curve
    yield "the seed", (entry.seed,), 0, _WHOLE
    yield "a count", (entry.budget, *entry.counts.values()), 0, _WHOLE
    yield "a test score", entry.scores.values(), -_HIGHEST_SCORE, _HIGHEST_SCORE
    yield "a zero-shot score", entry.unseen.values(), -_HIGHEST_SCORE, _HIGHEST_SCORE
    yield "a mean dev score", map(_DEV, curve), -_HIGHEST_SCORE, _HIGHEST_SCORE
    yield "a number of seconds", (*entry.seconds.values(), *entry.clocks.values()), 0, _LONGEST_SECONDS
    yield "peak_bytes", (entry.peak_bytes,), 0, _MOST_BYTES
    yield "a cosine", (entry.cosine, *entry.cosine_range, *map(_CURVE_COSINE, curve)), -_COSINE, _COSINE
    probes = (entry.distance, entry.masked_seen, entry.masked_unseen, entry.start_seen)
    at_ends = (*probes, entry.start_unseen)
    ratios = [found.imbalance for found in filter(None, map(_AGREEMENT, curve))]
    yield "a probe's number", (*at_ends, *ratios), -_LARGEST, _LARGEST
    if entry.shown is not None:
        there = [number for number in entry.shown.course if not isnan(number)]
        yield "a number of its curve", there, -_LARGEST, _LARGEST
    for path in entry.paths.values():
        yield "a point of its path", path, -_LARGEST, _LARGEST


def _told(value: float) -> str:
    if isinstance(value, int) and abs(value) >= 10**24:
        return f"a whole number of {len(str(abs(value)))} digits"
    return str(value) if isinstance(value, int) else f"{value:.9g}"
