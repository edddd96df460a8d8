"""The outcome of a cell: what is the same on every run of it, put together from its groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.engine.evaluation import all_finite

if TYPE_CHECKING:
    from mtlbench.interface.method import Method
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["cell_outcome", "merged_seconds", "trial_outcome"]

_TRACE_POINTS = 1000
"""Points of a trace that a record keeps, evenly spaced, the last one among them."""


def cell_outcome(
    suite: Suite,
    method: type[Method],
    protocol: TrainingProtocol,
    groups: Sequence[Sequence[str]],
    results: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """One JSON object for a cell; see docs/records.md for its fields. A diverged cell has no scores."""
    divergence = next((result["divergence"] for result in results if result["divergence"]), None)
    scores = {task: found for result in results for task, found in result["scores"].items()} if not divergence else {}
    unseen = {task: found for result in results for task, found in result["unseen"].items()} if not divergence else {}
    probabilities = {task: p for result in results for task, p in result["probabilities"].items()}
    curve = _merged_curve([result["curve"] for result in results])
    outcome = {
        "tasks": [
            {
                "name": task.name,
                "label": task.label or task.name,
                "metric": task.metric,
                "higher_is_better": task.higher_is_better,
                "size": task.size,
                "probability": probabilities.get(task.name),
            }
            for task in suite.tasks()
        ],
        "scores": scores,
        "unseen": unseen,
        "average": _average(scores, [task.name for task in suite.tasks()]),
        "average_unseen": _average(unseen, [task.name for task in suite.unseen()]),
        "counts": _summed([result["counts"] for result in results]),
        "audit": _merged_audit([result["audit"] for result in results]),
        "scale": protocol.reduction if "reduction" not in method.unused_protocol else method.scale,
        "models": len(groups),
        "parameters": dict(results[0]["parameters"]),
        "curve": curve,
        "probes": curve[-1]["probes"] if curve and not divergence else {},
        "divergence": divergence,
    }
    traces = {_group_name(group, groups): result["trace"] for group, result in zip(groups, results, strict=False)}
    if any(traces.values()):
        outcome["trace"] = {name: _thinned(trace) for name, trace in traces.items()}
        outcome["summary"] = {name: _summary(suite, trace) for name, trace in traces.items()}
    return outcome


def trial_outcome(suite: Suite, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One JSON object for a trial of tuning: dev scores by task, and their average, to be made as high as it gets.

    In the average, tasks of which a lower score is the better count negatively. A diverged trial has no scores.
    """
    divergence = next((result["divergence"] for result in results if result["divergence"]), None)
    scores = {task: found["dev"] for result in results for task, found in result["scores"].items()}
    signs = {task.name: 1 if task.higher_is_better else -1 for task in suite.tasks()}
    signed = [sign * scores[task]["value"] for task, sign in signs.items()] if divergence is None else []
    return {
        "dev": scores if divergence is None else {},
        "average": math.fsum(signed) / len(signed) if signed else None,
        "lower_is_better": [task for task, sign in signs.items() if sign < 0],
        "counts": _summed([result["counts"] for result in results]),
        "audit": _merged_audit([result["audit"] for result in results]),
        "divergence": divergence,
    }


def merged_seconds(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Training seconds by phase over all groups, and their sum as ``train``."""
    seconds = _summed([result["seconds"] for result in results])
    return {**seconds, "train": math.fsum(seconds.values())}


def _summary(suite: Suite, trace: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What the suite says of a path; null for what overflows on the path of a diverging run."""
    told = suite.summary(trace)
    return {name: value if all_finite(value) else None for name, value in told.items()}


def _group_name(group: Sequence[str], groups: Sequence[Sequence[str]]) -> str:
    return "all" if len(groups) == 1 else "+".join(group)


def _average(scores: Mapping[str, Any], tasks: Sequence[str]) -> float | None:
    if not tasks or any(task not in scores for task in tasks):
        return None
    return math.fsum(scores[task]["test"]["value"] for task in tasks) / len(tasks)


def _summed(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: sum(table[name] for table in tables) for name in tables[0]}


def _merged_audit(audits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    differences = [audit["difference"] for audit in audits if audit["difference"]]
    return {
        "agrees": not differences,
        "forwards": sum(audit["forwards"] for audit in audits),
        "backwards": sum(audit["backwards"] for audit in audits),
        "difference": "; ".join(differences) or None,
    }


def _merged_curve(curves: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Points of all groups at equal shares of their budgets: costs added, scores side by side, numbers averaged."""
    if len(curves) == 1:
        return [dict(point) for point in curves[0]]
    return [_merged_point(points) for points in zip(*curves, strict=False)]


def _merged_point(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "gradients": sum(point["gradients"] for point in points),
        "lr": points[0]["lr"],
        "train_loss": _mean([point["train_loss"] for point in points]),
        "dev": {task: value for point in points for task, value in point["dev"].items()},
        "probes": _merged_probes([point["probes"] for point in points]),
    }


def _merged_probes(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Per probe, the mean over the models of every number that all of them have; the rest belongs to one model."""
    merged = {}
    for name in measured[0]:
        if not all(name in probes for probes in measured):
            continue
        numbers = [key for key, value in measured[0][name].items() if isinstance(value, (int, float))]
        merged[name] = {key: _mean([probes[name].get(key) for probes in measured]) for key in numbers}
    return merged


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) and known else None


def _thinned(trace: Sequence[Sequence[float]]) -> list[list[float]]:
    stride = max(1, math.ceil(len(trace) / _TRACE_POINTS))
    kept = list(trace[::stride])
    if trace and kept[-1] is not trace[-1]:
        kept.append(trace[-1])
    return [[int(row[0]), *(float(f"{value:.6g}") for value in row[1:])] for row in kept]
