"""A second count of the work, which shares no code with the meter: hooks on the model itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from mtlbench.engine.accounts import Meter

__all__ = ["Audit"]


class Audit:
    """Counts forward passes of the encoder that build a graph, and backward passes that reach shared parameters.

    Forward passes in the middle of a backward pass are excluded: activation checkpointing computes again what was
    counted before. Each micro-batch of a batch is a pass of its own, here and in the meter.
    A method that trains behind the meter's back, or a suite whose loss does not pass through its encoder exactly
    once, makes the two accounts differ; the record then says so and boards refuse it.
    """

    def __init__(self, encoder: nn.Module, watched: Sequence[nn.Parameter]) -> None:
        """watched: parameters such that every backward pass of a loss reaches one of them."""
        self.forwards = 0
        self.backwards = 0
        self._paused = self._lending = False
        self._handles: list[Any] = [
            encoder.register_forward_hook(self._saw_forward),
            torch.autograd.graph.register_multi_grad_hook(list(watched), self._saw_backward, mode="any"),
        ]

    def _saw_forward(self, *_: Any) -> None:
        if not (self._paused or self._lending) and torch.is_grad_enabled() and not _in_backward():
            self.forwards += 1

    def _saw_backward(self, _: Any) -> None:
        if not self._paused:
            self.backwards += 1

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within the block (evaluation, probes) nothing is counted."""
        last, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = last

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Within the block the encoder hands out what it has computed before, which is no pass."""
        self._lending = True
        try:
            yield
        finally:
            self._lending = False

    def difference(self, meter: Meter) -> str | None:
        """How the two accounts differ, in words; None when they agree."""
        pairs = [("forward", meter.forwards, self.forwards), ("backward", meter.backwards, self.backwards)]
        found = [f"{kind} passes: {told} metered, {seen} seen" for kind, told, seen in pairs if told != seen]
        return "; ".join(found) or None

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def _in_backward() -> bool:
    """Whether torch's autograd engine is at work in this thread."""
    return torch._C._current_graph_task_id() != -1
