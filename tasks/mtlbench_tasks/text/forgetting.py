"""The masked-LM task that an encoder was pretrained on, for measuring how much of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["masked_lm_logits"]


def masked_lm_logits(head: nn.Module, separator: int, pad_id: int) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """The ``logits`` of ``mtlbench.interface.MaskedLM`` for models with a BERT encoder at ``model.encoder``.

    head: the pretrained masked-LM head (transformers' ``cls``); its decoder's weights are replaced by the model's
    word embeddings for the call. separator: what follows it, up to the next, is the second segment.
    """
    predictions = cast("Any", head).predictions

    def logits(model: nn.Module, ids: Tensor, chosen: Tensor) -> Tensor:
        encoder = cast("Any", model).encoder
        ended = (ids == separator).cumsum(1)
        segments = ((ended - (ids == separator).long()) == 1).long()
        mask = ids != pad_id
        found = encoder(input_ids=ids, token_type_ids=segments * mask, attention_mask=mask.long())
        hidden = predictions.transform(found.last_hidden_state[chosen])  # (chosen, d)
        embeddings = encoder.get_input_embeddings().weight
        return torch.nn.functional.linear(hidden, embeddings, predictions.decoder.bias)

    return logits
