"""The selection on one suite, as ``tuning.json`` holds it: a function of the trials on disk and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from mtlbench.interface.run import Cell
from mtlbench.tuning.choosing import Tried, best, edges, expected_best
from mtlbench.tuning.planning import MethodPlan, Plan, Trial
from mtlbench.tuning.trials import TrialStore

__all__ = ["SCHEMA", "recommendations", "selection", "selection_text"]

SCHEMA = 1


def selection(plan: Plan, store: TrialStore) -> dict[str, Any]:
    """What the trials of a plan say, as JSON. A method of which no trial is on disk is left out.

    Raises BadRecord for a file in a trial's place that is none.
    """
    lower: dict[str, None] = {}
    methods = {}
    for method in plan.methods:
        found = _method(method, store, lower)
        if found is not None:
            methods[method.spec] = found
    cell = next((trial.cells[0] for method in plan.methods for trial in method.trials), None)
    about = (
        {"suite_version": cell.suite_version, "options": dict(cell.options), "fingerprint": cell.fingerprint}
        if cell
        else {}
    )
    return {
        "schema": SCHEMA,
        "suite": plan.suite,
        **about,
        "seeds": list(plan.seeds),
        "trials": plan.count,
        "lower_is_better": list(lower),
        "methods": methods,
    }


def selection_text(selected: Mapping[str, Any]) -> str:
    """The text of ``tuning.json``."""
    return json.dumps(selected, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def recommendations(selected: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Method to {"settings", "protocol"} of its chosen values, for every method that has some."""
    chosen = {spec: method["chosen"] for spec, method in selected["methods"].items() if method["chosen"]}
    return {spec: {"settings": it["settings"], "protocol": it["protocol"]} for spec, it in chosen.items()}


def _method(method: MethodPlan, store: TrialStore, lower: dict[str, None]) -> dict[str, Any] | None:
    loaded = {cell.key: store.load(cell) for trial in method.trials for cell in trial.cells}
    files = {key: file for key, file in loaded.items() if file is not None}
    if not files:
        return None
    for file in files.values():
        lower.update(dict.fromkeys(file["outcome"]["lower_is_better"]))
    trials = [_tried(trial, files) for trial in method.trials]
    place = best(trials)
    return {
        "budget": method.trials[0].cells[0].protocol["budget"],
        "space": {name: dimension.as_json() for name, dimension in method.space.items()},
        "trials": [
            {
                "values": dict(trial.values),
                "status": found.status,
                "dev": list(found.dev),
                "average": found.average,
                "keys": [cell.key for cell in trial.cells],
            }
            for trial, found in zip(method.trials, trials, strict=True)
        ],
        "missing": sum(trial.status == "missing" for trial in trials),
        "expected_best": expected_best(trials),
        "chosen": None if place is None else _chosen(method, trials, place),
    }


def _chosen(method: MethodPlan, trials: list[Tried], place: int) -> dict[str, Any]:
    values = trials[place].values
    return {
        "trial": place,
        "average": trials[place].average,
        "settings": {name: value for name, value in values.items() if name in method.settings},
        "protocol": {name: value for name, value in values.items() if name not in method.settings},
        "edges": edges(method.space, trials, place),
    }


def _tried(trial: Trial, files: Mapping[str, Mapping[str, Any]]) -> Tried:
    statuses = [_status(cell, files) for cell in trial.cells]
    dev = [files[cell.key]["outcome"]["average"] if cell.key in files else None for cell in trial.cells]
    worst = max(statuses, key=("done", "diverged", "missing").index)
    return Tried(trial.values, worst, dev)


def _status(cell: Cell, files: Mapping[str, Mapping[str, Any]]) -> Literal["done", "diverged", "missing"]:
    if cell.key not in files:
        return "missing"
    return "diverged" if files[cell.key]["status"] == "diverged" else "done"
