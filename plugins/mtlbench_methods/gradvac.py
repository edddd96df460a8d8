"""GradVac: pull the cosine between task gradients up to a slowly learned target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING, Any, Literal

from mtlbench.interface import GoldenBench, GoldenCase, GradientMethod, Method, hookimpl, require
from mtlbench_methods._visiting import Orders, visiting_orders

if TYPE_CHECKING:
    from mtlbench.interface import Direction, GradientOracle, TaskGradients

__all__ = ["GradVac", "vaccinate"]

Targets = list[list[float]]
"""E[s][t], the cosine that task s's gradient should have with task t's, for one parameter group."""

_VANISHED = 1e-6
"""A row edited down to this share of its length has no direction left to compare."""
_SATURATED = 1e-12
"""At a target cosine e with 1 - e^2 up to this, no finite edit reaches the target."""


def vaccinate(
    gram: Sequence[Sequence[float]],
    tasks: Sequence[int],
    orders: Sequence[Sequence[int]],
    targets: Targets,
    beta: float,
) -> tuple[list[list[float]], list[tuple[int, int, float | None]]]:
    """One step on one parameter group, on coefficients: the edited row i is h_i = sum_k C[i][k] g_k.

    gram: (R, R) inner products M of the rows. tasks: R rows' places in ``targets``, which the step updates in place.
    orders: see ``Orders``. Returns C, (R, R), and the visits (i, j, cosine before the edit or None if skipped).

    A visit needs h_i . g_j = (C M)_ij and ||h_i||. An edit leaves the part of h_i across g_j as it is and makes the
    cosine e, so the length becomes ||h_i|| sqrt(1 - c^2) / sqrt(1 - e^2): no difference of large numbers, as the
    quadratic form C M C' would be.
    """
    norms = [math.sqrt(max(row[i], 0.0)) for i, row in enumerate(gram)]
    coefficients = []
    visits: list[tuple[int, int, float | None]] = []
    for i, order in enumerate(orders):
        row = targets[tasks[i]]
        h = [0.0] * len(gram)
        h[i] = 1.0
        length = norms[i]
        for j in order:
            if norms[j] == 0.0 or norms[i] == 0.0 or length <= _VANISHED * norms[i]:
                visits.append((i, j, None))
                continue
            c = min(1.0, max(-1.0, sum(map(mul, h, gram[j])) / length / norms[j]))
            e = row[tasks[j]]
            if c < e and 1.0 - e * e > _SATURATED:
                across, wanted = math.sqrt(1.0 - c * c), math.sqrt(1.0 - e * e)
                w = length * (e * across - c * wanted) / (norms[j] * wanted)
                h[j] += w
                length *= across / wanted
            row[tasks[j]] = (1.0 - beta) * e + beta * c
            visits.append((i, j, c))
        coefficients.append(h)
    return coefficients, visits


@dataclass
class GradVac(GradientMethod):
    """Gradient vaccine: where two tasks agree less than they usually do, one gradient is bent towards the other.

    Source: Wang et al. 2021, Algorithm 1 and Eq. 5, 6. Departures: cosines are clipped to [-1, 1]; a pair with a
    zero gradient, or with an edited row that has all but vanished, is passed over and leaves its target alone; at a
    target within 1e-12 of parallel nothing is edited. Targets belong to tasks, so two rows of one task share theirs.
    """

    name = "gradvac"
    label = "GradVac"
    paper = (
        "Wang et al., Gradient Vaccine: Investigating and Improving Multi-task Optimization in Massively Multilingual "
        "Models, 2021"
    )
    state_fields = ("targets",)

    beta: float = 0.01
    """Step of the moving average that the targets follow, in [0, 1]; 0 keeps all targets at 0, which is PCGrad."""
    groups_by: Literal["whole", "layer", "matrix"] = "layer"
    """What is compared and edited together: all shared parameters, each module's own, or each tensor."""

    def __post_init__(self) -> None:
        require(0.0 <= self.beta <= 1.0, f"beta must lie in [0, 1], found {self.beta}")

    def start(self, oracle: GradientOracle) -> None:
        self._generator = oracle.generator
        self._tasks = len(oracle.tasks)
        self.targets: list[Targets] = []

    def orders(self, groups: int, rows: int) -> list[Orders]:
        """The visiting orders of one step per group, drawn anew; a scripted replay puts its own in this place."""
        return visiting_orders(groups, rows, self._generator)

    def combine(self, grads: TaskGradients) -> Direction:
        import torch

        grams = grads.grams(self.groups_by).tolist()  # (G, R, R)
        if not self.targets:
            self.targets = [_no_targets(self._tasks) for _ in grams]
        weights = []
        for gram, orders, targets in zip(grams, self.orders(len(grams), len(grads)), self.targets, strict=True):
            coefficients, _ = vaccinate(gram, grads.task_ids, orders, targets, self.beta)
            weights.append([sum(column) for column in zip(*coefficients, strict=True)])
        return grads.weighted(torch.tensor(weights, dtype=torch.float64), by=self.groups_by)

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench.interface import TaskGradients

        ranges = case.params["groups"]
        edges = [0, *(stop for _, stop in ranges)]
        columns = len(case.inputs["steps"][0]["grads"][0])
        require([start for start, _ in ranges] == edges[:-1] and edges[-1] == columns, "groups must follow each other")
        blocks = {f"group{place}.weight": stop - start for place, (start, stop) in enumerate(ranges)}
        ema = [_no_targets(case.params["num_tasks"]) for _ in ranges]
        steps = []
        for step in case.inputs["steps"]:
            grads = TaskGradients.from_matrix(bench.tensor(step["grads"], case), blocks=blocks)
            tasks = step.get("task_ids") or list(range(len(grads)))
            steps.append(_replay_step(grads, tasks, step["orders"], ema, case.params["beta"]))
        return {"steps": steps}


def _no_targets(tasks: int) -> Targets:
    return [[0.0] * tasks for _ in range(tasks)]


def _replay_step(
    grads: TaskGradients, tasks: Sequence[int], orders: Sequence[Orders], ema: list[Targets], beta: float
) -> Mapping[str, Any]:
    import torch

    edited, visited, weights = [], [], []
    for group, block in enumerate(grads.blocks("matrix")):
        coefficients, visits = vaccinate(grads.gram(block).tolist(), tasks, orders[group], ema[group], beta)
        edited.append(torch.tensor(coefficients, dtype=torch.float64) @ grads.block(block).double())
        visited += [[group, *visit] for visit in visits]
        weights.append([sum(column) for column in zip(*coefficients, strict=True)])
    return {
        "edited": torch.cat(edited, dim=1).tolist(),
        "combined_sum": grads.weighted(torch.tensor(weights, dtype=torch.float64), by="matrix").shared.tolist(),
        "ema": [[list(row) for row in table] for table in ema],
        "visited": visited,
    }


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [GradVac]
