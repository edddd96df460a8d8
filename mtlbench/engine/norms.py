"""Euclidean norms of gradients in float64: float32 squares under- and overflow, and clipping must not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["norm_of"]

_LONG = 1 << 20
"""Numbers from which a vector is widened piece by piece, six times as fast as torch's norm with a wider type. Its sums
are rounded differently (1e-13): the embedded suites' models stay with the latter, and their records what they are."""
_PIECE = 1 << 16


def norm_of(parts: Sequence[Tensor]) -> float:
    """Euclidean norm over all parts."""
    return math.sqrt(sum(_square(part) for part in parts))


def _square(part: Tensor) -> float:
    if part.numel() < _LONG:
        return float(torch.linalg.vector_norm(part, dtype=torch.float64)) ** 2
    squares = []
    for piece in torch.split(part, _PIECE if part.device.type == "cpu" else part.numel()):
        wide = piece.double()  # one piece at a time, which stays in the cache
        squares.append(torch.dot(wide, wide))
    return float(torch.stack(squares).sum())
