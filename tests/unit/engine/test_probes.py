from __future__ import annotations

import pytest
import torch

from mtlbench.engine.probes import pairs, pairwise_cosine


def test_a_zero_gradient_has_cosine_zero_with_all_others() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    cosine = pairwise_cosine(rows @ rows.T)
    assert pairs(cosine) == pytest.approx([0.0, 0.5**0.5, 0.0])


@pytest.mark.parametrize("scale", [1e-160, 1e-20, 1.0, 1e20, 1e150])
def test_cosines_do_not_depend_on_scale(scale: float) -> None:
    rows = torch.tensor([[3.0, 4.0], [4.0, 3.0]], dtype=torch.float64) * scale
    assert pairs(pairwise_cosine(rows @ rows.T)) == pytest.approx([0.96], rel=1e-6)


def test_opposite_gradients_have_cosine_minus_one() -> None:
    rows = torch.tensor([[0.1, 0.2, 0.3], [-0.2, -0.4, -0.6]], dtype=torch.float64)
    assert pairs(pairwise_cosine(rows @ rows.T)) == pytest.approx([-1.0])
