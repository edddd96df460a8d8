"""MTL: joint training on the summed loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtlbench.interface import Method, hookimpl

if TYPE_CHECKING:
    from mtlbench.interface import GoldenBench, GoldenCase

__all__ = ["MTL"]


class MTL(Method):
    """Multi-task learning: one joint step along the sum of the drawn tasks' gradients (Eq. 1 of the paper, lambda 0).

    The base class as it stands. ``mtl[rows=1]`` is the control with one task an update.
    """

    name = "mtl"
    label = "MTL"
    paper = "Baseline of Lee et al., Sequential Reptile: Inter-Task Gradient Alignment for Multilingual Learning, 2022"

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench.interface import TaskGradients

        grads = TaskGradients.from_matrix(bench.tensor(case.inputs["grads"], case))
        weights = case.inputs["weights"] or [1.0] * len(grads)
        total = grads.weighted(weights).shared.double()
        return {"combined_sum": total.tolist(), "combined_mean": (total / len(grads)).tolist()}


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [MTL]
