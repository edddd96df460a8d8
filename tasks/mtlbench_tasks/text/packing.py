"""Tokenised text as packed tensors: tokenise once, slice and trim in the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

__all__ = ["IGNORED", "Packed", "TextBatch"]

IGNORED = -100
"""A token label that no loss and no score counts."""


@dataclass(frozen=True)
class TextBatch:
    """Token ids, segment ids and padding mask (true where a token stands), each (B, L), and what is to be predicted.

    labels: (B, L) tags, (B, 2) first and last token of an answer, or (B,) classes, by the head.
    """

    ids: Tensor
    segments: Tensor
    mask: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """B."""
        return len(self.ids)

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class Packed:
    """All examples of one split of one task: ids and segments (N, L), lengths (N,), labels (N, ...)."""

    ids: Tensor
    segments: Tensor
    lengths: Tensor
    labels: Tensor

    @classmethod
    def of(
        cls,
        ids: Sequence[Sequence[int]],
        segments: Sequence[Sequence[int]],
        labels: Sequence[Sequence[int]] | Sequence[int],
        *,
        pad_id: int = 0,
    ) -> Packed:
        """Pads token rows with ``pad_id``; rows of labels as long as their tokens are padded with ``IGNORED``."""
        lengths = torch.tensor([len(row) for row in ids])
        width = int(lengths.max()) if len(ids) else 0
        first = labels[0] if len(labels) else 0
        if not isinstance(first, int) and all(len(row) == len(tokens) for row, tokens in zip(labels, ids, strict=True)):  # type: ignore[arg-type]
            packed_labels = _filled(labels, width, IGNORED)  # type: ignore[arg-type]
        else:
            packed_labels = torch.tensor(labels)
        return cls(_filled(ids, width, pad_id), _filled(segments, width, 0), lengths, packed_labels)

    def __len__(self) -> int:
        """N."""
        return len(self.ids)

    def batch(self, indices: Sequence[int] | Tensor) -> TextBatch:
        """The examples at ``indices``, as wide as the longest of them."""
        chosen = torch.as_tensor(indices)
        lengths = self.lengths[chosen]
        width = int(lengths.max())
        labels = self.labels[chosen]
        if labels.dim() == 2 and labels.shape[1] == self.ids.shape[1]:
            labels = labels[:, :width]
        mask = torch.arange(width, device=lengths.device)[None, :] < lengths[:, None]  # (B, L)
        return TextBatch(self.ids[chosen, :width], self.segments[chosen, :width], mask, labels)

    def take(self, indices: Sequence[int]) -> Packed:
        """The examples at ``indices``, as wide as before."""
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return replace(self, **{name: value[chosen] for name, value in vars(self).items()})

    def batches(self, size: int) -> list[TextBatch]:
        """All examples in order, for scoring."""
        return [self.batch(torch.arange(start, min(start + size, len(self)))) for start in range(0, len(self), size)]

    def to(self, device: str) -> Packed:
        """The same on another device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in vars(self)})


def _filled(rows: Sequence[Sequence[int]], width: int, value: int) -> Tensor:
    """(N, width): the rows, each with ``value`` behind it."""
    out = torch.full((len(rows), width), value, dtype=torch.int64)
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    out[torch.arange(width) < lengths[:, None]] = torch.tensor(list(chain.from_iterable(rows)), dtype=torch.int64)
    return out
