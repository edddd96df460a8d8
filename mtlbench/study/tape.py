"""The Gram tape: the inner products of the tasks' gradients that a record keeps for every point of its curve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtlbench.interface.errors import BadRecord

__all__ = ["LOOKS", "Agreement", "TapePoint", "agreement", "nearest", "tape_of"]

LOOKS = (0.0, 0.5, 1.0)
"""Of the budget: where along a path boards look."""
_NUMBERS = {int, float}

Gram = Sequence[Sequence[float]]
"""(T, T) inner products, in the order of the record's tasks."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the gradients of T tasks lie to each other at one point."""

    cosine: float
    """Mean over the pairs of tasks, in [-1, 1]; a zero gradient has cosine 0 with all others."""
    conflicts: float
    """Share of pairs whose inner product is negative, in [0, 1]."""
    imbalance: float | None
    """The longest gradient's length over the shortest's, at least 1; None where one is zero."""


@dataclass(frozen=True, slots=True)
class TapePoint:
    """One evaluation point."""

    gradients: int
    gram: Gram


def agreement(gram: Gram) -> Agreement | None:
    """Of one Gram matrix; None for fewer than two tasks."""
    norms = [math.sqrt(max(row[i], 0.0)) for i, row in enumerate(gram)]
    if len(norms) < 2:
        return None
    total, opposed = 0.0, 0
    for i, row in enumerate(gram):
        own, products = norms[i], row[i + 1 :]
        opposed += len([product for product in products if product < 0])
        if own > 0:
            # Two divisions: the product of two small norms may underflow where neither does.
            pairs_with = zip(products, norms[i + 1 :], strict=True)
            for cosine in [product / own / other for product, other in pairs_with if other > 0]:
                total += cosine if -1.0 <= cosine <= 1.0 else math.copysign(1.0, cosine)
    pairs = len(norms) * (len(norms) - 1) / 2
    shortest = min(norms)
    return Agreement(total / pairs, opposed / pairs, max(norms) / shortest if shortest > 0 else None)


def nearest(spent: Iterable[int], wanted: float) -> int:
    """Of some numbers of gradients the one that is nearest to ``wanted``, the smaller one of two."""
    return min(spent, key=lambda gradients: (abs(gradients - wanted), gradients))


def tape_of(record: Mapping[str, Any]) -> list[TapePoint]:
    """The tape of a record, empty where it has none; raises BadRecord where it is no (T, T) table of numbers."""
    tasks = len(record["outcome"].get("tasks") or ())
    return list(_points(record["outcome"].get("curve") or (), tasks))


def _points(curve: Sequence[Mapping[str, Any]], tasks: int) -> Iterator[TapePoint]:
    for point in curve:
        gram = ((point.get("probes") or {}).get("cosine") or {}).get("gram")
        if gram is None:
            continue
        is_square = isinstance(gram, list) and all(isinstance(row, list) and len(row) == tasks for row in gram)
        if not is_square or len(gram) != tasks or not all(map(_are_real, gram)):
            raise BadRecord(f"the Gram matrix after {point.get('gradients')} gradients is no {tasks} x {tasks} table")
        yield TapePoint(point["gradients"], gram)


def _are_real(values: list[Any]) -> bool:
    try:
        return _NUMBERS.issuperset(map(type, values)) and all(map(math.isfinite, values))
    except OverflowError:  # a whole number larger than floats are
        return False
