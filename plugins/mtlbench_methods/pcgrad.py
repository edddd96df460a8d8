"""PCGrad: project conflicting gradients onto each other's normal planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import mul
from typing import TYPE_CHECKING, Any

from mtlbench.interface import GradientMethod, Method, hookimpl
from mtlbench_methods._visiting import Orders, checked_orders, visiting_orders

if TYPE_CHECKING:
    from mtlbench.interface import Direction, GoldenBench, GoldenCase, GradientOracle, TaskGradients

__all__ = ["PCGrad", "project"]


def project(gram: Sequence[Sequence[float]], orders: Sequence[Sequence[int]]) -> list[list[float]]:
    """PCGrad on coefficients: the edited row i is h_i = sum_k C[i][k] g_k.

    gram: (R, R), M, the inner products of the rows. orders: see ``Orders``. Returns C, (R, R). All that a visit
    needs is h_i . g_j = (C M)_ij: R multiplications, whatever d is.
    """
    coefficients = []
    for i, order in enumerate(orders):
        h = [0.0] * len(gram)
        h[i] = 1.0
        for j in order:
            product = sum(map(mul, h, gram[j]))
            if product < 0.0 and gram[j][j] > 0.0:
                h[j] -= product / gram[j][j]
        coefficients.append(h)
    return coefficients


class PCGrad(GradientMethod):
    """Gradient surgery: every task's gradient loses its part against each task that it conflicts with.

    Source: Yu et al. 2020, Algorithm 1: each row visits all others once, in a random order of its own, and is
    compared with their original gradients; the edited rows are summed. Departure: a zero gradient is passed over.
    """

    name = "pcgrad"
    label = "PCGrad"
    paper = "Yu et al., Gradient Surgery for Multi-Task Learning, 2020"

    def start(self, oracle: GradientOracle) -> None:
        self._generator = oracle.generator

    def orders(self, groups: int, rows: int) -> list[Orders]:
        """The visiting orders of one step per group, drawn anew; a scripted replay puts its own in this place."""
        return visiting_orders(groups, rows, self._generator)

    def combine(self, grads: TaskGradients) -> Direction:
        (orders,) = self.orders(1, len(grads))
        return _sum_of_edited(grads, project(grads.gram().tolist(), orders))

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        import torch

        from mtlbench.interface import TaskGradients

        grads = TaskGradients.from_matrix(bench.tensor(case.inputs["grads"], case))
        coefficients = project(grads.gram().tolist(), checked_orders(case.inputs["orders"], len(grads)))
        total = _sum_of_edited(grads, coefficients).shared.double()
        return {
            "projected": (torch.tensor(coefficients, dtype=torch.float64) @ grads.matrix().double()).tolist(),
            "combined_sum": total.tolist(),
            "combined_mean": (total / len(grads)).tolist(),
        }


def _sum_of_edited(grads: TaskGradients, coefficients: Sequence[Sequence[float]]) -> Direction:
    return grads.weighted([sum(column) for column in zip(*coefficients, strict=True)])


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [PCGrad]
