"""A pretrained encoder under one small head, which all tasks share: tags, spans, or a relation of two segments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench_tasks.text.packing import IGNORED

if TYPE_CHECKING:
    from mtlbench_tasks.text.packing import TextBatch

__all__ = [
    "PairHead",
    "SpanHead",
    "TagHead",
    "TextModel",
    "best_spans",
    "class_loss",
    "hidden_states",
    "pooled",
    "span_loss",
    "tag_loss",
]

_NEVER = -1e4
"""A logit for what cannot be: exp of it is 0, and no difference with it overflows."""


class TextModel(nn.Module):
    """A transformers encoder (its call gives ``last_hidden_state``) and a head that sees its states and the batch."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def hidden(self, batch: TextBatch) -> Tensor:
        """The last hidden states, (B, L, d)."""
        return hidden_states(self.encoder, batch.ids, batch.segments, batch.mask)

    def forward(self, batch: TextBatch) -> Tensor:
        """The head's logits."""
        return cast("Tensor", self.head(self.hidden(batch), batch))


class TagHead(nn.Module):
    """Logits of each token's tag, (B, L, tags)."""

    def __init__(self, width: int, tags: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, tags)

    def forward(self, hidden: Tensor, batch: TextBatch) -> Tensor:
        return cast("Tensor", self.linear(hidden))


class SpanHead(nn.Module):
    """Logits of each token as the first and as the last of the answer, (B, L, 2).

    Beside a linear score, a bilinear one against the mean of the question (Chen et al. 2017): whether a token suits
    the question. Its matrices start as the identity, the similarity that the encoder came with: a small encoder
    does not learn from a few thousand questions to compare across segments by itself.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2)
        self.match = nn.Parameter(torch.eye(width).repeat(2, 1, 1))  # (2, d, d)

    def forward(self, hidden: Tensor, batch: TextBatch) -> Tensor:
        question = pooled(hidden, (batch.segments == 0) & batch.mask)  # (B, d)
        wanted = torch.einsum("kde,be->bdk", self.match, question)  # (B, d, 2)
        return cast("Tensor", self.linear(hidden)) + hidden @ wanted / math.sqrt(hidden.shape[2])


class PairHead(nn.Module):
    """Logits of the relation of two segments, (B, classes), from how their means compare: |u - v| and u * v.

    As InferSent's (Conneau et al. 2017), without u and v themselves: what is left depends less on the language.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh(), nn.Linear(width, classes))

    def forward(self, hidden: Tensor, batch: TextBatch) -> Tensor:
        one = pooled(hidden, (batch.segments == 0) & batch.mask)
        other = pooled(hidden, (batch.segments == 1) & batch.mask)
        return cast("Tensor", self.layers(torch.cat([(one - other).abs(), one * other], dim=1)))


def hidden_states(encoder: nn.Module, ids: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
    """The encoder's last hidden states, (B, L, d)."""
    found = encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask.long())
    return cast("Tensor", found.last_hidden_state)


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that are no padding, (B, d)."""
    weights = mask.to(hidden.dtype)[:, :, None]
    return (hidden * weights).sum(1) / weights.sum(1)


def tag_loss(logits: Tensor, batch: TextBatch) -> Tensor:
    """Mean cross-entropy over labelled tokens. logits: (B, L, tags)."""
    return functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED)


def class_loss(logits: Tensor, batch: TextBatch) -> Tensor:
    """Mean cross-entropy over examples. logits: (B, classes)."""
    return functional.cross_entropy(logits, batch.labels)


def span_loss(logits: Tensor, batch: TextBatch) -> Tensor:
    """Mean cross-entropy of first and last token of the answers, which stand in the second segment.

    logits: (B, L, 2).
    """
    scores = _in_passage(logits, batch)
    return (
        functional.cross_entropy(scores[:, :, 0], batch.labels[:, 0])
        + functional.cross_entropy(scores[:, :, 1], batch.labels[:, 1])
    ) / 2


def best_spans(logits: Tensor, batch: TextBatch, longest: int) -> Tensor:
    """(B, 2) first and last token of the most probable answers of at most ``longest`` tokens. logits: (B, L, 2)."""
    scores = _in_passage(logits, batch)
    width = scores.shape[1]
    joint = scores[:, :, None, 0] + scores[:, None, :, 1]  # (B, L, L)
    allowed = joint.new_ones(width, width).triu().tril(longest - 1).bool()
    best = joint.masked_fill(~allowed, 4 * _NEVER).flatten(1).argmax(1)
    return (best[:, None] // best.new_tensor([width, 1])) % width


def _in_passage(logits: Tensor, batch: TextBatch) -> Tensor:
    passage = (batch.segments == 1) & batch.mask
    return logits.masked_fill(~passage[:, :, None], _NEVER)
