"""Golden vectors: cases that a method or suite replays to show that it computes what its paper says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.interface.method import Method

__all__ = ["GoldenBench", "GoldenCase", "TrainedPath"]


@dataclass(frozen=True)
class GoldenCase:
    """One case of a golden file; the README beside the vectors describes every field."""

    name: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float64"
    rtol: float = 1e-9
    atol: float = 1e-10
    note: str = ""


@dataclass(frozen=True)
class TrainedPath:
    """What a scripted training went through: phi after every step, theta at the end of every branch, and the cost."""

    phi: Sequence[Sequence[float]]
    ends: Sequence[Sequence[Sequence[float]]]
    """Per step, per branch in order, theta(K)."""
    gradients: int


class GoldenBench(Protocol):
    """What the conformance kit lends to ``replay``."""

    def tensor(self, values: Any, case: GoldenCase) -> Tensor:
        """Numbers as a tensor of the case's dtype."""

    def method(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        orders: Sequence[Sequence[Sequence[int]]] | None = None,
    ) -> Method:
        """An installed method by its hyphenated name, for a suite that replays paths: it may import no method.

        settings: JSON values by setting name. orders: ``orders[step][row]`` are the rows that a row visits, for a
        method that would draw visiting orders (PCGrad's golden ``orders``, one more level for the steps); such a
        method's own replay injects them in the same way. None: as the method draws them. Raises UnknownName.
        """

    def train(
        self,
        method: Method,
        losses: Mapping[str, Any],
        start: Sequence[float],
        *,
        steps: int,
        optimizer: Mapping[str, Any],
        picks: Sequence[Sequence[str]] | None = None,
        batches: Mapping[str, Sequence[int]] | None = None,
        budget: int | None = None,
    ) -> TrainedPath:
        """Train a bare vector with the real engine on scripted data, in float64.

        losses: task name to ``f(x, batch) -> scalar``. picks: what successive ``oracle.pick`` calls answer (all
        tasks in order when None). batches: per task, the batch numbers of its successive draws (0 when None).
        optimizer: ``{"name": "sgd", "lr": ...}`` or adamw with betas, eps, weight_decay.
        """
