"""A gradient before the measuring begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlbench.engine.micro_batches import cut
from mtlbench.engine.precision import autocast
from mtlbench.engine.recomputing import recompute_activations

if TYPE_CHECKING:
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["warm_up"]


def warm_up(suite: Suite, protocol: TrainingProtocol, device: str) -> None:
    """Differentiate one batch of the first task, or its first part, on a model that is thrown away.

    Libraries take buffers at the first call and keep them for the life of the process. Without this the first cell of
    a process is charged with them, in memory and in seconds, and the cells after it are not. Torch's global generator
    is left anywhere: a cell seeds it before every use.
    """
    task = suite.tasks()[0].name
    model = suite.model(0).to(device).train()
    if protocol.activation_checkpointing:
        recompute_activations(suite, model)
    indices = range(min(protocol.batch_size, len(suite.examples(task, "train"))))
    part = suite.batch(task, "train", cut(indices, protocol.accumulate)[0])
    with autocast(protocol.precision, next(model.parameters()).device.type):
        loss = suite.loss(model, part, task)
    loss.backward()  # type: ignore[no-untyped-call]
