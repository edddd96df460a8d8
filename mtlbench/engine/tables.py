"""Large embedding tables: of their gradients, only the rows that some batch has touched are written and multiplied.

A joint step of T batches of n tokens touches at most T n of a table's V rows. torch's own backward pass writes all V
for each task, and adds them up; surgery on them would multiply zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench.interface.gradients import Block, Direction, GradientLayout, Granularity, TaskGradients

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters

__all__ = [
    "GatheredGradients",
    "Lookups",
    "Touched",
    "collecting",
    "large_tables",
    "plain_lookups",
    "summed_rows",
    "touched",
]

LARGE = 20_000
"""Rows from which a table's gradients are gathered: vocabularies as large as BERT's."""

Touched = tuple[Tensor, Tensor]
"""Of one batch's gradient of a table: the rows that may differ from zero (n,), rising, and their values (n, h)."""


class Lookups:
    """Takes the place of an embedding's forward pass, and keeps what backward passes would have added to its table.

    Only while ``collecting``; otherwise the embedding is torch's. Whatever else reads the table (a tied decoder) is
    differentiated by torch as ever, into the table's ``grad``.
    """

    def __init__(self, module: nn.Embedding) -> None:
        self.collects = False
        self._module = module
        self._found: list[tuple[Tensor, Tensor]] = []
        module.forward = self._forward  # type: ignore[method-assign]

    def _forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's own name)
        ids, table = input, self._module.weight
        if self.collects and table.requires_grad and torch.is_grad_enabled():
            looked_up: Tensor = _Lookup.apply(ids, table, self._module.padding_idx, self._found)  # type: ignore[no-untyped-call]
            return looked_up
        return functional.embedding(ids, table, self._module.padding_idx)

    def forget(self) -> None:
        self._found.clear()

    def take(self) -> Touched:
        """What was found since the last call."""
        found = summed_rows(self._found, self._module.weight)
        self._found.clear()
        return found

    def take_with(self, rest: Tensor | None) -> Touched:
        """The same together with a gradient (V, h) that torch made of other uses of the table; it is written over."""
        if rest is None:
            return self.take()
        rows, values = self.take()
        return touched(rest.index_add_(0, rows, values))


class _Lookup(torch.autograd.Function):
    """An embedding whose backward pass leaves tokens and gradients in a list instead of summing them over a table."""

    @staticmethod
    def forward(
        ctx: Any, ids: Tensor, table: Tensor, padding: int | None, found: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.padding, ctx.found = padding, found
        return functional.embedding(ids, table)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, None]:
        (ids,), (gradient,) = ctx.saved_tensors, gradients
        if ctx.padding is not None:
            gradient = gradient.masked_fill((ids == ctx.padding)[..., None], 0.0)
        ctx.found.append((ids.reshape(-1), gradient.reshape(-1, gradient.shape[-1])))
        return None, None, None, None


def summed_rows(found: Sequence[tuple[Tensor, Tensor]], table: Tensor) -> Touched:
    """Tokens (n,) and the gradients (n, h) of what was looked up, summed by token in the order in which they stand."""
    if not found:
        return torch.empty(0, dtype=torch.long, device=table.device), table.new_empty(0, table.shape[1])
    ids, gradients = (torch.cat(parts) for parts in zip(*found, strict=True))
    rows, places = torch.unique(ids, return_inverse=True)
    return rows, torch.ops.aten.embedding_dense_backward(gradients.to(table.dtype), places, len(rows), -1, False)


@contextmanager
def collecting(tables: Iterable[Lookups]) -> Iterator[None]:
    """Within the block the tables' gradients go to their ``Lookups``."""
    several = list(tables)
    for lookups in several:
        lookups.forget()
        lookups.collects = True
    try:
        yield
    finally:
        for lookups in several:
            lookups.collects = False


def large_tables(model: nn.Module, parameters: FlatParameters) -> dict[int, Lookups]:
    """By its place in ``parameters``, each shared table of ``LARGE`` rows or more, now looked up by ``Lookups``.

    Tables that another embedding shares stay as they are, and so do those whose gradients are of a kind of their own.
    """
    owners: dict[int, list[nn.Module]] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), []).append(module)
    found: dict[int, nn.Embedding] = {}
    shared = [place for place, info in enumerate(parameters.infos) if info.owner is None]
    for place in shared:
        tables = [m for m in owners[id(parameters.parameters[place])] if isinstance(m, nn.Embedding)]
        large = [table for table in tables if type(table) is nn.Embedding and table.num_embeddings >= LARGE]
        if len(tables) == 1 and large and plain_lookups(tables[0]):
            found[place] = tables[0]
    if len(found) == len(shared):
        return {}  # nothing else would tell that a backward pass took place
    return {place: Lookups(table) for place, table in found.items()}


def plain_lookups(module: nn.Embedding) -> bool:
    """Whether the gradient of its table is the sum of its outputs' gradients by token, and nothing else."""
    return not module.sparse and not module.scale_grad_by_freq and module.max_norm is None


def touched(gradient: Tensor) -> Touched:
    """The rows of a gradient (V, h) that are not zero."""
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
