from __future__ import annotations

import math

import pytest

from mtlbench.testing.comparison import differences


def found(got, want, rtol=0.0, atol=0.0):
    return differences(got, want, rtol=rtol, atol=atol)


def test_numbers_may_differ_by_both_tolerances():
    assert found(101.0, 100.0, rtol=0.01) == []
    assert found(1.5, 1.0, atol=0.5) == []
    assert found(101.6, 100.0, rtol=0.01, atol=0.5) == ["value: got 101.6, want 100.0"]
    assert found(1, 1.0) == []


@pytest.mark.parametrize(
    ("got", "want"), [(math.nan, math.nan), (None, None), (math.inf, math.inf), ("a", "a"), ([], [])]
)
def test_what_is_no_finite_number_must_be_the_same(got, want):
    assert found(got, want, 1.0, 1.0) == []


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (math.nan, 1.0),
        (1.0, math.nan),
        (None, 0.0),
        (0.0, None),
        (math.inf, 1.0),
        (-math.inf, math.inf),
        (True, 1),
        (0, False),
        ("a", "b"),
        ([1.0], 1.0),
        (1.0, [1.0]),
        (1.0, {"a": 1.0}),
    ],
)
def test_what_differs_in_kind_differs_at_any_tolerance(got, want):
    assert len(found(got, want, 1e-3, 1e-3)) == 1


def test_every_difference_is_told_with_its_place():
    got = {"steps": [{"phi": [1.0, 2.0]}, {"phi": [3.0]}], "more": 1}
    want = {"steps": [{"phi": [1.0, 2.5]}, {"phi": [3.0, 4.0]}], "cost": 7}
    assert found(got, want) == [
        "steps[0].phi[1]: got 2.0, want 2.5",
        "steps[1].phi: got a list of 1, want a list of 2",
        "cost: missing, want 7",
    ]
