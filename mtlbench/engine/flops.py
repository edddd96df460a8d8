"""Floating-point operations of one gradient, counted on one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

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
    indices = range(min(protocol.batch_size, len(suite.examples(task, "train"))))
    batch = cut_batch(suite, task, 0, "train", indices, protocol.accumulate)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    counter = _Counter()
    with counter, torch.enable_grad():
        for part, _ in weighed(suite, batch):
            with autocast(protocol.precision, parameters[0].device.type):
                loss = suite.loss(model, part.payload, task)
            torch.autograd.grad(loss, parameters, allow_unused=True)
    return counter.total


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what torch's own formulas say of the operations that are executed.

    Torch's own counter tries to decompose every operation that it has no formula for. That imports its compiler, which
    takes longer than the first cell of many a worker, and finds nothing in the CPU's attention.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler to keep it away from here

    def __init__(self) -> None:
        from torch.utils.flop_counter import flop_registry

        super().__init__()  # type: ignore[no-untyped-call]
        aten = torch.ops.aten
        flash, back = aten._scaled_dot_product_flash_attention, aten._scaled_dot_product_flash_attention_backward
        self._formulas = {
            **flop_registry,
            aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[flash],
            aten._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[back],
        }
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = self._formulas.get(func.overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=out))
        return out
