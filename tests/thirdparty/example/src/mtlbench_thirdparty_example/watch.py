"""Watch: counts what happens in a cell, and the processor time that it takes."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any

from mtlbench import Cell, Config, RunView, hookimpl

_seen = {"steps": 0, "evaluations": 0}


@hookimpl(wrapper=True)
def mtlbench_run_cell(cell: Cell, config: Config) -> Generator[None, Mapping[str, Any], Mapping[str, Any]]:
    before = time.process_time()
    result = yield
    measured = result["measured"]
    share = {**measured["extras"].get("watch", {}), "cpu_seconds": time.process_time() - before}
    return {**result, "measured": {**measured, "extras": {**measured["extras"], "watch": share}}}


@hookimpl
def mtlbench_train_started(run: RunView) -> None:
    _seen.update(steps=0, evaluations=0)


@hookimpl
def mtlbench_step_finished(run: RunView, step: int) -> None:
    _seen["steps"] += 1


@hookimpl
def mtlbench_evaluated(run: RunView, point: Mapping[str, Any]) -> None:
    _seen["evaluations"] += 1


@hookimpl
def mtlbench_record_extras(run: RunView) -> Mapping[str, Any]:
    return dict(_seen)
