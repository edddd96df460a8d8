"""A gradient before the measuring begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlbench.interface.suite import Suite

__all__ = ["warm_up"]


def warm_up(suite: Suite, batch_size: int, device: str) -> None:
    """Differentiate one batch of the first task on a model that is thrown away.

    Libraries take buffers at the first call and keep them for the life of the process. Without this the first cell of
    a process is charged with them, in memory and in seconds, and the cells after it are not. Torch's global generator
    is left anywhere: a cell seeds it before every use.
    """
    task = suite.tasks()[0].name
    model = suite.model(0).to(device).train()
    indices = list(range(min(batch_size, len(suite.examples(task, "train")))))
    suite.loss(model, suite.batch(task, "train", indices), task).backward()  # type: ignore[no-untyped-call]
