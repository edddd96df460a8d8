"""Large embedding tables: of their gradients, only the rows that some batch has touched are written and multiplied.

A joint step of T batches of n tokens touches at most T n of a table's V rows. torch's own backward pass writes all V
for each task, and adds them up; surgery on them would multiply zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench.interface.gradients import Block, Direction, GradientLayout, Granularity, TaskGradients

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters

__all__ = [
    "Found",
    "GatheredDirection",
    "GatheredGradients",
    "Lookups",
    "Touched",
    "collecting",
    "joined",
    "large_tables",
    "plain_lookups",
    "touched",
]

LARGE = 20_000
"""Rows from which a table's gradients are gathered: vocabularies as large as BERT's."""

Found = tuple[Tensor, Tensor]
"""Rows of a table (n,), in any order and any number of times, and what is to be added to each of them (n, h)."""

Touched = tuple[Tensor, Tensor]
"""Of a gradient of a table: the rows that may differ from zero (n,), rising, and their values (n, h)."""


class Lookups:
    """Takes the place of an embedding's forward pass, and keeps what backward passes would have added to its table.

    Only while ``collecting``; otherwise the embedding is torch's. Whatever else reads the table (a tied decoder) is
    differentiated by torch as ever, into the table's ``grad``.
    """

    def __init__(self, module: nn.Embedding) -> None:
        self.collects = False
        self._module = module
        self._found: list[Found] = []
        module.forward = self._forward  # type: ignore[method-assign]

    def _forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's own name)
        ids, table = input, self._module.weight
        if self.collects and table.requires_grad and torch.is_grad_enabled():
            looked_up: Tensor = _Lookup.apply(ids, table, self._module.padding_idx, self._found)  # type: ignore[no-untyped-call]
            return looked_up
        return functional.embedding(ids, table, self._module.padding_idx)

    def forget(self) -> None:
        self._found.clear()

    def take(self) -> Found:
        """What was found since the last call, in the order in which it was."""
        found = joined(self._found, self._module.weight)
        self._found.clear()
        return found

    def take_summed(self) -> Touched:
        """The same, each row once."""
        ids, gradients = self.take()
        rows, places = torch.unique(ids, return_inverse=True)
        return rows, _summed(gradients, places, len(rows))

    def take_with(self, rest: Tensor | None) -> Found:
        """The same together with a gradient (V, h) that torch made of other uses of the table; it is written over."""
        if rest is None:
            return self.take()
        rows, values = self.take_summed()
        return touched(rest.index_add_(0, rows, values))


class _Lookup(torch.autograd.Function):
    """An embedding whose backward pass leaves tokens and gradients in a list instead of summing them over a table."""

    @staticmethod
    def forward(ctx: Any, ids: Tensor, table: Tensor, padding: int | None, found: list[Found]) -> Tensor:
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


def joined(found: Sequence[Found], table: Tensor) -> Found:
    """Several looked up behind one another, in the table's precision."""
    if not found:
        return torch.empty(0, dtype=torch.long, device=table.device), table.new_empty(0, table.shape[1])
    ids, gradients = (torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*found, strict=True))
    return ids, gradients.to(table.dtype)


def _summed(values: Tensor, places: Tensor, count: int) -> Tensor:
    """(count, h): values (n, h) added to their places (n,) in the order in which they stand."""
    sums: Tensor = torch.ops.aten.embedding_dense_backward(values, places, count, -1, False)
    return sums


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


@dataclass(frozen=True)
class Gathered:
    """What of a vector (d,) may differ from zero."""

    columns: Sequence[tuple[slice, Tensor]]
    """Runs of columns and their values."""
    tables: Mapping[int, tuple[slice, Touched]]
    """All other columns: tables, by their place in the layout, and their touched rows."""
    storage: Callable[[], Tensor]
    """Gives a vector (d,) that may be written over."""

    def whole(self) -> Tensor:
        """The vector."""
        vector = self.storage()
        for columns, values in self.columns:
            vector[columns].copy_(values)
        for columns, (rows, values) in self.tables.values():
            vector[columns].zero_().view(-1, values.shape[1]).index_copy_(0, rows, values)
        return vector


