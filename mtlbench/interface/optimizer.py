"""What the engine asks of an optimizer: one step along given gradients, at a given rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Optimizer"]


class Optimizer(Protocol):
    """An optimizer over the oracle's ``segments``.

    Smaller than torch's, so that a cell needs neither ``.grad`` fields nor the seconds of importing ``torch.optim``.
    """

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Move every segment in place.

        gradients: one flat tensor per segment, in the order of the segments; a segment with None is left alone,
        its moments and its step count too (a head whose task was not drawn).
        """

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers for an exact resume, at most one level of nesting."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``state_dict``."""
