"""Floating-point operations of one gradient, counted by torch on one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

    from mtlbench.interface.suite import Suite

__all__ = ["flops_per_gradient"]


def flops_per_gradient(suite: Suite, model: nn.Module, task: str, batch_size: int) -> int:
    """Operations in matrix products and convolutions of one forward and backward pass of the task's first batch."""
    from torch.utils.flop_counter import FlopCounterMode

    indices = range(min(batch_size, len(suite.examples(task, "train"))))
    batch = suite.batch(task, "train", list(indices))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        loss = suite.loss(model, batch, task)
        torch.autograd.grad(loss, parameters, allow_unused=True)
    return int(counter.get_total_flops())
