"""Look-ahead MTL: a control that has Sequential Reptile's outer step and none of its task order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import Method, hookimpl
from mtlbench_methods._outer_loop import OuterLoop

if TYPE_CHECKING:
    from mtlbench.interface import GradientOracle, TrainingProtocol

__all__ = ["LookaheadMTL"]


@dataclass
class LookaheadMTL(OuterLoop):
    """K joint steps on a working copy, then phi <- phi - eta (phi - theta(K)).

    The look-ahead wrapper of Zhang et al. 2019 around MTL. What it gains over MTL, slow weights explain; only what
    Sequential Reptile gains over it can be due to inner steps that follow one task at a time.
    """

    name = "lookahead"
    label = "Look-ahead MTL"
    paper = "Zhang et al., Lookahead Optimizer: k steps forward, 1 step back, 2019"
    control = True

    inner_steps: int = 125
    """K, joint steps of one round: with eight rows a round costs 1000 gradients, as Sequential Reptile's does."""

    def round_cost(self, protocol: TrainingProtocol) -> int:
        return self.inner_steps * protocol.rows

    def step(self, oracle: GradientOracle) -> None:
        eta = self.rate(oracle)
        with oracle.branch(fresh=self.inner_state == "reset") as branch:
            for _ in oracle.take(self.inner_steps):
                oracle.descend(oracle.draw())
        oracle.move(branch.delta, eta)


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [LookaheadMTL]
