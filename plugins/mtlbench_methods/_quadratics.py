"""The quadratic problem of golden vectors: task t, batch b has the loss (x - c)' A (x - c) / 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["quadratic_losses", "task_name"]


def task_name(task: int) -> str:
    """How task number ``task`` is called in a replay."""
    return f"task-{task}"


def quadratic_losses(problem: Mapping[str, Any]) -> dict[str, Callable[[Tensor, int], Tensor]]:
    """Losses f(x, batch) by task. problem: A = ``matrices[t]``, symmetric, and c = ``centres[t][b]``."""
    pairs = zip(problem["matrices"], problem["centres"], strict=True)
    return {task_name(task): _quadratic(matrix, centres) for task, (matrix, centres) in enumerate(pairs)}


def _quadratic(matrix: Sequence[Any], centres: Sequence[Any]) -> Callable[[Tensor, int], Tensor]:
    import torch

    a = torch.tensor(matrix, dtype=torch.float64)
    c = torch.tensor(centres, dtype=torch.float64)

    def loss(x: Tensor, batch: int) -> Tensor:
        away = x - c[batch]
        return 0.5 * away @ a @ away

    return loss
