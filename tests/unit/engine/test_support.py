"""The flat gradient without its zeros: cleared, measured and scaled like the whole vector."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from mtlbench import Direction, Method
from mtlbench.engine import tables
from mtlbench.engine.norms import norm_of
from mtlbench.engine.support import Support
from mtlbench.engine.tables import LARGE
from mtlbench.plugins import load_registry

ROWS, WIDTH = 17, 3


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


@pytest.mark.parametrize("lent", [False, True])
def test_what_is_put_into_a_table_takes_the_place_of_what_was_there(lent: bool) -> None:
    vector = Vector()
    support = Support(vector, [3, 1])  # type: ignore[arg-type]
    full = filled(vector, support)
    if lent:
        support.lend()
        vector.gradient[3] = 1.0
    support.put(1, torch.tensor([4, 5]), torch.ones(2, WIDTH))
    full[2 : 2 + ROWS * WIDTH] = 0.0
    full[2 + 4 * WIDTH : 2 + 6 * WIDTH] = 1.0
    torch.testing.assert_close(vector.gradient, full)
    assert norm_of(support.pieces(0, len(full))) == pytest.approx(float(full.norm()), rel=1e-6)
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
            self.kept.weighted([1.0] * len(self.kept)).shared.add_(1.0)
        self.kept = oracle.gradients(oracle.draw())


class Late(Method):
    """Follows a direction, and only then asks for the vector and writes into it; steps of the other kind in between."""

    name = "late"
    scale = "mean"

    def step(self, oracle: Any) -> None:
        grads = oracle.gradients(oracle.draw())
        direction = grads.weighted([1.0] * len(grads))
        oracle.apply(direction)
        oracle.descend(oracle.draw())
        direction.shared.add_(1.0)


class Own(Method):
    """Follows a vector of its own, with steps of another kind in between."""

    name = "own"
    scale = "mean"

    def step(self, oracle: Any) -> None:
        oracle.gradients(oracle.draw())
        oracle.apply(Direction(torch.linspace(-1.0, 1.0, oracle.parameters.shared)))
        oracle.descend(oracle.draw())


class Looking(Method):
    """Looks at the direction before only when it has looked at the present one."""

    name = "looking"
    scale = "mean"

    def start(self, oracle: Any) -> None:
        self.last: Any = None

    def step(self, oracle: Any) -> None:
        grads = oracle.gradients(oracle.draw())
        direction = grads.weighted([1.0] * len(grads))
        before = direction.shared.clone()
        if self.last is not None:
            assert len(self.last.shared) == len(before)
        assert torch.equal(direction.shared, before)
        oracle.apply(direction)
        self.last = oracle.gradients(oracle.draw()).weighted([1.0] * len(grads))


class Editing(Method):
    """Writes into a direction before it is followed, every other time."""

    name = "editing"
    scale = "mean"

    def start(self, oracle: Any) -> None:
        self.edits = False

    def step(self, oracle: Any) -> None:
        grads = oracle.gradients(oracle.draw())
        direction = grads.weighted([1.0] * len(grads))
        if self.edits:
            direction.shared.add_(0.1)
        self.edits = not self.edits
        oracle.apply(direction)
        oracle.descend(oracle.draw())


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


@pytest.mark.parametrize("method", [Hoarder, Late, Own, Looking, Editing, Decaying])
def test_what_a_method_writes_reaches_the_step_it_was_meant_for_and_no_other(
    oracle_of: Any, monkeypatch: pytest.MonkeyPatch, method: type[Method]
) -> None:
    def trained(large: int) -> torch.Tensor:
        monkeypatch.setattr(tables, "LARGE", large)
        torch.manual_seed(1)
        made = oracle_of(method(), prepare=lambda model: setattr(model, "encoder", Bags()))
        assert bool(made.passes.tables) == (large == LARGE)
        for _ in range(4):
            made._method.step(made)
        values: torch.Tensor = made.parameters.values
        return values

    torch.testing.assert_close(trained(LARGE), trained(LARGE + 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["mtl", "pcgrad", "gradvac", "gradnorm", "sequential-reptile"])
def test_steps_along_sums_of_gradients_leave_the_rest_of_a_table_unread(oracle_of: Any, name: str) -> None:
    method = load_registry().method(name).cls()
    made = oracle_of(method, prepare=lambda model: setattr(model, "encoder", Bags()))
    for _ in range(2):
        method.step(made)
    [place] = made.passes.tables
    assert len(made.passes.support._touched(place)) <= 3 * 4 * 4  # rows, examples and words of one step
    size = made.parameters.parameters[place].numel()
    pieces = made.passes.support.pieces(0, len(made.parameters.values))
    assert sum(piece.numel() for piece in pieces) < len(made.parameters.values) - 0.9 * size


@pytest.mark.parametrize("method", [Editing, Late])
def test_what_counts_is_the_same_after_a_checkpoint(oracle_of: Any, method: type[Method]) -> None:
    def fresh() -> Any:
        return oracle_of(method(), prepare=lambda model: setattr(model, "encoder", Bags()))

    made, later = fresh(), fresh()
    assert not made.passes.support.everywhere
    for _ in range(2):
        made._method.step(made)
    later.load_state_dict(made.state_dict())
    assert later.passes.support.everywhere


def test_a_table_of_which_much_is_touched_is_read_as_a_whole() -> None:
    vector = Vector()
    support = Support(vector, [1])  # type: ignore[arg-type]
    support.add(1, torch.tensor([0]), torch.ones(1, WIDTH))
    assert sum(piece.numel() for piece in support.pieces(0, len(vector.gradient))) < len(vector.gradient)
    support.add(1, torch.arange(5), torch.ones(5, WIDTH))
    assert sum(piece.numel() for piece in support.pieces(0, len(vector.gradient))) == len(vector.gradient)
    support.clear()
    assert not vector.gradient.any()


def test_a_direction_that_nobody_has_looked_at_is_copied_as_a_plain_one(oracle_of: Any) -> None:
    made = oracle_of(Late(), prepare=lambda model: setattr(model, "encoder", Bags()))
    grads = made.gradients(made.draw())
    direction = grads.weighted([1.0] * len(grads)).of_rows(2)
    assert direction.gathered is not None
    copied = copy.deepcopy(direction)
    assert type(copied) is Direction
    assert copied.rows == 2
    assert torch.equal(copied.shared, direction.shared)
