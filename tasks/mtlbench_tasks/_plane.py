"""The plane's network: a point, and the depth of one well at it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Plane", "mean_cosine", "well"]


def well(point: Tensor, centre: Tensor) -> Tensor:
    """L = -200 exp(-0.2 ||point - centre||), the norm not squared; the gradient at the centre is 0.

    point, centre: (2,). The subgradient 0 is torch's own at the kink of ``vector_norm``.
    """
    return -200.0 * torch.exp(-0.2 * torch.linalg.vector_norm(point - centre))


class _Point(nn.Module):
    """phi as a batch of one sequence of one token of width 2, so that noise may multiply it."""

    def __init__(self, start: Sequence[float]) -> None:
        super().__init__()
        self.phi = nn.Parameter(torch.tensor(start, dtype=torch.float64))  # (2,)

    def forward(self) -> Tensor:
        return self.phi.view(1, 1, 2)


class Plane(nn.Module):
    """A model that is a point; its prediction for a task is how deep it lies in the task's well."""

    def __init__(self, start: Sequence[float]) -> None:
        super().__init__()
        self.encoder = _Point(start)

    def forward(self, centre: Tensor) -> Tensor:
        """The loss, a scalar. centre: (2,)."""
        return well(self.encoder().view(2), centre)


def mean_cosine(points: Tensor, centres: Tensor) -> Tensor:
    """Mean cosine over the pairs of task gradients at each point, (n,); they point away from the centres.

    points: (n, 2). centres: (T, 2). A gradient that vanishes, at a centre, has cosine 0 with all others.
    """
    away = points[:, None, :] - centres  # (n, T, 2)
    lengths = torch.linalg.vector_norm(away, dim=2, keepdim=True)
    units = torch.where(lengths > 0, away / lengths, 0.0)  # (n, T, 2)
    cosines = units @ units.transpose(1, 2)  # (n, T, T)
    above = torch.triu_indices(len(centres), len(centres), offset=1)
    return cosines[:, above[0], above[1]].mean(dim=1)
