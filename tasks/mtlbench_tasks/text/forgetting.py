"""The masked-LM task that an encoder was pretrained on, for measuring how much of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from mtlbench_tasks.text.batches import TokenBatch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["head_logits", "masked_lm_logits"]

Logits = Callable[[nn.Module, "Tensor", "Tensor"], "Tensor"]
"""As ``mtlbench.interface.MaskedLM`` has it."""


def masked_lm_logits(head: nn.Module, separator: int, pad_id: int) -> Logits:
    """The logits for models with a BERT encoder at ``model.encoder``.

    head: the pretrained masked-LM head (transformers' ``cls``); its decoder's weights are replaced by the model's
    word embeddings for the call. separator: what follows it, up to the next, is the second segment.
    """
    predictions = cast("Any", head).predictions

    def logits(model: nn.Module, ids: Tensor, chosen: Tensor) -> Tensor:
        encoder = cast("Any", model).encoder
        width = int((ids != pad_id).sum(1).max())
        ids, chosen = ids[:, :width], chosen[:, :width]
        ended = (ids == separator).cumsum(1)
        segments = ((ended - (ids == separator).long()) == 1).long()
        mask = ids != pad_id
        found = encoder(input_ids=ids, token_type_ids=segments * mask, attention_mask=mask.long())
        hidden = predictions.transform(found.last_hidden_state[chosen])  # (chosen, d)
        embeddings = encoder.get_input_embeddings().weight
        return torch.nn.functional.linear(hidden, embeddings, predictions.decoder.bias)

    return logits


def head_logits(pretrained: Any, pad_id: int, device: str) -> Logits:
    """The logits for a ``HeadedEncoder`` under the head of ``pretrained``, any ``...ForMaskedLM`` of transformers.

    ``pretrained`` is taken apart: its encoder makes way for hidden states that are known already, so that the head
    sees the chosen tokens alone, and every architecture's own head code runs. Where the checkpoint ties the decoder
    to the word embeddings, it is tied to those of the model that is measured.
    """
    states = _States()
    setattr(pretrained, pretrained.base_model_prefix, states)
    decoder = pretrained.get_output_embeddings()
    is_tied = decoder is not None and getattr(pretrained.config, "tie_word_embeddings", True)
    if is_tied:
        decoder.weight = nn.Parameter(torch.empty(0))
    pretrained.to(device).eval()

    def logits(model: nn.Module, ids: Tensor, chosen: Tensor) -> Tensor:
        width = int((ids != pad_id).sum(1).max())
        ids, chosen = ids[:, :width], chosen[:, :width]
        mask = (ids != pad_id).long()
        headed = cast("Any", model)
        hidden, _ = headed.states(TokenBatch(ids, mask, torch.zeros_like(ids), {}))  # (B, L, d)
        if is_tied:
            decoder.weight = headed.encoder.get_input_embeddings().weight
        states.known = hidden[chosen][None]  # (1, chosen, d)
        found: Tensor = pretrained(input_ids=ids.new_zeros(1, states.known.shape[1])).logits[0]
        return found

    return logits


class _States(nn.Module):
    """In an encoder's place: gives the hidden states that it was handed."""

    known: Tensor

    def forward(self, *_: Any, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self.known)
