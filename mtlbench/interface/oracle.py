"""The gradient oracle: the one thing that a method holds while it trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mtlbench.interface.gradients import Direction, TaskGradients
    from mtlbench.interface.optimizer import Optimizer
    from mtlbench.interface.protocol import TrainingProtocol

__all__ = ["Batch", "BatchView", "Branch", "Delta", "GradientOracle", "ParameterInfo", "Segment", "TaskInfo"]


@dataclass(frozen=True)
class TaskInfo:
    """A task as a method may know it."""

    name: str
    size: int
    """N_t, training examples."""
    probability: float
    """p_t, proportional to N_t^q over the tasks that share the model."""


@dataclass(frozen=True)
class Batch:
    """An opaque batch: which task it is of and how much it holds; ``payload`` is the suite's business.

    parts: its micro-batches in order, where the protocol's ``accumulate`` cuts it in several; what training draws
    has no payload of its own then.
    """

    task: str
    task_id: int
    examples: int
    payload: Any
    parts: tuple[Batch, ...] = ()


@dataclass(frozen=True)
class ParameterInfo:
    """A trainable parameter: ``tensor`` is a view of the flat storage and follows training."""

    name: str
    tensor: Tensor
    owner: str | None
    """The task whose head it belongs to, the name of its attached module, or None when shared."""
    encoder: bool
    """Whether it belongs to the suite's encoder."""
    pretrained: bool
    """Whether it started from a pretrained value."""


@dataclass(frozen=True)
class Segment:
    """A contiguous stretch of the flat parameter vector with one owner; optimizers work on whole segments."""

    name: str
    values: Tensor
    """(n,), a view that follows training."""
    start: Tensor
    """(n,), a copy of the initial values (phi_0 where pretrained)."""
    owner: str | None
    pretrained: bool


class BatchView(Protocol):
    """One batch as an objective may see it; every ``loss`` call is counted as one gradient.

    Where the protocol's ``accumulate`` cuts batches in parts, an objective is asked for each part by itself, and the
    calls for all parts of a batch count once. Losses and hidden states are float32 under every ``precision``.
    """

    @property
    def task(self) -> str:
        """The batch's task."""

    def loss(self, scale: Tensor | None = None) -> Tensor:
        """The batch's mean loss, a scalar with a graph.

        scale: multiplies the output of the suite's noise point (for text: the word embeddings, before positions
        are added) elementwise; shaped like ``hidden()[0]``.
        """

    def hidden(self) -> tuple[Tensor, Tensor]:
        """Forward only, without a graph, counted apart: the encoder's last hidden states (B, L, d) and its padding
        mask (B, L), true where a token stands."""


class Delta(Protocol):
    """theta(K) - phi, as a branch leaves it behind."""

    @property
    def steps(self) -> int:
        """Optimizer steps taken in the branch."""

    def norm(self) -> float:
        """Euclidean length over all trainable parameters."""


class Branch(Protocol):
    """A working copy theta; its ``delta`` can be read once the context has ended."""

    @property
    def delta(self) -> Delta:
        """theta(K) - phi."""


class GradientOracle(Protocol):
    """The thing one asks for gradients, and that counts the asking.

    One gradient is one differentiated pass of one mini-batch of one task. R is the number of batches in a call.
    """

    @property
    def tasks(self) -> Sequence[TaskInfo]:
        """The tasks that share this model, in the suite's order."""

    @property
    def params(self) -> Sequence[ParameterInfo]:
        """All trainable parameters in the order of the flat vector; the shared ones, d numbers, come first."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The flat vector cut by owner and by pretrained or not."""

    @property
    def generator(self) -> torch.Generator:
        """The cell's own generator for the method's random choices (CPU)."""

    @property
    def protocol(self) -> TrainingProtocol:
        """How this cell trains."""

    @property
    def lr(self) -> float:
        """The learning rate now, by the schedule over gradients spent."""

    @property
    def progress(self) -> float:
        """Share of the gradient budget spent, in [0, 1]."""

    @property
    def remaining(self) -> int:
        """Gradients left."""

    def pick(self, n: int | None = None, *, distinct: bool | None = None) -> list[str]:
        """Names of n tasks by p_t; costs nothing.

        n: the protocol's rows unless given. distinct: without replacement (at most T); the protocol's ``draws``
        unless given.
        """

    def draw(self, n: int | None = None, *, task: str | None = None) -> list[Batch]:
        """The next batch of each of ``pick(n)``, or of one task; fewer when the budget has room for fewer."""

    def gradients(self, batches: Sequence[Batch]) -> TaskGradients:
        """One row of gradients a batch, parameters untouched. Costs R gradients."""

    def descend(self, batches: Sequence[Batch], weights: Sequence[float] | None = None) -> None:
        """One optimizer step along the summed gradient (weighted if asked); never holds R x d numbers. Costs R.

        The protocol's reduction applies: under ``mean`` the sum is divided by R. No batches: no step.
        """

    def apply(self, direction: Direction) -> None:
        """One optimizer step along a direction; under the mean reduction it is divided by its R. Costs nothing."""

    def move(self, deltas: Delta | Iterable[Delta], rate: float) -> None:
        """phi += rate * mean of the deltas, without an optimizer. Costs nothing.

        A task's own parameters average only over the branches that drew the task. Float buffers are averaged like
        parameters, integer buffers copied from the last branch. A generator is consumed delta by delta.
        """

    def branch(self, slot: str | None = None, *, fresh: bool = False) -> AbstractContextManager[Branch]:
        """Leave phi: inside, ``descend`` and ``apply`` move theta; at the end phi is back and ``delta`` is set.

        slot: names an optimizer state that lives on between branches of that name; None continues the main
        optimizer's. fresh: start from a new optimizer state, dropped at the end. Branches do not nest.
        """

    def losses(self, batches: Sequence[Batch]) -> Tensor:
        """(R,) float64, forward only, counted apart."""

    def take(self, k: int) -> Iterator[int]:
        """``range(k)``, cut when the budget has no room for another batch."""

    def attach(self, name: str, module: torch.nn.Module) -> None:
        """Train ``module`` along, as a segment of its own outside the shared parameters; only in ``start``."""

    def noise_widths(self) -> tuple[int, int]:
        """(width of ``hidden()``, width of the noise point's output), for a module that ``start`` attaches.

        Costs nothing and shifts no stream. Raises BadPlugin when the suite has no noise point.
        """

    def protocol_optimizer(self) -> Optimizer:
        """A new optimizer of the protocol's kind over ``segments``."""
