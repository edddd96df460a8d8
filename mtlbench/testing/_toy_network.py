"""The toy suite's network: small, and with everything that may go wrong: heads, dropout, buffers of both kinds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["PADDING", "VOCABULARY", "ToyModel"]

VOCABULARY = 12
PADDING = 0
_WIDTH = 6


class _ToyEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, _WIDTH)
        self.mix = nn.Linear(_WIDTH, _WIDTH)
        self.dropout = nn.Dropout(0.1)
        self.norm = nn.BatchNorm1d(_WIDTH)
        self.out = nn.Linear(_WIDTH, _WIDTH)

    def hidden(self, ids: Tensor) -> Tensor:
        """ids: (B, L). Returns (B, L, d)."""
        return self.dropout(torch.tanh(self.mix(self.words(ids))))  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (B, L). Returns (B, d)."""
        mask = (ids != PADDING).unsqueeze(-1)  # (B, L, 1)
        pooled = (self.hidden(ids) * mask).sum(1) / mask.sum(1)  # (B, d)
        return torch.tanh(self.out(self.norm(pooled)))


class ToyModel(nn.Module):
    """An encoder of words and a linear head of two classes per task."""

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self.encoder = _ToyEncoder()
        self.heads = nn.ModuleDict({task: nn.Linear(_WIDTH, 2) for task in tasks})

    def forward(self, ids: Tensor, task: str) -> Tensor:
        """Scores of both classes, (B, 2)."""
        return self.heads[task](self.encoder(ids))  # type: ignore[no-any-return]
