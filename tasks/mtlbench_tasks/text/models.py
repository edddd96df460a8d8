"""A pretrained encoder under one small head, which all tasks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn
from torch.nn import functional

from mtlbench_tasks.text.packing import IGNORED

if TYPE_CHECKING:
    from mtlbench_tasks.text.packing import TextBatch

__all__ = ["TextModel", "best_spans", "class_loss", "span_loss", "tag_loss"]

_NEVER = -1e4
"""A logit for what cannot be: exp of it is 0, and no difference with it overflows."""


class TextModel(nn.Module):
    """``encoder``: a transformers encoder (its call gives ``last_hidden_state``); ``head``: linear, or with one
    hidden layer for the whole sentence."""

    def __init__(self, encoder: nn.Module, outputs: int, *, sentence: bool = False) -> None:
        super().__init__()
        width = cast("Any", encoder).config.hidden_size
        self.encoder = encoder
        self.sentence = sentence
        last = nn.Linear(width, outputs)
        self.head: nn.Module = nn.Sequential(nn.Linear(width, width), nn.Tanh(), last) if sentence else last

    def hidden(self, batch: TextBatch) -> Tensor:
        """The last hidden states, (B, L, d)."""
        return hidden_states(self.encoder, batch.ids, batch.segments, batch.mask)

    def forward(self, batch: TextBatch) -> Tensor:
        """Logits of each token (B, L, outputs), or of the sentence (B, outputs)."""
        hidden = self.hidden(batch)
        if not self.sentence:
            return cast("Tensor", self.head(hidden))
        return cast("Tensor", self.head(pooled(hidden, batch.mask)))


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
