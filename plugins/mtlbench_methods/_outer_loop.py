"""What the Reptile family shares: inner steps on a working copy, then a move of the slow parameters towards it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mtlbench.interface import Method, require

if TYPE_CHECKING:
    from mtlbench.interface import GradientOracle, TrainingProtocol

__all__ = ["OuterLoop"]

_FEWEST_ROUNDS = 10


@dataclass(repr=False, eq=False)  # those that derive from it have their own
class OuterLoop(Method):
    """Rounds of K inner optimizer steps on theta, each round ended by phi += eta (theta - phi).

    The outer step is plain interpolation and has no optimizer; phi is what is evaluated.
    """

    inner_steps: int = 1000
    """K, optimizer steps of one inner run; the paper's value suits budgets of 40 000 gradients and more."""
    eta: float = 0.1
    """Outer step: the share of the way to theta that phi moves, in [0, 1]."""
    eta_schedule: Literal["constant", "linear"] = "constant"
    """Whether eta stays or falls linearly to 0 over the gradient budget; a round uses the value at its start."""
    inner_state: Literal["reset", "persist"] = "persist"
    """Whether the inner optimizer's moments and step count start anew with every inner run or live on."""

    def __post_init__(self) -> None:
        require(self.inner_steps > 0, f"inner_steps must be positive, found {self.inner_steps}")
        require(0.0 <= self.eta <= 1.0, f"eta must lie in [0, 1], found {self.eta}")

    def rate(self, oracle: GradientOracle) -> float:
        """eta for a round that begins now."""
        return self.eta * (1.0 - oracle.progress) if self.eta_schedule == "linear" else self.eta

    def round_cost(self, protocol: TrainingProtocol) -> int:
        """Gradients of one whole round, at most."""
        return self.inner_steps

    def warnings(self, protocol: TrainingProtocol) -> list[str]:
        cost, budget = self.round_cost(protocol), protocol.budget
        if cost * _FEWEST_ROUNDS <= budget:
            return []
        rounds = "not even one whole round" if cost > budget else f"only {budget // cost} whole rounds"
        line = (
            f"{self.name}: inner_steps {self.inner_steps} makes a round of up to {cost} gradients, so a budget of "
            f"{budget} has room for {rounds}; choose inner_steps so that a round takes a tenth of it or less"
        )
        return [line]
