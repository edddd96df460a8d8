"""The plane's golden vectors, replayed: values at points, and the first steps of the methods' paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtlbench.interface import BadSetting, GoldenBench, GoldenCase, Method
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
    params, names = dict(case.params), list(centres)
    method = params.pop("method").replace("_", "-")
    optimizer = _optimizer(params)
    sequences = params.pop("sequences", None)
    orders = _whole(params.pop("orders", None))
    path = bench.train(
        _method(bench, method, _settings(method, params, len(names)), orders, sequences),
        {name: _loss(bench.tensor(centre, case)) for name, centre in centres.items()},
        case.inputs["init"],
        steps=case.inputs["steps"],
        optimizer=optimizer,
        picks=None if sequences is None else [[_name(names, task)] for tasks in sequences for task in tasks],
    )
    return {"phi": path.phi}


def _optimizer(params: dict[str, Any]) -> Mapping[str, Any]:
    """Takes the optimizer out of a case's parameters: an object, or AdamW's values among the others."""
    for name in ("optimizer", "inner_optimizer"):
        if name in params:
            given: Mapping[str, Any] = params.pop(name)
            return given
    values: dict[str, Any] = {
        name: params.pop(name) for name in ("lr", "betas", "eps", "weight_decay") if name in params
    }
    return {"name": "adamw", **values}


def _settings(method: str, params: Mapping[str, Any], tasks: int) -> dict[str, Any]:
    """The method's settings among a case's parameters; what is no setting of it, the bench refuses by its name."""
    settings = dict(params)
    if "eta_schedule" in settings:
        raise BadSetting("a scripted path has no budget, so the parameter 'eta_schedule' cannot be kept")
    if method == "recadam" and "kind" in settings:
        settings["curve"] = settings.pop("kind")
    if settings.pop("num_tasks", tasks) != tasks:
        raise BadSetting(f"the parameter 'num_tasks' must be {tasks}, found {params['num_tasks']!r}")
    whole = {"gradnorm": ("norm_columns", (None, [0, 2])), "gradvac": ("groups", ("whole", [[0, 2]]))}
    if method in whole:
        name, same = whole[method]
        if settings.pop(name, same[0]) not in same:
            raise BadSetting(f"the parameter {name!r} must take both columns of the plane, found {params[name]!r}")
    if method == "gradnorm":
        settings.setdefault("loss_floor", None)  # the wells' losses are negative
    if method == "gradvac":
        settings.setdefault("groups_by", "whole")
    return settings


_UNCHECKED: Mapping[str, Sequence[str]] = {"recadam": ("k", "t0", "gamma"), "gradnorm": ("weight_lr", "weight_min")}
"""Settings whose refused values (k = 0 say) make poor training and sound arithmetic."""


def _method(
    bench: GoldenBench, name: str, settings: dict[str, Any], orders: Any, sequences: Sequence[Sequence[int]] | None
) -> Method:
    loose = {key: settings.pop(key) for key in _UNCHECKED.get(name, ()) if settings.get(key) is not None}
    if name == "recadam":
        settings = {key: value for key, value in settings.items() if value is not None}
    method = bench.method(name, settings, orders=orders)
    for key, value in loose.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadSetting(f"the parameter {key!r} must be a number, found {value!r}")
        setattr(method, key, float(value))
    if sequences is not None:
        _follow(method, name, [len(tasks) for tasks in sequences], settings.get("inner_steps"))
    return method


def _follow(method: Any, name: str, lengths: Sequence[int], inner_steps: int | None) -> None:
    """Make every round as long as its sequence."""
    if not hasattr(method, "inner_steps"):
        raise BadSetting(f"method {name} has no rounds, so the parameter 'sequences' cannot be followed")
    if inner_steps is not None and any(length != inner_steps for length in lengths):
        raise BadSetting(f"the parameter 'inner_steps' is {inner_steps}, but the sequences have lengths {lengths}")
    script, step = iter(lengths), method.step

    def scripted(oracle: Any) -> None:
        method.inner_steps = next(script, method.inner_steps)
        step(oracle)

    method.step = scripted


def _whole(orders: Any) -> Any:
    """Orders by step and row, from those or from GradVac's by step, group and row, with one group."""
    try:
        grouped = isinstance(orders[0][0][0], list)
    except (TypeError, IndexError):
        return orders
    if grouped and any(len(groups) != 1 for groups in orders):
        raise BadSetting("the parameter 'orders' must be of one group of columns")
    return [groups[0] for groups in orders] if grouped else orders


def _name(names: Sequence[str], task: int) -> str:
    if task not in range(len(names)):
        raise BadSetting(f"the parameter 'sequences' names task {task!r}; there are 0 to {len(names) - 1}")
    return names[task]


def _loss(centre: Tensor) -> Callable[[Tensor, int], Tensor]:
    return lambda point, _: well(point, centre)
