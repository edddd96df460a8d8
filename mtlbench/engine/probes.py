"""The suite-independent probes: cosines between task gradients (the Gram tape), and the distance from the start."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import require
from mtlbench.interface.hookspecs import hookimpl
from mtlbench.interface.probe import Probe, ProbeView

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CosineProbe", "DistanceProbe", "pairwise_cosine"]

_DIGITS = 9
"""Significant digits of stored Gram matrices: float32 gradients have no more."""


def pairwise_cosine(gram: Tensor) -> Tensor:
    """Cosines between task gradients, from their Gram matrix.

    gram: (R, R), positive semi-definite. Returns (R, R) in [-1, 1]; a zero gradient has cosine 0 with all others.
    """
    import torch

    norms = gram.diagonal().clamp_min(0).sqrt()  # (R,)
    left, right = norms[:, None], norms[None, :]
    alive = (left > 0) & (right > 0)
    # Two divisions: the product of two small norms may underflow where neither norm does.
    cosines = torch.where(alive, gram / torch.where(alive, left, 1.0) / torch.where(alive, right, 1.0), 0.0)
    return cosines.clamp(-1, 1)


def pairs(matrix: Tensor) -> list[float]:
    """The entries above the diagonal, row by row: T(T-1)/2 numbers."""
    rows = matrix.tolist()
    return [value for index, row in enumerate(rows) for value in row[index + 1 :]]


@dataclass
class CosineProbe(Probe):
    """Mean cosine over the unordered pairs of task gradients, on shared encoder parameters, dropout off (Fig. 4).

    One held-out batch a task and draw, the same for every method. ``gram`` is the tape: the (T, T) Gram matrix of
    the first draw. ``se`` is the standard error of the mean over draws. Not defined for a single task.
    """

    name = "cosine"
    label = "pairwise cosine"

    draws: int = 2
    """Batch draws at an evaluation point inside training."""
    last_draws: int = 16
    """Batch draws at the end of training."""

    def __post_init__(self) -> None:
        require(self.draws > 0 and self.last_draws > 0, "draws and last_draws must be positive")

    def measure(self, view: ProbeView) -> Mapping[str, Any] | None:
        if len(view.tasks) < 2:
            return None
        grams = [view.gram(view.batches(draw)) for draw in range(self.last_draws if view.last else self.draws)]
        values = [pairs(pairwise_cosine(gram)) for gram in grams]
        means = [sum(draw) / len(draw) for draw in values]
        flat = sorted(value for draw in values for value in draw)
        found: dict[str, Any] = {
            "mean": sum(means) / len(means),
            "se": _standard_error(means),
            "draws": len(grams),
            "gram": [[float(f"{value:.{_DIGITS}g}") for value in row] for row in grams[0].tolist()],
        }
        if view.last:
            from mtlbench.study.quantiles import quantile

            found["quartiles"] = [quantile(flat, share) for share in (0.25, 0.5, 0.75)]
            found["pairs"] = [sum(draw[i] for draw in values) / len(values) for i in range(len(values[0]))]
            found["values"] = [float(f"{value:.4g}") for value in flat]
        return found


@dataclass
class DistanceProbe(Probe):
    """L2 distance from the pretrained parameters: the norm of phi - phi_0, not squared, over what was pretrained."""

    name = "distance"
    label = "L2 from the start"

    def measure(self, view: ProbeView) -> Mapping[str, Any] | None:
        import torch

        squares = [
            float(torch.linalg.vector_norm(segment.values - segment.start, dtype=torch.float64)) ** 2
            for segment in view.segments
            if segment.pretrained
        ]
        return {"l2": math.sqrt(sum(squares))} if squares else None


def _standard_error(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


@hookimpl
def mtlbench_probes() -> list[type[Probe]]:
    return [CosineProbe, DistanceProbe]
