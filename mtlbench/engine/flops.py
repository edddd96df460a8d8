"""Floating-point operations of one gradient, counted by torch on one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mtlbench.engine.micro_batches import cut_batch, weighed
from mtlbench.engine.precision import autocast

if TYPE_CHECKING:
    from torch import nn

    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["flops_per_gradient"]


def flops_per_gradient(suite: Suite, model: nn.Module, task: str, protocol: TrainingProtocol) -> int:
    """Operations in matrix products and convolutions of one forward and backward pass of the task's first batch.

    As training does it: in micro-batches where the protocol asks for them, and with what a model that checkpoints
    its activations computes a second time.
    """
    from torch.utils.flop_counter import FlopCounterMode

    indices = range(min(protocol.batch_size, len(suite.examples(task, "train"))))
    batch = cut_batch(suite, task, 0, "train", indices, protocol.accumulate)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        for part, _ in weighed(suite, batch):
            with autocast(protocol.precision, parameters[0].device.type):
                loss = suite.loss(model, part.payload, task)
            torch.autograd.grad(loss, parameters, allow_unused=True)
    return int(counter.get_total_flops())
