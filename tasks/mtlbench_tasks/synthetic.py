"""Synthetic: three wells in the plane, the problem on which the paper shows where each method goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from mtlbench.interface import Split, Suite, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import GoldenBench, GoldenCase, Recommendation, Score, SuiteContext, Task, TrainingProtocol
    from mtlbench_tasks._plane import Plane

__all__ = ["STARTS", "Synthetic", "region"]

CENTRES: Mapping[str, tuple[float, float]] = {"x1": (0.0, 10.0), "x2": (0.0, 0.0), "x3": (10.0, 0.0)}
_CENTROID = (10 / 3, 10 / 3)

STARTS: Mapping[str, tuple[float, float]] = {
    "east": (20.0, 5.0),
    "north": (5.0, 20.0),
    "south-west": (-10.0, -10.0),
    "south-east": (15.0, -8.0),
}
"""``east`` is where the reference paths begin; ``north`` is its mirror image, in which x1 and x3 change places."""

_RECOMMENDED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "gradnorm": {"settings": {"weight_lr": 1e-3, "loss_floor": None}},
    "gradvac": {"settings": {"groups_by": "whole"}},
    "recadam": {"settings": {"gamma": 1.0, "k": 0.1, "t0": 100}, "protocol": {"lr": 0.05}},
    "reptile": {"settings": {"inner_steps": 10, "eta": 0.05}, "protocol": {"lr": 0.5}},
    "sequential-reptile": {
        "settings": {"inner_steps": 3, "eta": 0.03, "sampler": "epoch"},
        "protocol": {"lr": 0.5},
    },
    "lookahead": {"settings": {"inner_steps": 3, "eta": 0.03}, "protocol": {"lr": 0.1}},
}


@dataclass
class Synthetic(Suite):
    """Three tasks, each a well in the plane; the model is a point.

    Source: Lee et al. 2022, section 4.1: L_i = -200 exp(-0.2 ||phi - x_i||) with x = (0, 10), (0, 0), (10, 0).
    Departure: the norm is not squared and the exponent is negative, as the picture needs it. Nothing is drawn at
    random but the orders in which methods visit tasks.
    """

    name = "synthetic"
    label = "Three wells in the plane"
    paper = "Lee et al., Sequential Reptile: Inter-Task Gradient Alignment for Multilingual Learning, 2022"
    embedded = True

    start: Literal["east", "north", "south-west", "south-east"] = "east"
    """Where phi begins: (20, 5), (5, 20), (-10, -10) or (15, -8)."""

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(budget=9000, batch_size=1, rows=3, optimizer="sgd", lr=0.01, evaluations=10)

    def recommended(self, method: str) -> Recommendation:
        from mtlbench.interface import Recommendation

        return Recommendation(**_RECOMMENDED.get(method, {}))

    def fingerprint(self, context: SuiteContext) -> str:
        import hashlib
        import json

        return hashlib.sha256(json.dumps([dict(CENTRES), dict(STARTS)], sort_keys=True).encode()).hexdigest()

    def open(self, context: SuiteContext) -> None:
        import torch

        self._centres = {
            name: torch.tensor(centre, dtype=torch.float64, device=context.device) for name, centre in CENTRES.items()
        }

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, 1, metric="loss", higher_is_better=False) for name in CENTRES]

    def model(self, seed: int) -> nn.Module:
        from mtlbench_tasks._plane import Plane

        return Plane(STARTS[self.start])

    def examples(self, task: str, split: Split) -> Sequence[Tensor]:
        """A task is its centre, and has no other data."""
        return [self._centres[task]]

    def collate(self, examples: Sequence[Tensor]) -> Tensor:
        return examples[0]

    def loss(self, model: nn.Module, batch: Tensor, task: str) -> Tensor:
        depth: Tensor = model(batch)
        return depth

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        """The task's loss at phi: from 0, far away, to -200 at the centre."""
        from mtlbench.interface import Score

        return Score(float(self.loss(model, self._centres[task], task)), 1)

    def noise_point(self, model: nn.Module) -> nn.Module:
        """phi, as one token of width 2."""
        return cast("Plane", model).encoder

    def hidden(self, model: nn.Module, batch: Tensor, task: str) -> tuple[Tensor, Tensor]:
        point = cast("Plane", model).encoder()  # (1, 1, 2)
        return point, point.new_ones(1, 1).bool()

    def trace(self, model: nn.Module) -> Sequence[float]:
        return cast("list[float]", cast("Plane", model).encoder.phi.tolist())

    def summary(self, trace: Sequence[Sequence[float]]) -> Mapping[str, Any]:
        """Where a path ends and how well the tasks agree there, both as means over its last fifth.

        The cosine depends on direction alone and jumps at the centres, so the mean over a path says more than a point.
        """
        import torch

        from mtlbench_tasks._plane import mean_cosine

        spent = trace[-1][0]
        tail = torch.tensor([row[1:] for row in trace if row[0] >= 0.8 * spent], dtype=torch.float64)  # (n, 2)
        end = tail.mean(dim=0).tolist()
        centres = torch.tensor(list(CENTRES.values()), dtype=torch.float64)
        return {"end": end, "region": region(end), "cosine": float(mean_cosine(tail, centres).mean())}

    def surface(self, point: Sequence[float]) -> Mapping[str, float]:
        """The wells' depths, as ``loss`` computes them of a model."""
        return {name: -200.0 * math.exp(-0.2 * math.dist(point, centre)) for name, centre in CENTRES.items()}

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        """Values at points, and the paths, for which the bench trains the installed methods."""
        from mtlbench_tasks._plane_replay import replay_path, replay_values

        return replay_values(case, bench, CENTRES) if "points" in case.inputs else replay_path(case, bench, CENTRES)


def region(point: Sequence[float]) -> str:
    """Which part of the plane a point lies in.

    A centre's name within 0.5 of it; ``centroid`` within 1.5 of the triangle's middle; else ``inside`` the triangle
    (edges included), where task gradients oppose each other, or ``outside``.
    """
    near = min(CENTRES, key=lambda name: math.dist(point, CENTRES[name]))
    if math.dist(point, CENTRES[near]) <= 0.5:
        return near
    if math.dist(point, _CENTROID) <= 1.5:
        return "centroid"
    x, y = point
    return "inside" if x >= 0 and y >= 0 and x + y <= 10 else "outside"


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Synthetic]
