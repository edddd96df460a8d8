"""The gradients of one joint step, one row a batch, and the direction that a method makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Block", "Direction", "GradientLayout", "Granularity", "TaskGradients"]

Granularity = Literal["whole", "layer", "matrix"]

_COLUMNS = 1 << 12
"""Columns per float32 product of a Gram matrix: measured fastest. How exact that is depends on the order in which the
CPU's kernels add, up to 4096 terms one after the other."""

_SMALL = 1 << 16
"""Below this many columns sums are taken in float64 throughout: it costs microseconds."""

_SAFE = (1e-20, 1e30)
"""Squared float32 norms in this range neither lost small squares nor overflowed."""

_PARALLEL = 0.9999
"""Beyond this cosine, what is left of one row without the other is smaller than float32 products can tell."""

_LIGHT, _HEAVY = 1e-15, 1e15
"""Weights between these (or 0) may be cast to float32 and multiplied there."""


@dataclass(frozen=True)
class Block:
    """Columns [start, stop) of the shared parameters that belong together."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class GradientLayout:
    """Where each shared parameter lies in a row: names and sizes, in the order of the columns.

    names: as ``named_parameters`` gives them; what stands before the last dot is the parameter's layer, the module
    that directly holds it.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def columns(self) -> int:
        """d, the number of shared parameters."""
        return sum(self.sizes)

    def blocks(self, by: Granularity = "matrix") -> tuple[Block, ...]:
        """One block for all (``whole``), per module with parameters (``layer``), or per tensor (``matrix``)."""
        if by == "whole":
            return (Block("", 0, self.columns),)
        placed, start = [], 0
        for name, size in zip(self.names, self.sizes, strict=True):
            placed.append(Block(name, start, start + size))
            start += size
        if by == "matrix":
            return tuple(placed)
        layers = [(layer, list(blocks)) for layer, blocks in groupby(placed, lambda b: b.name.rpartition(".")[0])]
        return tuple(Block(layer, blocks[0].start, blocks[-1].stop) for layer, blocks in layers)


@dataclass(frozen=True)
class Direction:
    """What an optimizer step follows (downhill is minus the direction), in the scale of a sum over rows.

    shared: (d,) in the parameters' dtype. own: flat gradients of parameters outside the shared ones, by segment
    name (a task's head, an attached module); a segment that is missing is left alone by the optimizer.
    rows: R, by which the protocol's mean reduction divides.

    What task gradients give as ``shared`` is lent until the next ``gradients`` call, and says nothing once the
    direction was followed.
    """

    shared: Tensor
    own: Mapping[str, Tensor] = field(default_factory=dict)
    rows: int = 1

    def of_rows(self, rows: int) -> Direction:
        """The same with another R, without a look at it."""
        return replace(self, rows=rows)


