"""Which trial is chosen, and what fewer trials would have found."""

from __future__ import annotations

import itertools
import statistics

import pytest

from mtlbench.tuning.choosing import Tried, best, edges, expected_best
from mtlbench.tuning.dimensions import Choice, Fixed, Range


def done(*scores: float, **values: float) -> Tried:
    return Tried(values, "done", scores)


DIVERGED = Tried({}, "diverged", (None,))
MISSING = Tried({}, "missing", (None,))


@pytest.mark.parametrize("diverged", [0, 1, 3])
def test_the_expected_best_is_the_mean_over_all_subsets(diverged):
    scores = [3.0, -1.5, 4.25, 4.25, 0.5, 10.0]
    trials = [*map(done, scores), *[DIVERGED] * diverged]
    counted = [*scores, *[-1.5] * diverged]  # a diverged one counts as the worst
    wanted = [
        statistics.fmean(max(subset) for subset in itertools.combinations(counted, n))
        for n in range(1, len(counted) + 1)
    ]
    assert expected_best(trials) == pytest.approx(wanted)


def test_the_expected_best_of_all_is_the_best_and_of_one_the_mean():
    curve = expected_best([done(1.0), done(2.0), done(6.0)])
    assert curve[0] == pytest.approx(3.0)
    assert curve[-1] == 6.0


def test_there_is_nothing_to_expect_of_trials_that_all_diverged():
    assert expected_best([DIVERGED, DIVERGED]) == []
    assert best([DIVERGED, MISSING]) is None


def test_the_best_is_the_first_of_equals_and_seeds_are_averaged():
    assert best([done(1.0), done(3.0, 1.0), done(2.0), done(0.0)]) == 1
    assert best([DIVERGED, done(-5.0), MISSING]) == 1


def test_a_trial_that_diverged_on_one_seed_is_not_chosen():
    assert best([Tried({}, "diverged", (9.0, None)), done(1.0, 1.0)]) == 1


def test_a_missing_trial_is_left_out_of_the_curve():
    assert expected_best([done(1.0), MISSING, done(2.0)]) == pytest.approx([1.5, 2.0])


def test_the_lowest_and_the_highest_tried_stand_at_an_edge():
    space = {"lr": Range("log", 1e-4, 1e-2), "k": Choice((1, 2, 8)), "w": Fixed(0.0), "s": Choice(("a", "b", "c"))}
    trials = [
        done(1.0, lr=2e-4, k=1, w=0.0, s="a"),
        done(1.0, lr=1e-3, k=2, w=0.0, s="b"),
        done(1.0, lr=9e-3, k=2, w=0.0, s="c"),
    ]
    assert edges(space, trials, 0) == {"lr": "low", "k": "low"}
    assert edges(space, trials, 1) == {}
    assert edges(space, trials, 2) == {"lr": "high"}


def test_two_values_have_no_middle():
    space = {"lr": Range("log", 1e-4, 1e-2)}
    assert edges(space, [done(1.0, lr=1e-3), done(2.0, lr=2e-3)], 0) == {}
