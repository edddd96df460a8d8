"""Whether intervals cover and verdicts err as often as they say, by simulation of boards with a known truth."""

from __future__ import annotations

import random

import pytest

from mtlbench.leaderboard.board import boards_of
from mtlbench.leaderboard.reading import entries_of
from mtlbench.leaderboard.standing import verdicts
from mtlbench.leaderboard.statistics import estimate
from mtlbench.testing.records import made_up_record

NOISES = {
    "normal": lambda rng: rng.gauss(0, 1),
    "skewed": lambda rng: rng.expovariate(1),
    "heavy-tailed": lambda rng: rng.gauss(0, 1) / (rng.gammavariate(2, 0.5) + 1e-9) ** 0.5,
    "flat": lambda rng: rng.uniform(-1, 1),
    "rounded": lambda rng: round(rng.gauss(0, 1)),
}
COVERAGE = (0.92, 0.98)
WIDER = {("rounded", 3): (0.92, 0.985)}
"""Three differences of whole SDs are often equal, which leaves no interval; the others spread, and cover, the more."""


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("noise", NOISES)
def test_intervals_cover_the_truth_92_to_98_times_in_100(n, noise):
    """Of the difference between two methods with the same noise, paired by seed."""
    rng = random.Random(f"{n}{noise}")
    trials, covered, judged, better = 6000, 0, 0, 0
    for _ in range(trials):
        truth = 2.0
        found = estimate([truth + NOISES[noise](rng) - NOISES[noise](rng) for _ in range(n)])
        if found.half is not None:
            judged += 1
            covered += abs(found.mean - truth) <= found.half
        null = estimate([difference - truth for difference in found.values])
        better += null.p < 0.05 and null.mean > 0
    low, high = WIDER.get((noise, n), COVERAGE)
    assert low <= covered / judged <= high
    assert better / trials <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_equal_methods_are_called_better_at_most_5_times_in_100(n):
    """Whole boards of MTL and four methods that do nothing: how often any of them is called better."""
    rng = random.Random(n)
    trials, wrong = 200, 0
    for trial in range(trials):
        board = made_up_board(rng, n, gains=dict.fromkeys("abcd", 0.0), noise=trial)
        wrong += "better" in verdicts(board)[1].values()
    assert wrong / trials <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("n", "power"), [(3, 0.2), (5, 0.9), (10, 1.0)])
def test_a_method_that_gains_four_deviations_is_found(n, power):
    """The price of honesty: how often a large gain is told among four methods that do nothing."""
    rng = random.Random(n)
    trials, found = 60, 0
    for trial in range(trials):
        board = made_up_board(rng, n, gains=dict.fromkeys("abcd", 0.0) | {"good": 4.0}, noise=trial)
        found += verdicts(board)[1]["good"] == "better"
    assert found / trials >= power


def made_up_board(rng, n, gains, noise):
    """Two tasks; every run has noise of SD 1 on its average, half of its variance shared within the seed."""
    shared = [rng.gauss(0, 0.5**0.5) for _ in range(n)]
    records = []
    for method, gain in {"mtl": 0.0, **gains}.items():
        for seed in range(n):
            value = 70 + gain + shared[seed] + rng.gauss(0, 0.5**0.5)
            records.append(made_up_record(method, {"x": value, "y": value}, seed=seed, noise=noise, evaluations=1))
    [board] = boards_of(entries_of(records)[0])
    return board
