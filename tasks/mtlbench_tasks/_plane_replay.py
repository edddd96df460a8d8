"""The plane's golden vectors, replayed: values at points, and the first steps of the methods' paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtlbench.interface import GoldenBench, GoldenCase
from mtlbench_tasks._plane import mean_cosine, well

__all__ = ["replay_path", "replay_values"]

Centres = Mapping[str, Sequence[float]]
"""Task name to (x, y)."""


def replay_values(case: GoldenCase, bench: GoldenBench, centres: Centres) -> Mapping[str, Any]:
    """Task losses and gradients, and what follows from them, at every point."""
    points = bench.tensor(case.inputs["points"], case)  # (n, 2)
    places = bench.tensor(list(centres.values()), case)  # (T, 2)
    rows = [[_value_and_slope(point, centre) for centre in places] for point in points]
    losses = [[loss for loss, _ in row] for row in rows]
    return {
        "losses": losses,
        "mtl_loss": [sum(row) for row in losses],
        "grads": [[slope for _, slope in row] for row in rows],
        "mean_cos": mean_cosine(points, places).tolist(),
    }


def _value_and_slope(point: Tensor, centre: Tensor) -> tuple[float, list[float]]:
    at = point.clone().requires_grad_()
    loss = well(at, centre)
    (slope,) = torch.autograd.grad(loss, at)
    return float(loss.detach()), slope.tolist()


def replay_path(case: GoldenCase, bench: GoldenBench, centres: Centres) -> Mapping[str, Any]:
    """phi after every (outer) step of the installed method that the case names."""
    params, names = case.params, list(centres)
    path = bench.train(
        bench.method(params["method"].replace("_", "-"), _settings(params), orders=params.get("orders")),
        {name: _loss(bench.tensor(centre, case)) for name, centre in centres.items()},
        case.inputs["init"],
        steps=case.inputs["steps"],
        optimizer=params.get("optimizer") or params.get("inner_optimizer") or {"name": "adamw", "lr": params["lr"]},
        picks=[[names[task]] for tasks in params["sequences"] for task in tasks] if "sequences" in params else None,
    )
    return {"phi": path.phi}


def _settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """The method's settings among a case's parameters, which call them as the methods do."""
    settings = {name: params[name] for name in ("inner_steps", "eta", "gamma", "k", "t0") if name in params}
    if "sequences" in params:
        settings["inner_steps"] = len(params["sequences"][0])
    return settings


def _loss(centre: Tensor) -> Callable[[Tensor, int], Tensor]:
    return lambda point, _: well(point, centre)
