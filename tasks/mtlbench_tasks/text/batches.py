"""Batches of token ids, padded to their longest row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlbench_tasks.text.store import Ragged

__all__ = ["TokenBatch", "by_length", "token_batch"]


@dataclass(frozen=True)
class TokenBatch:
    """ids, mask, types: (B, L) int64; ``mask`` is 1 where a token stands. targets: what the loss needs, by name."""

    ids: Tensor
    mask: Tensor
    types: Tensor
    targets: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.ids)


def token_batch(
    ids: Ragged, types: Ragged, rows: Sequence[int], targets: Mapping[str, NDArray[np.generic]], pad: int, device: str
) -> TokenBatch:
    """The rows as one batch on ``device``."""
    chosen = list(rows)
    lengths = np.array([ids.starts[row + 1] - ids.starts[row] for row in chosen])
    table = ids.padded(chosen, pad)
    mask = (np.arange(table.shape[1]) < lengths[:, None]).astype(np.int64)

    def there(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.array(array)).to(device)  # a copy: torch wants memory that it may write to

    on = {name: there(value) for name, value in targets.items()}
    return TokenBatch(there(table), there(mask), there(types.padded(chosen, 0)), on)


def by_length(lengths: NDArray[np.integer], tokens: int) -> Iterator[list[int]]:
    """All rows, those of like length together, longest first; a batch holds at most ``tokens`` tokens with padding."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, int(lengths[order[start]])))
        yield [int(row) for row in order[start : start + size]]
        start += size
