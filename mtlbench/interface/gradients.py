"""The gradients of one joint step, one row a batch, and the direction that a method makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Block", "Direction", "GradientLayout", "Granularity", "TaskGradients"]

Granularity = Literal["whole", "layer", "matrix"]

_COLUMNS = 1 << 15
"""Columns per block of a Gram product: two float64 blocks of eight rows stay in the second-level cache."""


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
    """

    shared: Tensor
    own: Mapping[str, Tensor] = field(default_factory=dict)
    rows: int = 1


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
    ) -> None:
        """rows: (R, d). tasks, task_ids: R names, and their places in the suite's task order. losses: (R,) float64."""
        self.tasks = tuple(tasks)
        self.task_ids = tuple(task_ids)
        self.losses = losses
        self.layout = layout
        self._rows = rows
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
        """(R, R) inner products in float64 on the CPU, over all columns or one block's."""
        total = torch.zeros(len(self), len(self), dtype=torch.float64, device=self._rows.device)
        start, stop = (only.start, only.stop) if only is not None else (0, self._rows.shape[1])
        for left in range(start, stop, _COLUMNS):
            part = self._rows[:, left : min(left + _COLUMNS, stop)].double()  # (R, columns)
            total += part @ part.T
        return total.cpu()

    def grams(self, by: Granularity) -> Tensor:
        """(G, R, R), one Gram matrix per block; their sum is ``gram()``."""
        return torch.stack([self.gram(block) for block in self.blocks(by)])

    def weighted(
        self, weights: Tensor | Sequence[float], own: Sequence[float] | None = None, *, by: Granularity = "whole"
    ) -> Direction:
        """The direction sum_r w_r g_r, summed in float64 and cast back.

        weights: (R,), or with ``by`` (G, R): one row of weights per block. own: R weights for what lies outside the
        shared parameters; 1 each unless given.
        """
        table = torch.as_tensor(weights, dtype=torch.float64).reshape(-1, len(self))  # (G, R)
        shared = torch.empty(self._rows.shape[1], dtype=self._rows.dtype, device=self._rows.device)
        for block, row in zip(self.blocks(by), table.to(self._rows.device), strict=True):
            for left in range(block.start, block.stop, _COLUMNS):
                right = min(left + _COLUMNS, block.stop)
                shared[left:right] = row @ self._rows[:, left:right].double()
        return self.direction(shared, own)

    def direction(self, shared: Tensor, own: Sequence[float] | None = None) -> Direction:
        """A direction from (d,) values of a method's own making, with the plain (or ``own``-weighted) rest."""
        rest: dict[str, Tensor] = {}
        for row, weight in zip(self._own, own if own is not None else [1.0] * len(self), strict=True):
            for segment, gradient in row.items():
                part = gradient * float(weight)
                rest[segment] = rest[segment] + part if segment in rest else part
        return Direction(shared, rest, rows=len(self))
