"""The protocol's optimizers, on flat segments.

They call torch's fused kernels directly: the first constructor of ``torch.optim`` imports torch's compiler, which
takes as long as importing torch itself and would be paid by every worker process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.interface.optimizer import Optimizer
    from mtlbench.interface.oracle import Segment
    from mtlbench.interface.protocol import TrainingProtocol

__all__ = ["SGD", "AdamW", "protocol_optimizer"]


class AdamW:
    """Loshchilov and Hutter 2019, torch's convention: decay first, epsilon added to the bias-corrected root."""

    def __init__(
        self,
        segments: Sequence[Segment],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self._values = [segment.values for segment in segments]
        self._betas, self._eps, self._decay = betas, eps, weight_decay
        self._first = [torch.zeros_like(values) for values in self._values]
        self._second = [torch.zeros_like(values) for values in self._values]
        self._steps = [torch.zeros((), device=values.device) for values in self._values]

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        live = [index for index, gradient in enumerate(gradients) if gradient is not None]
        if not live:
            return
        for index in live:
            self._steps[index] += 1
        torch._fused_adamw_(
            [self._values[index] for index in live],
            [gradient for gradient in gradients if gradient is not None],
            [self._first[index] for index in live],
            [self._second[index] for index in live],
            [],
            [self._steps[index] for index in live],
            lr=lr,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=self._decay,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        return {"first": self._first, "second": self._second, "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for mine, theirs in (
            (self._first, state["first"]),
            (self._second, state["second"]),
            (self._steps, state["steps"]),
        ):
            for target, source in zip(mine, theirs, strict=True):
                target.copy_(source)


class SGD:
    """Plain gradient descent with decoupled weight decay; no state."""

    def __init__(self, segments: Sequence[Segment], *, weight_decay: float = 0.0) -> None:
        self._values = [segment.values for segment in segments]
        self._decay = weight_decay

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        for values, gradient in zip(self._values, gradients, strict=True):
            if gradient is None:
                continue
            if self._decay:
                values.mul_(1.0 - lr * self._decay)
            values.add_(gradient, alpha=-lr)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def protocol_optimizer(protocol: TrainingProtocol, segments: Sequence[Segment]) -> Optimizer:
    """A new optimizer of the protocol's kind."""
    if protocol.optimizer == "sgd":
        return SGD(segments, weight_decay=protocol.weight_decay)
    return AdamW(
        segments,
        betas=(protocol.beta1, protocol.beta2),
        eps=protocol.eps,
        weight_decay=protocol.weight_decay,
    )
