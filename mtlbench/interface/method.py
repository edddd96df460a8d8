"""Methods: what a way of training many tasks does, in a handful of verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mtlbench.interface.golden import GoldenBench, GoldenCase
    from mtlbench.interface.gradients import Direction, TaskGradients
    from mtlbench.interface.optimizer import Optimizer
    from mtlbench.interface.oracle import BatchView, GradientOracle

__all__ = ["GradientMethod", "Method"]


@dataclass
class Method:
    """One way to train one model on many tasks. As it stands, this is MTL.

    A method is a dataclass whose fields are its settings (see ``mtlbench.interface.settings`` for their types); one
    without settings of its own needs no decorator. Override the one verb in which it differs. It never holds data,
    losses or the loop: it asks its oracle for gradients, and the oracle counts the asking. Draw randomness only from
    ``oracle.generator``. State that ``start`` creates goes into attributes that are not fields, all named in
    ``state_fields``.
    """

    name: ClassVar[str]
    """How the command line, records and boards call it: lower case, digits, hyphens."""
    label: ClassVar[str] = ""
    """How tables print it; the name when empty."""
    paper: ClassVar[str] = ""
    """Authors, title, year of the method's source."""
    version: ClassVar[str] = "1"
    """Raised when the same settings give other numbers; part of a cell's key."""
    scale: ClassVar[str] = "sum"
    """"sum" or "mean": what its direction is like; joint methods follow the protocol's ``reduction``."""
    gradients_per_batch: ClassVar[int] = 1
    """Gradients that ``objective`` spends on one batch."""
    unused_protocol: ClassVar[frozenset[str]] = frozenset()
    """Protocol fields without effect on it: overriding one of them for this method is an error."""
    control: ClassVar[bool] = False
    """Whether it is a control: trained to explain another method's gain, and shown on every board."""
    exempt_laws: ClassVar[Mapping[str, str]] = {}
    """Laws of ``mtlbench check`` that it breaks on purpose, each with the reason (a random weighting: permutation)."""
    state_fields: ClassVar[tuple[str, ...]] = ()
    """Attributes made by ``start`` that an exact resume restores: numbers, strings, lists, dicts, tensors."""

    def groups(self, tasks: Sequence[str]) -> list[list[str]]:
        """The tasks that share one model: one group for all, unless overridden (STL).

        tasks: all task names, in the suite's order. Returns a partition of them. Every group starts from the
        same initial model and gets an equal share of the gradient budget.
        """
        return [list(tasks)]

    def unfit(self, suite: Any) -> str | None:
        """Why it cannot train on ``suite`` (a clause for a sentence), or None when it can. No data is loaded yet."""
        return None

    def warnings(self, protocol: Any) -> list[str]:
        """What a user should hear before training with these settings under this protocol; one line each."""
        return []

    def start(self, oracle: GradientOracle) -> None:
        """Allocate state; called once per group before the first step, also before a resume."""

    def optimizer(self, oracle: GradientOracle) -> Optimizer:
        """The optimizer of one trajectory; also called for every optimizer slot of ``oracle.branch``."""
        return oracle.protocol_optimizer()

    def objective(self, view: BatchView) -> Tensor:
        """The scalar loss of one batch, to be differentiated; the batch's mean loss unless overridden (SWEP)."""
        return view.loss()

    def step(self, oracle: GradientOracle) -> None:
        """Train up to the next point at which the parameters may be evaluated."""
        oracle.descend(oracle.draw())

    def state_dict(self) -> dict[str, Any]:
        """All that ``start`` and ``step`` have changed, for an exact resume: plain data and tensors."""
        return {name: getattr(self, name) for name in self.state_fields}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``state_dict``, on a method that has been started."""
        for name, value in state.items():
            setattr(self, name, value)

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        """What this method computes for one golden case, in the shape of the case's ``expected``.

        Override to be checked by ``mtlbench check --golden``; files with ``"method": NAME`` come here.
        """
        raise NotImplementedError(f"method {cls.name} has no replay of golden vectors")

    @classmethod
    def title(cls) -> str:
        """The label, or the name."""
        return cls.label or cls.name


class GradientMethod(Method):
    """A method that sees the gradients of a joint step and says in which direction to go."""

    def combine(self, grads: TaskGradients) -> Direction:
        """The direction of descent, made with ``grads.weighted`` or ``grads.direction``."""
        raise NotImplementedError

    def step(self, oracle: GradientOracle) -> None:
        oracle.apply(self.combine(oracle.gradients(oracle.draw())))
