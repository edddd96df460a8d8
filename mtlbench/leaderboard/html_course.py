"""The course of one run's training as numbers, which become text only where a page has room for it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.leaderboard.html_numbers import brief, table
from mtlbench.study.values import mapping, part, sequence

__all__ = ["CURVES", "course_of", "course_rows", "course_text"]

CURVES = ("loss", "cosine", "l2", "seen", "unseen")
"""What a course has at every point beside the dev scores: training loss, probes."""


def course_of(outcome: Mapping[str, Any], tasks: Sequence[str]) -> array[float]:
    """Rows over the points of the curve, one after the other: gradients spent, ``CURVES``, each task's dev score.

    NaN for what is missing. A compact form: boards keep ten thousand of them.

    Raises KeyError, TypeError or OverflowError where a block or a number is of another kind.
    """
    curve = outcome.get("curve")
    points = [] if curve is None else [mapping(point) for point in sequence(curve)]
    probes = [part(point, "probes") for point in points]
    devs = [part(point, "dev") for point in points]
    masked = [part(probe, "mlm") for probe in probes]
    spent = [point["gradients"] for point in points]
    values = [point.get("train_loss") for point in points]
    values += [part(probe, "cosine").get("mean") for probe in probes]
    values += [part(probe, "distance").get("l2") for probe in probes]
    values += [losses.get("seen") for losses in masked]
    values += [losses.get("unseen") for losses in masked]
    for task in tasks:
        values += [dev.get(task) for dev in devs]
    _are(spent, {int}, "a whole number of gradients")
    _are(values, {int, float, type(None)}, "a number")
    return array("d", [*spent, *(math.nan if value is None else value for value in values)])


def _are(values: Sequence[Any], kinds: set[type], wanted: str) -> None:
    if not {*map(type, values)} <= kinds:
        wrong = next(value for value in values if type(value) not in kinds)
        raise TypeError(f"expected {wanted}, found {wrong!r:.80}")


def course_rows(course: array[float], tasks: int) -> list[array[float]]:
    """Its rows, in their order. tasks: how many there are."""
    points = len(course) // (1 + len(CURVES) + tasks)
    return [course[start : start + points] for start in range(0, len(course), points)] if points else []


def course_text(course: array[float], tasks: int) -> str:
    """The same as JSON: a list over points by quantity, of ``dev`` one a task; what no point has is left out."""
    spent, *rows = course_rows(course, tasks) or [course] * (1 + len(CURVES) + tasks)
    columns = {"gradients": [f"{gradients:.0f}" for gradients in spent], "dev": [table(rows[len(CURVES) :])]}
    for name, row in zip(CURVES, rows, strict=False):
        if any(map(math.isfinite, row)):
            columns[name] = [brief(value) for value in row]
    texts = [f'"{name}":[{",".join(columns[name])}]' for name in sorted(columns)]
    return f"{{{','.join(texts)}}}"
