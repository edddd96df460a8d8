"""The Gram tape: the inner products of the tasks' gradients that a record keeps for every point of its curve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations
from typing import Any, NamedTuple

from mtlbench.interface.errors import BadRecord
from mtlbench.study.json_text import Unread, json_of

__all__ = ["LOOKS", "Agreement", "TapePoint", "agreement", "nearest", "tape_of"]

LOOKS = (0.0, 0.5, 1.0)
"""Of the budget: where along a path boards look."""
_NUMBERS = {int, float}
_NONE = (None, Unread(b"null"))

Gram = Sequence[Sequence[float]]
"""(T, T) inner products, in the order of the record's tasks."""


class Agreement(NamedTuple):
    """How the gradients of T tasks lie to each other at one point."""

    cosine: float
    """Mean over the pairs of tasks, in [-1, 1]; a zero gradient has cosine 0 with all others."""
    conflicts: float
    """Share of pairs whose inner product is negative, in [0, 1]."""
    imbalance: float | None
    """The longest gradient's length over the shortest's, at least 1; None where one is zero."""


class TapePoint(NamedTuple):
    """One evaluation point."""

    gradients: int
    gram: Gram


def agreement(gram: Gram) -> Agreement | None:
    """Of one Gram matrix; None for fewer than two tasks."""
    norms = [math.sqrt(max(row[i], 0.0)) for i, row in enumerate(gram)]
    if len(norms) < 2:
        return None
    products = [*chain.from_iterable([row[i:] for i, row in enumerate(gram, 1)])]
    pairs = zip(products, combinations(norms, 2), strict=True)
    # Two divisions: the product of two small norms may underflow where neither does.
    cosines = [product / one / other for product, (one, other) in pairs if one and other]
    if min(cosines, default=0.0) < -1.0 or max(cosines, default=0.0) > 1.0:
        cosines = [min(max(cosine, -1.0), 1.0) for cosine in cosines]
    opposed = len([product for product in products if product < 0])
    shortest = min(norms)
    return Agreement(
        cosine=math.fsum(cosines) / len(products),
        conflicts=opposed / len(products),
        imbalance=max(norms) / shortest if shortest > 0 else None,
    )


def nearest(spent: Iterable[int], wanted: float) -> int:
    """Of some numbers of gradients the one that is nearest to ``wanted``, the smaller one of two."""
    return min(sorted(spent), key=lambda gradients: abs(gradients - wanted))


def tape_of(record: Mapping[str, Any], looks: Iterable[float] | None = None) -> list[TapePoint]:
    """The tape of a record, empty where it has none; raises BadRecord where it is no (T, T) table of numbers.

    looks: shares of the budget; then the points that are nearest to them, and no others are read.
    """
    tasks = len(record["outcome"].get("tasks") or ())
    found = []
    for point in record["outcome"].get("curve") or ():
        gram = ((point.get("probes") or {}).get("cosine") or {}).get("gram")
        if gram not in _NONE:
            found.append((point["gradients"], gram))
    if looks is not None and found:
        budget = record["cell"]["protocol"]["budget"]
        wanted = {nearest([spent for spent, _ in found], share * budget) for share in looks}
        found = [(spent, gram) for spent, gram in found if spent in wanted]
    points = [TapePoint(spent, json_of(gram) if type(gram) is Unread else gram) for spent, gram in found]
    if not _are_tables([point.gram for point in points], tasks):
        bad = next(point for point in points if not _are_tables([point.gram], tasks))
        raise BadRecord(f"the Gram matrix after {bad.gradients} gradients is no {tasks} x {tasks} table")
    return points


def _are_tables(grams: Sequence[Any], tasks: int) -> bool:
    """Whether all are (T, T) tables of numbers: to look at them together takes half the time."""
    if not all(isinstance(gram, list) and len(gram) == tasks for gram in grams):
        return False
    rows = [*chain.from_iterable(grams)]
    if not {*map(type, rows)} <= {list} or not {*map(len, rows)} <= {tasks}:
        return False
    values = [*chain.from_iterable(rows)]
    kinds = {*map(type, values)}
    if kinds == {float} and math.isfinite(sum(values)):  # a sum keeps every NaN and infinity
        return True
    try:
        return _NUMBERS.issuperset(kinds) and all(map(math.isfinite, values))
    except OverflowError:  # a whole number larger than floats are
        return False
