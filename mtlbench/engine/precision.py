"""What losses and scores compute in: the parameters' own precision, or a lower one by torch's autocast."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

__all__ = ["autocast", "widened"]


def autocast(precision: Literal["float32", "bfloat16"], device: str) -> AbstractContextManager[object]:
    """The context in which one loss, or all that is looked at between two steps, is computed on a type of device.

    Backward passes stay outside: their operations take the precision of the forward pass by themselves. There is no
    float16: its gradients underflow unless losses are scaled, by a scale that would have to be searched on the way.
    """
    if precision == "float32":
        return nullcontext()
    # Without the cache of cast weights: what was cast for a look without gradients would have none later.
    return torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)


def widened(tensor: Tensor) -> Tensor:
    """A tensor that autocast left in bfloat16, in float32; any other as it is."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
