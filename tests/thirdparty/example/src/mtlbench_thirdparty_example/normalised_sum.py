"""Normalised sum: every task pulls equally hard."""

from __future__ import annotations

from dataclasses import dataclass

import mtlbench


@dataclass
class NormalisedSum(mtlbench.GradientMethod):
    """Gradients are scaled towards their mean norm before they are added; a zero gradient stays zero."""

    name = "normalised-sum"
    power: float = 1.0
    """How far: 0 leaves the norms as they are, 1 makes them equal."""

    def combine(self, grads: mtlbench.TaskGradients) -> mtlbench.Direction:
        norms = grads.gram().diagonal().sqrt()  # (R,)
        return grads.weighted([float(norms.mean() / norm) ** self.power if norm > 0 else 0.0 for norm in norms])


@mtlbench.hookimpl
def mtlbench_methods() -> list[type[mtlbench.Method]]:
    return [NormalisedSum]
