"""What the trials of one method say: which values are the best, and how good the best of fewer would have been."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mtlbench.tuning.dimensions import Choice, Dimension, Fixed, Range

__all__ = ["Tried", "best", "edges", "expected_best"]

_FEWEST = 3
"""Of fewer values that differ, each stands at an edge."""


@dataclass(frozen=True)
class Tried:
    """What became of a trial. dev: a score a seed, None where there is none; average: their mean.

    ``missing``: a cell of it has no file, because it failed or was not run yet.
    """

    values: Mapping[str, Any]
    status: Literal["done", "diverged", "missing"]
    dev: Sequence[float | None] = ()

    @property
    def average(self) -> float | None:
        known = [score for score in self.dev if score is not None]
        return math.fsum(known) / len(known) if self.status == "done" and known else None


def best(trials: Sequence[Tried]) -> int | None:
    """The place of the best trial, the first of equals; None when none is done."""
    scores = [(average, -place) for place, trial in enumerate(trials) if (average := trial.average) is not None]
    return -max(scores)[1] if scores else None


def expected_best(trials: Sequence[Tried]) -> list[float]:
    """The expected best score of n trials drawn from these without replacement, for n = 1, 2, ...; exact.

    Of N sorted scores the i-th is the best of C(i - 1, n - 1) of the C(N, n) subsets. A diverged trial counts as the
    worst score that the method has got; a missing one is left out. Empty when no trial is done.
    """
    known = [average for trial in trials if (average := trial.average) is not None]
    if not known:
        return []
    scores = sorted([*known, *[min(known)] * sum(trial.status == "diverged" for trial in trials)])
    count = len(scores)
    return [
        math.fsum(math.comb(place, n - 1) / math.comb(count, n) * score for place, score in enumerate(scores))
        for n in range(1, count + 1)
    ]


def edges(space: Mapping[str, Dimension], trials: Sequence[Tried], chosen: int) -> dict[str, Literal["low", "high"]]:
    """Dimensions in which the chosen value is the lowest or highest that was tried: the best may lie beyond."""
    found: dict[str, Literal["low", "high"]] = {}
    for name, dimension in space.items():
        offered = _offered(dimension, [trial.values[name] for trial in trials])
        value = trials[chosen].values[name]
        if len(offered) >= _FEWEST and value in (min(offered), max(offered)):
            found[name] = "low" if value == min(offered) else "high"
    return found


def _offered(dimension: Dimension, tried: Sequence[Any]) -> set[float]:
    """The numbers between which the chosen one stands; none where values have no order."""
    match dimension:
        case Range():
            return set(tried)
        case Choice(options) if all(isinstance(it, (int, float)) and not isinstance(it, bool) for it in options):
            return set(options)
        case Choice() | Fixed():
            return set()
