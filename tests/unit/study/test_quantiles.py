from __future__ import annotations

import random

import numpy as np
import pytest

from mtlbench.study.quantiles import quantile


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101])
def test_quantiles_are_numpys(n: int) -> None:
    rng = random.Random(n)
    values = sorted(rng.gauss(0, 1) for _ in range(n))
    for share in (0.0, 0.025, 0.05, 0.25, 0.5, 0.75, 0.975, 1.0):
        assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-12)