class TaskGradients:
    """Per-row gradients of one joint step at the same parameters.

    Row r is the gradient of the mean loss of row r's batch. Shared parameters form the columns; parameters owned by
    one task's head, and attached modules, stay outside (``own``) and out of every Gram matrix. The storage is lent
    by the oracle and written again at the next ``gradients`` call: keep sums and Gram matrices, never rows.
    """

    def __init__(
        self,
        rows: Tensor,
        *,
        tasks: Sequence[str],
        task_ids: Sequence[int],
        losses: Tensor,
        layout: GradientLayout,
        own: Sequence[Mapping[str, Tensor]] | None = None,
        result: Tensor | None = None,
    ) -> None:
        """rows: (R, d). tasks, task_ids: R names, and their places in the suite's task order. losses: (R,) float64.

        result: (d,) storage for the first direction that is asked for.
        """
        self.tasks = tuple(tasks)
        self.task_ids = tuple(task_ids)
        self.losses = losses
        self.layout = layout
        self._rows = rows
        self._result = result
        self._own = tuple(own) if own is not None else tuple({} for _ in self.tasks)

    @classmethod
    def from_matrix(
        cls, matrix: Tensor, *, losses: Tensor | None = None, blocks: Mapping[str, int] | None = None
    ) -> TaskGradients:
        """Gradients that come from no model, for tests and golden vectors.

        matrix: (R, d). blocks: parameter names with their sizes in column order; one parameter when absent.
        """
        count = matrix.shape[0]
        sizes = dict(blocks) if blocks is not None else {"parameter": matrix.shape[1]}
        return cls(
            matrix,
            tasks=[f"task-{row}" for row in range(count)],
            task_ids=range(count),
            losses=torch.ones(count, dtype=torch.float64) if losses is None else losses.double(),
            layout=GradientLayout(tuple(sizes), tuple(sizes.values())),
        )

    @classmethod
    def from_gram(
        cls, gram: Tensor, *, tasks: Sequence[str] | None = None, losses: Tensor | None = None
    ) -> TaskGradients:
        """Gradients of which only the inner products are known, as on a record's Gram tape.

        gram: (R, R). losses: (R,), if they are known. Whatever needs more raises NeedsMoreThanGram.
        """
        from mtlbench.interface.gram_only import GramOnlyGradients

        names = [f"task-{row}" for row in range(len(gram))] if tasks is None else tasks
        return GramOnlyGradients(gram, tasks=names, losses=losses)

    def __len__(self) -> int:
        """R."""
        return len(self.tasks)

    def blocks(self, by: Granularity = "matrix") -> tuple[Block, ...]:
        """The column blocks at a granularity; ``block(b)`` gives their gradients."""
        return self.layout.blocks(by)

    def block(self, block: Block) -> Tensor:
        """(R, columns of the block), a view of the storage."""
        return self._rows[:, block.start : block.stop]

    def matrix(self) -> Tensor:
        """(R, d), a view of the storage: for methods that need more than inner products."""
        return self._rows

    def gram(self, only: Block | None = None) -> Tensor:
        """(R, R) inner products in float64 on the CPU, over all columns or one block's.

        Long float32 rows are multiplied in float32, 4096 columns at a time, and summed in float64: to 1e-6 of the mean
        squared norm, by the CPU (docs/methods.md, *Precision*). Where float32 squares would under- or overflow, for
        nearly parallel rows, and for short rows, all is float64.
        """
        return _gram(self._rows if only is None else self.block(only)).cpu()

    def grams(self, by: Granularity) -> Tensor:
        """(G, R, R), one Gram matrix per block; their sum is ``gram()`` up to rounding."""
        return torch.stack([self.gram(block) for block in self.blocks(by)])

    def weighted(
        self, weights: Tensor | Sequence[float], own: Sequence[float] | None = None, *, by: Granularity = "whole"
    ) -> Direction:
        """The direction sum_r w_r g_r.

        weights: (R,), or with ``by`` (G, R): one row of weights per block. own: R weights for what lies outside the
        shared parameters; 1 each unless given. Short rows are summed in float64 and cast back; long float32 rows in
        float32, exact to 1e-7 of sum_r |w_r g_r|, because float64 sums would cost more than the rest of the surgery.
        """
        table = torch.as_tensor(weights, dtype=torch.float64).reshape(-1, len(self))  # (G, R)
        shared = self._take_result()
        for block, row in zip(self.blocks(by), table.to(self._rows.device), strict=True):
            _weigh(self.block(block), row, shared[block.start : block.stop])
        return self.direction(shared, own)

    def _take_result(self) -> Tensor:
        """(d,) for a direction: the lent storage at the first call (its pages are warm), a new one after that."""
        lent, self._result = self._result, None
        return self._rows.new_empty(self._rows.shape[1]) if lent is None else lent

    def direction(self, shared: Tensor, own: Sequence[float] | None = None) -> Direction:
        """A direction from (d,) values of a method's own making, with the plain (or ``own``-weighted) rest."""
        rest: dict[str, Tensor] = {}
        for row, weight in zip(self._own, own if own is not None else [1.0] * len(self), strict=True):
            for segment, gradient in row.items():
                part = gradient * float(weight)
                rest[segment] = rest[segment] + part if segment in rest else part
        return Direction(shared, rest, rows=len(self))


def _gram(rows: Tensor) -> Tensor:
    """(R, R) float64 inner products of (R, n) rows."""
    columns = rows.shape[1]
    if rows.dtype == torch.float32 and columns >= _SMALL:
        whole = columns // _COLUMNS * _COLUMNS
        blocks = rows[:, :whole].reshape(len(rows), -1, _COLUMNS).transpose(0, 1)  # (n / 4096, R, 4096)
        total = torch.bmm(blocks, blocks.transpose(1, 2)).sum(0, dtype=torch.float64) + _gram64(rows[:, whole:])
        if _trustworthy(total):
            return total
    return _gram64(rows)


def _trustworthy(gram: Tensor) -> bool:
    """Whether float32 products were precise enough: no row too small, too large, or nearly parallel to another."""
    squares = gram.diagonal()
    if not bool(((squares > _SAFE[0]) & (squares < _SAFE[1])).all()):
        return False
    norms = squares.sqrt()
    cosines = (gram / norms[:, None] / norms[None, :]).fill_diagonal_(0.0)
    return bool((cosines.abs() < _PARALLEL).all())


def _gram64(rows: Tensor) -> Tensor:
    total = torch.zeros(rows.shape[0], rows.shape[0], dtype=torch.float64, device=rows.device)
    for part in torch.split(rows, _SMALL, dim=1):
        wide = part.double()  # (R, at most 65536)
        total += wide @ wide.T
    return total


def _weigh(rows: Tensor, weights: Tensor, result: Tensor) -> None:
    """result (n,) = weights (R,) times rows (R, n)."""
    if rows.dtype == torch.float32 and rows.shape[1] >= _SMALL and _castable(weights):
        torch.mv(rows.T, weights.float(), out=result)
        return
    for part, target in zip(torch.split(rows, _SMALL, dim=1), torch.split(result, _SMALL), strict=True):
        target.copy_(weights @ part.double())


def _castable(weights: Tensor) -> bool:
    """Whether float32 holds the weights and their products with gradients."""
    sizes = weights.abs()
    return bool(((sizes == 0) | ((sizes > _LIGHT) & (sizes < _HEAVY))).all())
