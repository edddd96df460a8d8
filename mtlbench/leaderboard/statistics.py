"""What a handful of seeds can say: intervals, tests and corrections, all two-sided and at the 95 % level.

With n seeds a sign-flip test has 2^n equally likely outcomes, so that its p cannot fall below 2 / 2^n: with three or
five seeds it can never speak at 5 %. The paired t test can; it is exact for normal differences, and differences of
runs that are exchangeable are symmetric, which is what it needs most. Decisions are therefore made by t, and the
sign-flip p, which assumes nothing else, stands beside it. tests/unit/test_leaderboard_calibration.py measures both.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mtlbench.leaderboard.numbers import mean_of, sd_of

__all__ = ["LEVEL", "Estimate", "estimate", "holm", "sign_flip_p", "welch_p"]

LEVEL = 0.05
_EXACT = 14
"""Seeds up to which all sign flips are tried."""
_DRAWS = 20_000
"""Random sign flips beyond that."""
_NOISE = 1e-12
"""Spread, relative to the values, below which differences are equal but for rounding."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds. half: of its 95 % t interval, mean ± half. p: of the t test against 0."""

    values: tuple[float, ...]
    mean: float
    sd: float | None = None
    half: float | None = None
    p: float | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def has_no_spread(self) -> bool:
        """Whether several values are the same, and not 0: then p says nothing of chance, but for many seeds."""
        return self.n > 1 and self.half is None and self.mean != 0

    @property
    def flip_p(self) -> float | None:
        """p of the sign-flip test against 0; None for a single value."""
        return sign_flip_p(self.values) if self.n > 1 else None


def estimate(values: Sequence[float]) -> Estimate | None:
    """Mean, SD (ddof 1), interval and t test; None without values, and a bare mean for one.

    Where all values are equal there is no spread to judge by: the interval is left out, and p is the sign-flip p.
    """
    if not values:
        return None
    n, mean = len(values), mean_of(values)
    if n == 1:
        return Estimate(tuple(values), mean)
    sd = sd_of(values)
    if sd <= _NOISE * max(map(abs, values)):
        return Estimate(tuple(values), mean, sd, p=sign_flip_p(values))
    error = sd / math.sqrt(n)
    half = _t_bound(LEVEL, n - 1) * error
    return Estimate(tuple(values), mean, sd, half, _t_p(mean / error, n - 1))


def sign_flip_p(values: Sequence[float]) -> float:
    """Share of sign patterns under which the sum is at least as far from 0; exact up to 14 values, sampled beyond."""
    return _flip_p(tuple(values))


@lru_cache(maxsize=4096)
def _flip_p(values: tuple[float, ...]) -> float:
    """Remembered: many rows have equal values, and several tables ask for one row's."""
    # Patterns that tie with the observed one but for rounding count.
    observed = abs(math.fsum(values)) - _NOISE * math.fsum(map(abs, values))
    signs = _sign_patterns(len(values))
    hits = int((abs(signs @ values) >= observed).sum())
    return hits / len(signs) if len(values) <= _EXACT else (hits + 1) / (len(signs) + 1)


@lru_cache(maxsize=4)
def _sign_patterns(n: int) -> Any:
    """(patterns, n) of +1 and -1: one of each pattern and its opposite, which are equally far from 0, or a sample."""
    import numpy as np

    if n <= _EXACT:
        return 1.0 - 2.0 * (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1)
    drawn = random.Random(n).randbytes(_DRAWS * math.ceil(n / 8))
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8).reshape(_DRAWS, -1), axis=1)
    return 1.0 - 2.0 * bits[:, :n]


def welch_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """p of Welch's t test between two independent samples; None for fewer than two values or no spread at all."""
    if min(len(first), len(second)) < 2:
        return None
    parts = [sd_of(values) ** 2 / len(values) for values in (first, second)]
    difference = mean_of(first) - mean_of(second)
    if math.sqrt(sum(parts)) <= _NOISE * max(map(abs, [*first, *second])):
        return None
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    return _t_p(difference / math.sqrt(sum(parts)), freedom)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment over the values that are not None."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    worst = 0.0
    for place, (p, index) in enumerate(order):
        worst = max(worst, min(1.0, p * (len(order) - place)))
        adjusted[index] = worst
    return adjusted


def _t_p(t: float, freedom: float) -> float:
    """P(|T| > t) as an incomplete beta function; the t quantile of older scipy is good to ten digits only."""
    from scipy.special import betainc

    return float(betainc(freedom / 2, 0.5, freedom / (freedom + t * t)))


@lru_cache(maxsize=256)
def _t_bound(p: float, freedom: float) -> float:
    """The t that is exceeded, on either side, with probability p."""
    from scipy.special import betaincinv

    share = float(betaincinv(freedom / 2, 0.5, p))
    return math.sqrt(freedom * (1 - share) / share)