class GatheredDirection(Direction):
    """A direction whose vector is made when somebody asks for ``shared``.

    While ``gathered`` is there nobody has, and so nobody but the engine can write into what a step follows.
    """

    def __init__(self, shared: Tensor | Gathered, own: Mapping[str, Tensor], rows: int) -> None:
        """shared: what the vector is made of; ``dataclasses.replace`` hands on the vector itself."""
        self._shared = shared
        object.__setattr__(self, "own", own)
        object.__setattr__(self, "rows", rows)

    def of_rows(self, rows: int) -> GatheredDirection:
        return GatheredDirection(self._shared, self.own, rows)

    def __reduce__(self) -> tuple[type[Direction], tuple[Any, ...]]:
        return Direction, (self.shared, self.own, self.rows)

    @property
    def gathered(self) -> Gathered | None:
        return self._shared if isinstance(self._shared, Gathered) else None

    @property
    def shared(self) -> Tensor:
        if isinstance(self._shared, Gathered):
            self._shared = self._shared.whole()
        return self._shared


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
        tables: Mapping[int, Sequence[Found]],
        lend: Callable[[], Tensor | None] | None = None,
        **facts: Any,
    ) -> None:
        """rows: (R, columns of all shared parameters but the tables). layout: that of full rows.

        tables: by their place in ``layout``, what each of the R batches found there. lend: gives storage (d,) for
        the first full vector that is asked for, or none any more. facts: as for TaskGradients, but no result.
        """
        ends = list(accumulate(layout.sizes))
        places = sorted(tables)
        spans = [slice(ends[place] - layout.sizes[place], ends[place]) for place in places]
        edges = [0, *chain.from_iterable((span.start, span.stop) for span in spans), layout.columns]
        self._runs = [slice(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        self._tables = [(place, span, *_aligned(tables[place])) for place, span in zip(places, spans, strict=True)]
        others = [place for place in range(len(ends)) if place not in tables]
        matrices = [rows, *(values.flatten(1) for *_, values in self._tables)]
        layouts = [GradientLayout(tuple(layout.names[p] for p in others), tuple(layout.sizes[p] for p in others))]
        for place, matrix in zip(places, matrices[1:], strict=True):
            layouts.append(GradientLayout((layout.names[place],), (matrix.shape[1],)))
        names, sizes = (
            tuple(chain.from_iterable(it)) for it in zip(*((p.names, p.sizes) for p in layouts), strict=True)
        )
        super().__init__(rows, layout=GradientLayout(names, sizes), **facts)
        self._full = layout.columns
        self._lend = lend
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
        return self._from(found, own)

    def direction(self, shared: Tensor, own: Sequence[float] | None = None) -> Direction:
        whole = self._from(torch.split(shared, [part.layout.columns for part in self._parts]), own)
        return Direction(whole.shared, whole.own, whole.rows)

    def _from(self, parts: Sequence[Tensor], own: Sequence[float] | None) -> GatheredDirection:
        """parts: the values of each part's columns."""
        runs = torch.split(parts[0], [run.stop - run.start for run in self._runs])
        tables = {
            place: (span, (rows, values.view(len(rows), aligned.shape[2])))
            for (place, span, rows, aligned), values in zip(self._tables, parts[1:], strict=True)
        }
        gathered = Gathered(list(zip(self._runs, runs, strict=True)), tables, self._take_result)
        rest = super().direction(parts[0], own)
        return GatheredDirection(gathered, rest.own, rest.rows)

    def _take_result(self) -> Tensor:
        lend, self._lend = self._lend, None
        lent = None if lend is None else lend()
        return self._rows.new_empty(self._full) if lent is None else lent


def _aligned(batches: Sequence[Found]) -> tuple[Tensor, Tensor]:
    """The rows that any batch found (U,), rising, and each batch's sums in them, zero where it found none (R, U, h)."""
    ids, values = (torch.cat(parts) for parts in zip(*batches, strict=True))
    union, places = torch.unique(ids, return_inverse=True)
    # A table of U rows for each batch, one behind the other: all sums in one call.
    for row, part in enumerate(places.split([len(found) for found, _ in batches])):
        part += row * len(union)
    sums = _summed(values, places, len(batches) * len(union))
    return union, sums.view(len(batches), len(union), values.shape[1])
