"""Norms are float64's, however long or short the vectors and however large or small their numbers."""

from __future__ import annotations

import math

import pytest
import torch

from mtlbench.engine.norms import norm_of

LONG = (1 << 20) + 77


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12, 1e25])
@pytest.mark.parametrize("size", [5, LONG])
def test_norms_are_those_of_float64(scale, size):
    torch.manual_seed(0)
    parts = [torch.randn(size) * scale, torch.randn(3, dtype=torch.float64) * scale]
    exact = math.sqrt(sum(float(part.double().square().sum()) for part in parts))
    assert norm_of(parts) == pytest.approx(exact, rel=1e-11)


def test_a_long_vector_of_zeros_has_norm_zero():
    assert norm_of([torch.zeros(LONG)]) == 0.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("size", [5, LONG])
def test_what_is_not_finite_shows(bad, size):
    part = torch.ones(size)
    part[3] = bad
    assert not math.isfinite(norm_of([part]))
