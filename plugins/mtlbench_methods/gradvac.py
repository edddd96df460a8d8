"""GradVac: pull the cosine between task gradients up to a slowly learned target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING, Any, Literal

from mtlbench.interface import GradientMethod, Method, hookimpl, require
from mtlbench_methods._visiting import Orders, checked_orders, visiting_orders

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.interface import Direction, GoldenBench, GoldenCase, GradientOracle, TaskGradients

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
        params, count = case.params, case.params["num_tasks"]
        groups = [slice(start, stop) for start, stop in params["groups"]]
        ema = [_no_targets(count) for _ in groups]
        steps = []
        for step in case.inputs["steps"]:
            rows = bench.tensor(step["grads"], case)
            covered = sorted(column for group in groups for column in range(group.start, group.stop))
            require(
                len(set(covered)) == len(covered) and set(covered) <= set(range(rows.shape[1])),
                f"groups must be ranges of the {rows.shape[1]} columns without overlap, found {params['groups']}",
            )
            tasks = step.get("task_ids") or list(range(len(rows)))
            require(all(task in range(count) for task in tasks), f"task_ids lie in 0 to {count - 1}, found {tasks}")
            steps.append(_replay_step(rows, groups, tasks, step["orders"], ema, params["beta"]))
        return {"steps": steps}


def _no_targets(tasks: int) -> Targets:
    return [[0.0] * tasks for _ in range(tasks)]


def _replay_step(
    rows: Tensor,
    groups: Sequence[slice],
    tasks: Sequence[int],
    orders: Sequence[Orders],
    ema: list[Targets],
    beta: float,
) -> Mapping[str, Any]:
    """Columns in no group keep their plain gradients."""
    import torch

    from mtlbench.interface import TaskGradients

    require(len(orders) == len(groups), f"orders must have one entry per group, {len(groups)}, found {len(orders)}")
    edited = rows.double().clone()
    combined = TaskGradients.from_matrix(rows).weighted([1.0] * len(rows)).shared
    visited = []
    for place, (group, visiting, targets) in enumerate(zip(groups, orders, ema, strict=True)):
        grads = TaskGradients.from_matrix(rows[:, group])
        order = checked_orders(visiting, len(rows))
        coefficients, visits = vaccinate(grads.gram().tolist(), tasks, order, targets, beta)
        edited[:, group] = torch.tensor(coefficients, dtype=torch.float64) @ rows[:, group].double()
        combined[group] = grads.weighted([sum(column) for column in zip(*coefficients, strict=True)]).shared
        visited += [[place, *visit] for visit in visits]
    return {
        "edited": edited.tolist(),
        "combined_sum": combined.tolist(),
        "ema": [[list(row) for row in table] for table in ema],
        "visited": visited,
    }


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [GradVac]
