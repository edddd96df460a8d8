"""Branches: working copies of the parameters, and what they leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mtlbench.engine.parameters import FlatParameters

__all__ = ["Delta", "OpenBranch", "move"]


@dataclass(frozen=True)
class Delta:
    """theta(K) - phi over the flat vector, with the buffers as the branch left them."""

    values: Tensor
    buffers: tuple[Tensor, ...]
    """Per buffer of the model: the difference for floating point, the last value for integers."""
    owners: frozenset[str]
    """Tasks drawn in the branch."""
    steps: int

    def norm(self) -> float:
        """Euclidean length over all trainable parameters."""
        return float(torch.linalg.vector_norm(self.values, dtype=torch.float64))


@dataclass
class OpenBranch:
    """A branch while it is open; ``delta`` can be read once it has ended."""

    owners: set[str] = field(default_factory=set)
    steps: int = 0
    _delta: Delta | None = None

    @property
    def delta(self) -> Delta:
        if self._delta is None:
            raise RuntimeError("a branch has a delta only after its context has ended")
        return self._delta

    def close(self, parameters: FlatParameters, model: nn.Module, phi: Tensor, buffers: list[Tensor]) -> None:
        """Put phi back and keep the difference."""
        left = [
            buffer - before if buffer.is_floating_point() else buffer.clone()
            for buffer, before in zip(model.buffers(), buffers, strict=True)
        ]
        self._delta = Delta(parameters.values - phi, tuple(left), frozenset(self.owners), self.steps)
        parameters.values.copy_(phi)
        for buffer, before in zip(model.buffers(), buffers, strict=True):
            buffer.copy_(before)


def move(parameters: FlatParameters, model: nn.Module, deltas: Iterable[Delta], rate: float) -> None:
    """phi += rate * mean of the deltas; see ``GradientOracle.move``.

    The deltas are consumed one by one, so that few vectors are held however many there are.
    """
    total: Tensor | None = None
    buffers = [torch.zeros_like(buffer) for buffer in model.buffers()]
    owners: list[frozenset[str]] = []
    for delta in deltas:
        total = (
            delta.values if total is None else total.add(delta.values) if len(owners) == 1 else total.add_(delta.values)
        )
        owners.append(delta.owners)
        for total_buffer, left in zip(buffers, delta.buffers, strict=True):
            if total_buffer.is_floating_point():
                total_buffer += left
            else:
                total_buffer.copy_(left)
    if total is None:
        return
    for segment, (start, stop) in zip(parameters.segments, parameters.segment_spans, strict=True):
        shared = segment.owner is None or segment.owner in parameters.attached
        count = len(owners) if shared else sum(segment.owner in tasks for tasks in owners)
        if count:
            parameters.values[start:stop].add_(total[start:stop], alpha=rate / count)
    for buffer, total_buffer in zip(model.buffers(), buffers, strict=True):
        if buffer.is_floating_point():
            buffer.add_(total_buffer, alpha=rate / len(owners))
        else:
            buffer.copy_(total_buffer)
