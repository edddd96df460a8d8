"""GradNorm: weigh losses so that all tasks train at similar rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mtlbench.interface import BadSetting, GradientMethod, Method, hookimpl, require

if TYPE_CHECKING:
    from mtlbench.interface import Direction, GoldenBench, GoldenCase, GradientOracle, TaskGradients

__all__ = ["Balance", "GradNorm"]

_LEVEL = 1e-6
"""A weighted norm this close to its target, relatively, counts as equal: rounding must not choose a sign."""


class Balance(NamedTuple):
    """How far the tasks of one step are from their targets; one entry per task, in order of first appearance."""

    tasks: list[int]
    norms: list[float]
    """n_t, the length of the task's mean gradient on W."""
    rates: list[float]
    """rho_t, the inverse training rate relative to the mean."""
    targets: list[float]
    """c_t = mean(u) rho_t^alpha with u_t = w_t n_t."""
    slopes: list[float]
    """Of sum_t |u_t - c_t| with respect to w_t, the targets held fixed."""


@dataclass
class GradNorm(GradientMethod):
    """Loss weights that balance gradient norms: tasks that train slowly get longer gradients.

    Source: Chen et al. 2018, Algorithm 1. The step uses the weights before their update; the weights follow plain
    gradient descent on the L1 distance between weighted norms and targets and are renormalised to sum to T.
    Departures: W is the encoder's last matrix, not a head, even where all tasks share it; the first loss of a task is
    taken when it is first drawn; a difference below 1e-6 of its target has slope 0; rows of one task are averaged.
    """

    name = "gradnorm"
    label = "GradNorm"
    paper = "Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks, 2018"
    state_fields = ("weights", "first_losses")

    alpha: float = 1.5
    """Strength of the pull towards equal training rates; 0 asks for equal norms. Not negative."""
    weight_lr: float = 0.025
    """Step size of the loss weights, positive."""
    weight_min: float = 1e-4
    """Floor of a loss weight before renormalisation, in (0, 1)."""
    norm_over: Literal["last", "all"] = "last"
    """Where norms are taken: the last encoder tensor with two or more dimensions, or all shared parameters."""
    loss_floor: float | None = 0.0
    """What a loss cannot fall below: rates are of the loss minus this, which must be positive. none: losses enter as
    they are, and no task's may change its sign."""

    def __post_init__(self) -> None:
        require(self.alpha >= 0, f"alpha must not be negative, found {self.alpha}")
        require(self.weight_lr > 0, f"weight_lr must be positive, found {self.weight_lr}")
        require(0 < self.weight_min < 1, f"weight_min must lie in (0, 1), found {self.weight_min}")

    def start(self, oracle: GradientOracle) -> None:
        self._begin([task.name for task in oracle.tasks])
        self._matrix = None
        if self.norm_over == "last":
            matrices = [p.name for p in oracle.params if p.owner is None and p.encoder and p.tensor.dim() >= 2]
            self._matrix = matrices[-1] if matrices else None

    def _begin(self, tasks: Sequence[str]) -> None:
        self._names = tasks
        self.weights = [1.0] * len(tasks)
        self.first_losses: list[float | None] = [None] * len(tasks)

    def combine(self, grads: TaskGradients) -> Direction:
        block = None
        if self._matrix is not None:
            block = next((block for block in grads.blocks() if block.name == self._matrix), None)
        return self._step(grads, grads.gram(block).tolist())[0]

    def _step(self, grads: TaskGradients, gram: Sequence[Sequence[float]]) -> tuple[Direction, Balance]:
        """The direction with the weights as they are, then their update. gram: (R, R), of the rows on W."""
        ids = list(grads.task_ids)
        shares = [self.weights[task] / ids.count(task) for task in ids]
        direction = grads.weighted(shares, own=shares).of_rows(len(set(ids)))  # those of one task are averaged
        balance = self._balance(ids, gram, grads.losses.tolist())
        for task, slope in zip(balance.tasks, balance.slopes, strict=True):
            self.weights[task] = max(self.weights[task] - self.weight_lr * slope, self.weight_min)
        total = sum(self.weights)
        self.weights = [len(self.weights) * weight / total for weight in self.weights]
        return direction, balance

    def _balance(self, ids: Sequence[int], gram: Sequence[Sequence[float]], losses: Sequence[float]) -> Balance:
        tasks = list(dict.fromkeys(ids))
        rows = [[row for row, task in enumerate(ids) if task == wanted] for wanted in tasks]
        norms = [math.sqrt(max(sum(gram[r][q] for r in mine for q in mine), 0.0)) / len(mine) for mine in rows]
        ratios = [
            self._ratio(task, sum(losses[r] for r in mine) / len(mine)) for task, mine in zip(tasks, rows, strict=True)
        ]
        mean_ratio = sum(ratios) / len(ratios)
        # All losses at their floor: the rates are equal.
        rates = [ratio / mean_ratio for ratio in ratios] if mean_ratio > 0 else [1.0] * len(ratios)
        weighted = [self.weights[task] * norm for task, norm in zip(tasks, norms, strict=True)]
        mean = sum(weighted) / len(weighted)
        targets = [mean * rate**self.alpha for rate in rates]
        slopes = [
            0.0 if abs(u - target) <= _LEVEL * target else math.copysign(norm, u - target)
            for u, target, norm in zip(weighted, targets, norms, strict=True)
        ]
        return Balance(tasks, norms, rates, targets, slopes)

    def _ratio(self, task: int, loss: float) -> float:
        """The loss of a task relative to its first one."""
        height = loss - (self.loss_floor or 0.0)
        first = self.first_losses[task]
        if first is None:
            self.first_losses[task] = first = height
            if height == 0 or (height < 0 and self.loss_floor is not None):
                raise self._bad_loss(task, loss)
        if height / first < 0:
            raise self._bad_loss(task, loss)
        return height / first

    def _bad_loss(self, task: int, loss: float) -> BadSetting:
        if self.loss_floor is None:
            return BadSetting(
                f"gradnorm: task {self._names[task]} has a loss of {loss}, of another sign than its first"
            )
        return BadSetting(
            f"gradnorm: task {self._names[task]} has a loss of {loss}, which is not above loss_floor "
            f"{self.loss_floor}; give a loss_floor below every loss"
        )

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench.interface import Block, TaskGradients

        params = case.params
        # Set past the constructor: a weight_lr or weight_min of 0 is poor training and sound arithmetic.
        method = cls(loss_floor=params.get("loss_floor"))
        method.alpha, method.weight_lr, method.weight_min = (
            float(params[name]) for name in ("alpha", "weight_lr", "weight_min")
        )
        method._begin([f"task-{task}" for task in range(params["num_tasks"])])
        columns = Block("W", *params["norm_columns"]) if params["norm_columns"] else None
        steps = []
        for step in case.inputs["steps"]:
            plain = TaskGradients.from_matrix(bench.tensor(step["grads"], case))
            tasks = step.get("task_ids") or list(range(len(plain)))
            require(
                all(task in range(len(method._names)) for task in tasks),
                f"task_ids must lie in 0 to {len(method._names) - 1}, found {tasks}",
            )
            grads = TaskGradients(
                plain.matrix(),
                tasks=[method._names[task] for task in tasks],
                task_ids=tasks,
                losses=bench.tensor(step["losses"], case).double(),
                layout=plain.layout,
            )
            used = [method.weights[task] for task in tasks]
            direction, balance = method._step(grads, grads.gram(columns).tolist())
            steps.append(
                {
                    "weights_used": used,
                    "combined": direction.shared.tolist(),
                    "norms": balance.norms,
                    "rates": balance.rates,
                    "targets": balance.targets,
                    "slopes": balance.slopes,
                    "weights_after": list(method.weights),
                }
            )
        return {"steps": steps}


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [GradNorm]
