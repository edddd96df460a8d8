"""The flat gradient without its zeros: cleared, measured and scaled like the whole vector."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from mtlbench import Method
from mtlbench.engine import tables
from mtlbench.engine.norms import norm_of
from mtlbench.engine.support import Support
from mtlbench.engine.tables import LARGE

ROWS, WIDTH = 7, 3


class Vector:
    """Four parameters, of which the second and the last are tables."""

    def __init__(self) -> None:
        self.shapes = [(2,), (ROWS, WIDTH), (4,), (ROWS, WIDTH)]
        self.gradient = torch.zeros(6 + 2 * ROWS * WIDTH)

    def views_of(self, vector: torch.Tensor) -> list[torch.Tensor]:
        parts = vector.split([torch.Size(shape).numel() for shape in self.shapes])
        return [part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)]


def filled(vector: Vector, support: Support) -> torch.Tensor:
    """Fill dense columns and some rows of both tables; returns a copy of it all."""
    torch.manual_seed(0)
    dense = vector.views_of(vector.gradient)
    dense[0].normal_()
    dense[2].normal_()
    support.add(1, torch.tensor([2, 5]), torch.randn(2, WIDTH))
    support.add(1, torch.tensor([0, 5]), torch.randn(2, WIDTH))
    support.add(3, torch.tensor([6]), torch.randn(1, WIDTH))
    return vector.gradient.clone()


@pytest.mark.parametrize("lent", [False, True])
def test_what_is_done_to_it_is_done_to_the_whole_vector(lent: bool) -> None:
    vector = Vector()
    support = Support(vector, [3, 1])  # type: ignore[arg-type]
    if lent:
        support.lend()
    full = filled(vector, support)
    end = len(full)
    assert norm_of(support.pieces(0, end)) == pytest.approx(float(full.norm()), rel=1e-6)
    assert norm_of(support.pieces(0, 2)) == pytest.approx(float(full[:2].norm()), rel=1e-6)
    assert sum(piece.numel() for piece in support.pieces(0, end)) == (end if lent else 6 + 4 * WIDTH)
    support.scale(0, end, 0.5)
    torch.testing.assert_close(vector.gradient, full * 0.5)
    support.scale(2 + ROWS * WIDTH, end, 2.0)
    torch.testing.assert_close(vector.gradient[-ROWS * WIDTH :], full[-ROWS * WIDTH :])
    support.clear()
    assert not vector.gradient.any()
    assert norm_of(support.pieces(0, end)) == 0.0


def test_a_vector_that_was_lent_is_cleared_as_a_whole() -> None:
    vector = Vector()
    support = Support(vector, [1])  # type: ignore[arg-type]
    support.lend()
    support.clear()
    vector.gradient[4] = 1.0  # by somebody who kept it
    support.clear()
    assert not vector.gradient.any()


def test_a_gradient_of_the_whole_table_counts_everywhere() -> None:
    vector = Vector()
    support = Support(vector, [1])  # type: ignore[arg-type]
    support.add(1, torch.tensor([2]), torch.ones(1, WIDTH))
    support.add_whole(1, torch.ones(ROWS, WIDTH))
    assert norm_of(support.pieces(0, len(vector.gradient))) == pytest.approx((WIDTH * (ROWS - 1 + 4)) ** 0.5)


class Bags(nn.Module):
    """An encoder that is a table of many rows and a map."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.mix = nn.Embedding(LARGE, 2), nn.Linear(2, 5)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = self.mix(self.table((inputs[:, :4].abs() * 1e4).long() % LARGE).mean(1))
        return mixed


class Hoarder(Method):
    """Keeps the gradients that it was lent, and writes into them after a step of another kind."""

    name = "hoarder"
    scale = "mean"

    def start(self, oracle: Any) -> None:
        self.kept: Any = None

    def step(self, oracle: Any) -> None:
        oracle.descend(oracle.draw())
        if self.kept is not None:
            self.kept.weighted([1.0] * len(self.kept))
        self.kept = oracle.gradients(oracle.draw())


class Decay:
    """Adds weight decay to the gradients themselves, and takes plain steps."""

    def __init__(self, segments: Any) -> None:
        self.segments = segments

    def step(self, gradients: Any, lr: float) -> None:
        for segment, gradient in zip(self.segments, gradients, strict=True):
            if gradient is not None:
                gradient.add_(segment.values, alpha=0.1)
                segment.values.add_(gradient, alpha=-lr)


class Decaying(Method):
    """Brings an optimizer that writes into the gradients it is given."""

    name = "decaying"
    scale = "mean"

    def optimizer(self, oracle: Any) -> Any:
        return Decay(oracle.segments)

    def step(self, oracle: Any) -> None:
        oracle.descend(oracle.draw())


@pytest.mark.parametrize("method", [Hoarder, Decaying])
def test_what_a_method_writes_late_never_reaches_a_step(
    oracle_of: Any, monkeypatch: pytest.MonkeyPatch, method: type[Method]
) -> None:
    def trained(large: int) -> torch.Tensor:
        monkeypatch.setattr(tables, "LARGE", large)
        torch.manual_seed(1)
        made = oracle_of(method(), prepare=lambda model: setattr(model, "encoder", Bags()))
        assert bool(made.passes.tables) == (large == LARGE)
        for _ in range(3):
            made._method.step(made)
        values: torch.Tensor = made.parameters.values
        return values

    torch.testing.assert_close(trained(LARGE), trained(LARGE + 1), rtol=1e-5, atol=1e-6)
