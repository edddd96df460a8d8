"""An encoder with heads on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench_tasks.text.batches import TokenBatch

__all__ = ["HeadedEncoder", "new_heads"]


class HeadedEncoder(nn.Module):
    """A text encoder under one ``head`` for all tasks, or under one of ``heads`` for each."""

    def __init__(self, encoder: nn.Module, head: nn.Module | None, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.heads = nn.ModuleDict(dict(heads))
        config: Any = encoder.config
        self._typed = getattr(config, "type_vocab_size", 0) > 1
        self.dropout = nn.Dropout(_dropout(config))

    def states(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """The last hidden states (B, L, d), and one vector a row (B, d): the pooler's, or the first token's."""
        types = {"token_type_ids": batch.types} if self._typed else {}
        found = self.encoder(input_ids=batch.ids, attention_mask=batch.mask, **types)
        pooled = getattr(found, "pooler_output", None)
        states = found.last_hidden_state
        return states, states[:, 0] if pooled is None else pooled

    def tokens(self, batch: TokenBatch, task: str) -> Tensor:
        """The head's outputs for every token, (B, L, outputs)."""
        scored: Tensor = self._head(task)(self.dropout(self.states(batch)[0]))
        return scored

    def rows(self, batch: TokenBatch, task: str) -> Tensor:
        """The head's outputs for every row, (B, outputs)."""
        scored: Tensor = self._head(task)(self.dropout(self.states(batch)[1]))
        return scored

    def _head(self, task: str) -> nn.Module:
        return self.head if self.head is not None else self.heads[task]


def new_heads(outputs: Mapping[str, int], width: int, spread: float, seed: int) -> dict[str, nn.Module]:
    """One linear layer a name, as transformers initialises it: weights normal with deviation ``spread``, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, nn.Module] = {}
    for name, count in outputs.items():
        layer = nn.Linear(width, count)
        with torch.no_grad():
            layer.weight.normal_(0.0, spread, generator=generator)
            layer.bias.zero_()
        found[name] = layer
    return found


def _dropout(config: Any) -> float:
    for name in ("classifier_dropout", "hidden_dropout_prob", "dropout"):
        value = getattr(config, name, None)
        if isinstance(value, float):
            return value
    return 0.0
