"""Accuracy and Pearson correlation, with their undefined cases defined."""

from __future__ import annotations

import math

import pytest

from mtlbench.interface import BadDataset, Diverged
from mtlbench_tasks.metrics import accuracy, pearson


def test_accuracy_is_the_percentage_of_right_labels_and_a_missing_one_is_wrong() -> None:
    assert accuracy({"a": 0, "b": 1, "z": 2}, {"a": 0, "b": 2, "c": 1, "d": 0}) == 25.0


def test_a_split_without_gold_labels_cannot_be_scored() -> None:
    with pytest.raises(BadDataset, match="'a' has no gold label"):
        accuracy({"a": 0}, {"a": -1})


def test_no_labels_is_an_error() -> None:
    with pytest.raises(BadDataset, match="no labels"):
        accuracy({}, {})


def test_pearson_by_hand() -> None:
    # x - mean = -1, 0, 1; y - mean = -4/3, -1/3, 5/3: r = 3 / sqrt(2 * 42/9)
    found = pearson({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.0, "b": 2.0, "c": 4.0})
    assert found.value == pytest.approx(3 / math.sqrt(2 * 42 / 9))
    assert found.note == ""


def test_opposite_values_correlate_with_minus_one() -> None:
    assert pearson({"a": 3.0, "b": 2.0}, {"a": 1.0, "b": 5.0}).value == pytest.approx(-1)


@pytest.mark.parametrize(
    ("given", "wanted", "note"),
    [
        ({"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 5.0}, "constant predictions"),
        ({"a": 2.0, "b": 3.0}, {"a": 1.0, "b": 1.0}, "constant references"),
        ({"a": 2.0}, {"a": 1.0}, "fewer than two values"),
    ],
)
def test_an_undefined_correlation_is_zero_with_a_note(
    given: dict[str, float], wanted: dict[str, float], note: str
) -> None:
    found = pearson(given, wanted)
    assert (found.value, found.note) == (0.0, note)


def test_a_correlation_needs_every_prediction() -> None:
    with pytest.raises(BadDataset, match="'b' has no prediction"):
        pearson({"a": 1.0}, {"a": 1.0, "b": 2.0})


def test_a_prediction_that_is_no_number_ends_the_run() -> None:
    with pytest.raises(Diverged, match="is nan"):
        pearson({"a": float("nan"), "b": 1.0}, {"a": 1.0, "b": 2.0})


def test_a_label_that_is_a_text_is_refused_in_one_line() -> None:
    with pytest.raises(BadDataset, match="the label of example 'a' must be a class's number, found 'yes'"):
        accuracy({"a": 1}, {"a": "yes"})  # type: ignore[dict-item]
    with pytest.raises(BadDataset, match="the label of example 'a' must be a class's number, found 'yes'"):
        accuracy({"a": "yes"}, {"a": 1})  # type: ignore[dict-item]
