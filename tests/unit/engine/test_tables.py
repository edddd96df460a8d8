"""Large embedding tables: gathered gradients are the full ones without the columns that are zero for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from mtlbench import GradientLayout, TaskGradients
from mtlbench.engine import tables
from mtlbench.engine.tables import LARGE, GatheredGradients, touched
from mtlbench.plugins import load_registry

ROWS, WIDTH, TASKS = 11, 3, 4
LAYOUT = GradientLayout(("first", "table.weight", "last.weight", "last.bias"), (5, ROWS * WIDTH, 6, 2))


@pytest.fixture
def full() -> torch.Tensor:
    """(T, d) gradients, in which every task touches other rows of the table, and one task none."""
    torch.manual_seed(0)
    gradients = torch.randn(TASKS, LAYOUT.columns)
    table = gradients[:, 5 : 5 + ROWS * WIDTH].view(TASKS, ROWS, WIDTH)
    for task, rows in enumerate(([1, 4], [4, 7, 8], [], [10])):
        table[task, [row for row in range(ROWS) if row not in rows]] = 0.0
    return gradients


def gathered(full: torch.Tensor, lend: Callable[[], torch.Tensor] | None = None) -> GatheredGradients:
    spans = full.split(LAYOUT.sizes, dim=1)
    found = [touched(gradient.view(ROWS, WIDTH)) for gradient in spans[1]]
    rows = torch.cat([spans[0], spans[2], spans[3]], dim=1)
    return GatheredGradients(rows, layout=LAYOUT, tables={1: found}, lend=lend, **facts())


def facts() -> dict[str, Any]:
    names = [f"t{row}" for row in range(TASKS)]
    return {"tasks": names, "task_ids": range(TASKS), "losses": torch.ones(TASKS, dtype=torch.float64)}


def plain(full: torch.Tensor) -> TaskGradients:
    return TaskGradients(full, layout=LAYOUT, **facts())


def test_only_touched_rows_are_kept(full):
    grads = gathered(full)
    assert grads.layout.columns == 5 + 6 + 2 + 5 * WIDTH  # rows 1, 4, 7, 8 and 10
    assert grads.matrix().shape == (TASKS, grads.layout.columns)
    assert {block.name for block in grads.blocks("matrix")} == set(LAYOUT.names)


def test_inner_products_are_those_of_full_rows(full):
    ours, theirs = gathered(full), plain(full)
    torch.testing.assert_close(ours.gram(), theirs.gram())
    for by in ("layer", "matrix"):
        places = {block.name: place for place, block in enumerate(theirs.blocks(by))}
        for block, gram in zip(ours.blocks(by), ours.grams(by), strict=True):
            torch.testing.assert_close(gram, theirs.grams(by)[places[block.name]])


@pytest.mark.parametrize("by", ["whole", "matrix"])
def test_weighted_sums_are_full_vectors(full, by):
    ours, theirs = gathered(full), plain(full)
    count = len(theirs.blocks(by))
    weights = torch.randn(count, TASKS, dtype=torch.float64)
    order = [[block.name for block in theirs.blocks(by)].index(block.name) for block in ours.blocks(by)]
    torch.testing.assert_close(ours.weighted(weights[order], by=by).shared, theirs.weighted(weights, by=by).shared)


def test_directions_of_a_methods_own_making_are_spread(full):
    grads = gathered(full)
    torch.testing.assert_close(grads.direction(grads.matrix().sum(0)).shared, full.sum(0))


def test_a_direction_is_spread_over_a_full_vector_only_when_somebody_asks_for_it(full):
    lent: list[torch.Tensor] = []

    def lend() -> torch.Tensor:
        lent.append(torch.full((LAYOUT.columns,), float("nan")))
        return lent[-1]

    grads = gathered(full, lend)
    first, second = grads.weighted([1.0] * TASKS), grads.weighted([2.0] * TASKS)
    assert not lent
    assert first.gathered is not None
    torch.testing.assert_close(first.shared, full.sum(0))
    assert first.shared is lent[0]
    assert first.gathered is None
    torch.testing.assert_close(replace(second, rows=2).shared, 2 * full.sum(0))
    torch.testing.assert_close(replace(second, shared=full[0]).shared, full[0])
    assert len(lent) == 1  # it is lent once; later vectors are new


def test_a_row_that_is_not_a_number_counts_as_touched():
    gradient = torch.zeros(4, 2)
    gradient[2, 1] = float("nan")
    rows, values = touched(gradient)
    assert rows.tolist() == [2]
    assert bool(values.isnan().any())


class Bags(nn.Module):
    """An encoder with a table of many rows, whose decoder may be tied to it."""

    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.table, self.mix, self.tied = nn.Embedding(LARGE, 2, padding_idx=0), nn.Linear(2, 2), tied

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        states = self.mix(self.table((inputs[:, :4].abs() * 1e4).long() % LARGE).mean(1))
        if self.tied:
            states = states + functional.linear(states, self.table.weight[:2])
        return functional.pad(states, (0, 3))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (name, {"groups_by": "whole"} if name == "gradvac" else {})
        for name in sorted(load_registry().methods)
        if name != "swep"  # asks for a point at which noise may enter, which these encoders do not have
    ],
)
def test_steps_are_those_of_full_rows(oracle_of, monkeypatch, name, settings, tied):
    def trained(large: int) -> torch.Tensor:
        monkeypatch.setattr(tables, "LARGE", large)
        method = load_registry().method(name).cls(**settings)
        torch.manual_seed(1)
        made = oracle_of(method, prepare=lambda model: setattr(model, "encoder", Bags(tied)))
        assert bool(made.passes.tables) == (large == LARGE)
        for _ in range(3):
            method.step(made)
        assert made.audit.difference(made.meter) is None
        return made.parameters.values

    torch.testing.assert_close(trained(LARGE), trained(LARGE + 1), rtol=1e-5, atol=1e-6)


def test_what_is_not_plain_is_left_to_torch(oracle_of):
    class Scaled(nn.Embedding):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return 2.0 * super().forward(ids)

    kinds: list[dict[str, Any]] = [{"sparse": True}, {"scale_grad_by_freq": True}, {"max_norm": 1.0}]
    for table in (Scaled(LARGE, 2), nn.Embedding(LARGE - 1, 2), *(nn.Embedding(LARGE, 2, **kind) for kind in kinds)):

        def swap(model: nn.Module, table: nn.Embedding = table) -> None:
            model.encoder = Bags(tied=False)
            model.encoder.table = table

        assert not oracle_of(load_registry().method("mtl").cls(), prepare=swap).passes.tables


def test_outside_training_steps_a_gathered_table_is_torchs_own(oracle_of):
    made = oracle_of(load_registry().method("mtl").cls(), prepare=lambda model: setattr(model, "encoder", Bags(False)))
    [place] = made.passes.tables
    table = made.parameters.parameters[place]
    made.descend(made.draw())
    table.grad = None
    made.model.encoder.table(torch.tensor([1, 1, 3])).sum().backward()
    assert table.grad is not None
    assert table.grad.abs().sum(1).nonzero()[:, 0].tolist() == [1, 3]
    assert made.audit.difference(made.meter) is None
