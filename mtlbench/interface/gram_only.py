"""Gradients of which nothing is known but their inner products, as records keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from torch import Tensor

from mtlbench.interface.errors import MtlbenchError
from mtlbench.interface.gradients import Block, Direction, GradientLayout, Granularity, TaskGradients

__all__ = ["GramOnlyGradients", "NeedsMoreThanGram", "WeightedDirection"]


class NeedsMoreThanGram(MtlbenchError):
    """A method asked for what inner products do not tell; the text is a clause: what it asked for."""


@dataclass(frozen=True)
class WeightedDirection(Direction):
    """A direction in the coordinates of ``GramOnlyGradients``, with the (R,) float64 weights that made it."""

    weights: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    made: Tensor | None = None
    """``shared`` as it was made: another tensor in its place means that a method went on to edit it."""


class GramOnlyGradients(TaskGradients):
    """Rows known by their (R, R) Gram matrix alone: what needs more raises NeedsMoreThanGram.

    Directions live in R coordinates in which inner products are what the Gram matrix says, so that a method may
    measure a direction's length.
    """

    def __init__(self, gram: Tensor, *, tasks: Sequence[str], losses: Tensor | None = None) -> None:
        """gram: (R, R), symmetric and positive semi-definite up to rounding. losses: (R,), if they are known."""
        self._gram = gram.detach().double().cpu()
        self._losses = None if losses is None else losses.double()
        values, vectors = torch.linalg.eigh((self._gram + self._gram.T) / 2)
        roots = values.clamp_min(0).sqrt()  # (R,)
        self.tasks = tuple(tasks)
        self.task_ids = tuple(range(len(self.tasks)))
        self.layout = GradientLayout(("",), (len(self.tasks),))
        self._coordinates = vectors * roots  # (R, R), times its transpose the Gram matrix

    @property
    def losses(self) -> Tensor:
        """(R,)"""
        if self._losses is None:
            _refuse("the tasks' losses")
        return self._losses

    @losses.setter
    def losses(self, value: Tensor) -> NoReturn:
        raise AttributeError("losses are given once")

    def blocks(self, by: Granularity = "matrix") -> tuple[Block, ...]:
        if by != "whole":
            _refuse(f"the gradients by {by}, where it may have a setting that takes them as a whole")
        return self.layout.blocks("whole")

    def block(self, block: Block) -> Tensor:
        _refuse("the gradients themselves")

    def matrix(self) -> Tensor:
        _refuse("the gradients themselves")

    def gram(self, only: Block | None = None) -> Tensor:
        if only is not None and only not in self.blocks("whole"):
            _refuse(f"the inner products on {only.name}")
        return self._gram.clone()

    def weighted(
        self, weights: Tensor | Sequence[float], own: Sequence[float] | None = None, *, by: Granularity = "whole"
    ) -> WeightedDirection:
        self.blocks(by)
        row = torch.as_tensor(weights, dtype=torch.float64).detach().reshape(len(self))  # (R,)
        shared = row @ self._coordinates  # (R,)
        return WeightedDirection(shared, {}, rows=len(self), weights=row.clone(), made=shared)

    def direction(self, shared: Tensor, own: Sequence[float] | None = None) -> Direction:
        _refuse("a direction that is no weighted sum")


def _refuse(what: str) -> NoReturn:
    raise NeedsMoreThanGram(what)
