"""The list of data sets that the vision suite is given: how an entry is written, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mtlbench.interface import BadDataset, BadSetting, DataSource

__all__ = ["Wanted", "range_of", "wanted_sets"]

_FORM = re.compile(
    r"(?P<name>[^:#!%@\s]+/[^:#!%@\s]+)(:(?P<config>[^#!%@\s]+))?(#(?P<label>[^!%@\s]+))?(!(?P<test>[^%@\s]+))?"
    r"(%(?P<first>\d+)-(?P<last>\d+))?(@(?P<revision>\S+))?"
)
_FORM_TEXT = "NAME[:CONFIG][#LABEL COLUMN][!TEST SPLIT][%FIRST-LAST CLASS][@REVISION]"


@dataclass(frozen=True)
class Wanted:
    """One entry of the list of data sets."""

    source: DataSource
    label: str | None
    """The label column; the first one when None."""
    test: str
    """The split to test on."""
    classes: tuple[int, int] | None
    """The first and the last class of the task; all when None."""


def wanted_sets(datasets: Sequence[str]) -> dict[str, Wanted]:
    """Task name to what was asked for. Raises BadSetting."""
    found = {}
    for text in datasets:
        form = _FORM.fullmatch(text)
        if form is None:
            raise BadSetting(f"{text!r} is not {_FORM_TEXT}, as in ylecun/mnist:mnist")
        classes = (int(form["first"]), int(form["last"])) if form["first"] else None
        if classes and classes[0] >= classes[1]:
            raise BadSetting(f"{text!r}: classes {form['first']} to {form['last']} are fewer than two")
        test = form["test"] or "test"
        marked = form["name"].replace("standin/", "standin-").rpartition("/")[2]
        parts = [marked.lower().replace(".", "-"), form["label"], f"{classes[0]}-{classes[1]}" if classes else None]
        source = DataSource(form["name"], form["config"], ("train", test), form["revision"])
        found["-".join(filter(None, parts))] = Wanted(source, form["label"], test, classes)
    return found


def range_of(wanted: Wanted, train: tuple[str, ...], test: tuple[str, ...]) -> tuple[int, int]:
    """The first and the last class of a task, of the classes of its two splits. Raises BadDataset."""
    name = wanted.source.name
    if train != test:
        raise BadDataset(f"{name}: train and {wanted.test} have unlike classes")
    first, last = wanted.classes or (0, len(train) - 1)
    if last >= len(train):
        raise BadDataset(f"{name} has classes 0 to {len(train) - 1}, so there is none {last}")
    return first, last
