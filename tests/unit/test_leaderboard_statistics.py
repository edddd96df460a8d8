from __future__ import annotations

import math
import random

import pytest

from mtlbench.leaderboard.statistics import estimate, holm, sign_flip_p, welch_p

stats = pytest.importorskip("scipy.stats")


def samples(n, count=20):
    rng = random.Random(n)
    for scale in (1e-6, 1.0, 1e6):
        for _ in range(count):
            yield [scale * rng.gauss(0.3, 1) for _ in range(n)]


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_interval_and_p_agree_with_scipy(n):
    for values in samples(n):
        found, wanted = estimate(values), stats.ttest_1samp(values, 0)
        interval = wanted.confidence_interval(0.95)
        scale = max(map(abs, values))
        assert found.p == pytest.approx(wanted.pvalue, abs=1e-9)
        assert (found.mean - found.half) / scale == pytest.approx(interval.low / scale, abs=1e-9)
        assert (found.mean + found.half) / scale == pytest.approx(interval.high / scale, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_sign_flips_agree_with_scipys_exact_permutation_test(n):
    for values in samples(n, count=3):
        wanted = stats.permutation_test(
            (values,), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=math.inf, vectorized=True
        )
        assert sign_flip_p(values) == pytest.approx(wanted.pvalue, abs=1e-9)


def test_sign_flips_of_many_values_are_sampled_near_the_exact_share():
    rng = random.Random(1)
    for shift in (0.0, 0.3, 0.6):
        values = [rng.gauss(shift, 1) for _ in range(15)]
        exact = (
            sum(
                abs(sum(v if bits >> i & 1 else -v for i, v in enumerate(values))) >= abs(sum(values)) - 1e-9
                for bits in range(2**15)
            )
            / 2**15
        )
        assert sign_flip_p(values) == pytest.approx(exact, abs=0.015)
        assert sign_flip_p(values) == sign_flip_p(values)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (10, 4)])
def test_welch_agrees_with_scipy(sizes):
    rng = random.Random(2)
    for _ in range(20):
        first, second = ([rng.gauss(0, width) for _ in range(size)] for size, width in zip(sizes, (1, 3), strict=True))
        assert welch_p(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue, abs=1e-9)


def test_a_case_by_hand():
    # 1, 2, 3: mean 2, SD 1, standard error 1/sqrt(3), t = 2 sqrt(3). With two degrees of freedom the t distribution is
    # P(|T| > t) = 1 - t / sqrt(t^2 + 2) = 1 - sqrt(12/14); it is 0.05 at t = 0.95 sqrt(2 / (1 - 0.95^2)) = 4.3027.
    found = estimate([1.0, 2.0, 3.0])
    assert (found.n, found.mean, found.sd) == (3, 2.0, 1.0)
    assert found.p == pytest.approx(1 - math.sqrt(12 / 14), abs=1e-12)
    assert found.half == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)) / math.sqrt(3), abs=1e-12)
    # All of one sign: of the eight sign patterns, two are as extreme.
    assert found.flip_p == 0.25


def test_sign_flips_of_n_seeds_cannot_fall_below_their_floor():
    for n in range(2, 11):
        assert sign_flip_p([1.0 + 0.01 * i for i in range(n)]) == 2 / 2**n


def test_ties_but_for_rounding_count():
    # 0.1 + 0.2 - 0.3 is not 0 in floating point; half of the patterns tie with |sum| = 0.
    assert sign_flip_p([0.1, 0.2, -0.3]) == 1.0


def test_equal_differences_have_no_interval_and_claim_no_more_than_sign_flips():
    found = estimate([0.5, 0.5, 0.5])
    assert found.half is None
    assert found.p == 0.25
    rounded = estimate([0.1 + 0.2, 0.3, 0.3])
    assert rounded.p == 0.25
    assert estimate([0.0, 0.0]).p == 1.0


def test_one_value_is_a_mean_and_none_is_nothing():
    assert estimate([]) is None
    assert estimate([3.0]).mean == 3.0
    assert estimate([3.0]).p is None
    assert welch_p([1.0], [1.0, 2.0]) is None
    assert welch_p([1.0, 1.0], [1.0, 1.0]) is None


def test_holm_by_hand():
    # Sorted .01 x 4 = .04, .02 x 3 = .06, .03 x 2 = .06, .50 x 1.
    assert holm([0.03, None, 0.01, 0.5, 0.02]) == [pytest.approx(0.06), None, 0.04, 0.5, pytest.approx(0.06)]
    assert holm([0.4, 0.9]) == [0.8, 0.9]
    assert holm([]) == []
