"""Accuracy of labels and correlation of values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtlbench.interface import BadDataset, Diverged

__all__ = ["Correlation", "accuracy", "pearson"]


@dataclass(frozen=True)
class Correlation:
    """Pearson's r, in [-1, 1]."""

    value: float
    note: str = ""
    """Why ``value`` is 0 by definition; empty where it was computed."""


def accuracy(predictions: Mapping[str, int], references: Mapping[str, int]) -> float:
    """Percent of labels that are right (scikit-learn's ``accuracy_score``); a missing prediction is wrong.

    Raises BadDataset for no references, and for a label that is no number.
    """
    from sklearn.metrics import accuracy_score

    if not references:
        raise BadDataset("there are no labels to score")
    given_or_gold: list[tuple[str, Any]] = [*references.items(), *predictions.items()]
    for name, label in given_or_gold:
        if isinstance(label, str):
            raise BadDataset(f"the label of example {name!r} must be a class's number, found {label!r}")
    if any(label < 0 for label in references.values()):
        name = next(name for name, label in references.items() if label < 0)
        raise BadDataset(f"example {name!r} has no gold label (it is {references[name]}): this split cannot be scored")
    given = [predictions.get(name, -1) for name in references]  # no gold label is negative
    return 100.0 * float(accuracy_score(list(references.values()), given))


def pearson(predictions: Mapping[str, float], references: Mapping[str, float]) -> Correlation:
    """SciPy's Pearson correlation; 0, with a note, where it is undefined: constant values or fewer than two.

    Raises BadDataset for a missing prediction, which no value can stand for, and Diverged for one that is NaN or
    infinite.
    """
    from scipy.stats import pearsonr

    for name in references:
        if name not in predictions:
            raise BadDataset(f"example {name!r} has no prediction: a correlation needs all of them")
        if not math.isfinite(predictions[name]):
            raise Diverged(f"the prediction for example {name!r} is {predictions[name]}")
        if not math.isfinite(references[name]):
            raise BadDataset(f"example {name!r} has the gold value {references[name]}")
    if len(references) < 2:
        return Correlation(0.0, "fewer than two values")
    given = [float(predictions[name]) for name in references]
    wanted = [float(value) for value in references.values()]
    for values, what in ((given, "predictions"), (wanted, "references")):
        if len(set(values)) == 1:
            return Correlation(0.0, f"constant {what}")
    return Correlation(float(pearsonr(given, wanted).statistic))
