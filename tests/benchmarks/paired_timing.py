"""Two things timed in turn, and the ratio taken round by round: what a busy machine does to one it does to both."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Ratio", "paired", "ratio_of"]

Clock = Callable[[], float]


@dataclass(frozen=True)
class Ratio:
    """The median of (variant / base) over rounds, with the quartiles."""

    ratio: float
    low: float
    high: float
    rounds: int

    def as_json(self) -> dict[str, Any]:
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """pairs: (variant, base) of every round, in one unit."""
    ratios = sorted(variant / base for variant, base in pairs)
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Ratio(statistics.median(ratios), low, high, len(ratios))


def paired(
    variant: Callable[[], object], base: Callable[[], object], *, rounds: int, clock: Clock = time.thread_time
) -> Ratio:
    """Time both in every round, in alternating order, after one round that does not count.

    clock: by default the processor time of this thread, which other jobs on the machine do not lengthen; right where
    torch runs on one thread, wrong where other threads or processes do the work.
    """

    def seconds(work: Callable[[], object]) -> float:
        began = clock()
        work()
        return clock() - began

    variant(), base()
    gc.collect()
    gc.disable()  # a collection would be charged to whoever happens to run
    try:
        pairs = []
        for number in range(rounds):
            if number % 2:
                pairs.append((seconds(variant), seconds(base)))
            else:
                second, first = seconds(base), seconds(variant)
                pairs.append((first, second))
    finally:
        gc.enable()
    return ratio_of(pairs)
