"""Large embedding tables: of their gradients, only the rows that some batch has touched are kept and multiplied.

A joint step of T batches of n tokens touches at most T n of a table's V rows; surgery on the rest would multiply zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mtlbench.interface.gradients import Block, Direction, GradientLayout, Granularity, TaskGradients

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters

__all__ = ["GatheredGradients", "Touched", "large_tables", "touched"]

LARGE = 100_000
"""Rows from which a table's gradients are gathered, as multilingual encoders have them: over 30,000 rows of width 128
finding the touched ones takes as long as summing all."""

Touched = tuple[Tensor, Tensor]
"""Of one batch's gradient of a table: the rows that are not zero (n,), and their values (n, h)."""


def large_tables(model: nn.Module, parameters: FlatParameters) -> list[int]:
    """Places in ``parameters`` of the shared embedding tables of ``LARGE`` rows or more."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding) and m.num_embeddings >= LARGE}
    entries = zip(parameters.parameters, parameters.infos, strict=True)
    return [place for place, (parameter, info) in enumerate(entries) if not info.owner and id(parameter) in tables]


def touched(gradient: Tensor | None, table: Tensor) -> Touched:
    """Found in the gradient itself, so that a table that is also something else (a tied decoder) loses nothing."""
    if gradient is None:
        return torch.empty(0, dtype=torch.long, device=table.device), table.new_empty(0, table.shape[1])
    # A sum of sizes loses no small value, as squares would, and NaN counts as touched; other reductions take longer.
    rows = torch.mv(gradient.abs(), gradient.new_ones(gradient.shape[1])).nonzero()[:, 0]
    return rows, gradient[rows]


class GatheredGradients(TaskGradients):
    """Task gradients without the columns that are zero for every task: (R, d') with d' far below d.

    First come the columns of all other shared parameters, then each table's touched rows. Inner products and weighted
    sums are those of full rows. Directions are full (d,) vectors: ``direction`` takes values for the columns that are
    here, and puts zeros in the place of the others.
    """

    def __init__(
        self,
        rows: Tensor,
        *,
        layout: GradientLayout,
        tables: Mapping[int, Sequence[Touched]],
        **facts: Any,
    ) -> None:
        """rows: (R, columns of all shared parameters but the tables). layout: that of full rows.

        tables: by their place in ``layout``, what each of the R batches touched. facts: as for TaskGradients.
        """
        ends = list(accumulate(layout.sizes))
        spans = [slice(end - size, end) for size, end in zip(layout.sizes, ends, strict=True)]
        others = [place for place in range(len(spans)) if place not in tables]
        self._spans = [spans[place] for place in others]
        self._tables = [(spans[place], *_aligned(batches)) for place, batches in tables.items()]
        matrices = [rows, *(values for _, _, values in self._tables)]
        layouts = [GradientLayout(tuple(layout.names[p] for p in others), tuple(layout.sizes[p] for p in others))]
        for place, (_, _, values) in zip(tables, self._tables, strict=True):
            layouts.append(GradientLayout((layout.names[place],), (values.shape[1],)))
        names, sizes = (
            tuple(chain.from_iterable(it)) for it in zip(*((p.names, p.sizes) for p in layouts), strict=True)
        )
        super().__init__(rows, layout=GradientLayout(names, sizes), **facts)
        self._full = layout.columns
        self._parts = [
            TaskGradients(matrix, tasks=self.tasks, task_ids=self.task_ids, losses=self.losses, layout=part)
            for matrix, part in zip(matrices, layouts, strict=True)
        ]

    def block(self, block: Block) -> Tensor:
        start = 0
        for part in self._parts:
            if start <= block.start and block.stop <= start + part.layout.columns:
                return part.block(Block(block.name, block.start - start, block.stop - start))
            start += part.layout.columns
        return self.matrix()[:, block.start : block.stop]

    def matrix(self) -> Tensor:
        """(R, d'), a copy."""
        return torch.cat([part.matrix() for part in self._parts], dim=1)

    def gram(self, only: Block | None = None) -> Tensor:
        if only is not None and (only.start, only.stop) != (0, self.layout.columns):
            return super().gram(only)
        return torch.stack([part.gram() for part in self._parts]).sum(0)

    def weighted(
        self, weights: Tensor | Sequence[float], own: Sequence[float] | None = None, *, by: Granularity = "whole"
    ) -> Direction:
        table = torch.as_tensor(weights, dtype=torch.float64).reshape(-1, len(self))  # (G, R)
        found, start = [], 0
        for part in self._parts:
            count = len(part.blocks(by))
            found.append(part.weighted(table if by == "whole" else table[start : start + count], by=by).shared)
            start += count
        return super().direction(self._spread(found), own)

    def direction(self, shared: Tensor, own: Sequence[float] | None = None) -> Direction:
        parts = torch.split(shared, [part.layout.columns for part in self._parts])
        return super().direction(self._spread(parts), own)

    def _spread(self, parts: Sequence[Tensor]) -> Tensor:
        """(d,) from the values of each part's columns."""
        lent, self._result = self._result, None
        full = parts[0].new_empty(self._full) if lent is None else lent
        start = 0
        for span in self._spans:
            size = span.stop - span.start
            full[span].copy_(parts[0][start : start + size])
            start += size
        for (span, rows, _), values in zip(self._tables, parts[1:], strict=True):
            table = full[span].zero_()
            if len(rows):
                width = len(values) // len(rows)
                table.view(-1, width).index_copy_(0, rows, values.view(-1, width))
        return full


def _aligned(batches: Sequence[Touched]) -> tuple[Tensor, Tensor]:
    """The rows that any batch touched (U,), and every batch's values in them, zero where it touched none: (R, U h)."""
    union, places = torch.unique(torch.cat([rows for rows, _ in batches]), return_inverse=True)
    width = batches[0][1].shape[1]
    aligned = batches[0][1].new_zeros(len(batches), len(union), width)
    for row, (part, (_, values)) in enumerate(zip(places.split([len(r) for r, _ in batches]), batches, strict=True)):
        aligned[row, part] = values
    return union, aligned.flatten(1)
