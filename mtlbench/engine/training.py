"""One cell from start to outcome: open the suite, train a model per group of tasks, put the results together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.engine.accounts import PeakMemory
from mtlbench.engine.checkpoint import load_checkpoint, save_checkpoint
from mtlbench.engine.group import GroupTraining
from mtlbench.engine.machine import machine, versions
from mtlbench.engine.outcome import cell_outcome, merged_seconds
from mtlbench.engine.streams import Streams
from mtlbench.engine.suites import open_suite
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import build

if TYPE_CHECKING:
    from mtlbench.interface.executor import Report
    from mtlbench.interface.method import Method
    from mtlbench.interface.run import Cell
    from mtlbench.interface.suite import SuiteContext
    from mtlbench.plugins import Registry

__all__ = ["train_cell"]


def train_cell(
    cell: Cell,
    registry: Registry,
    context: SuiteContext,
    *,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 20.0,
    report: Report | None = None,
) -> dict[str, Any]:
    """Train and measure one cell; returns {"outcome": ..., "measured": ...} as a record holds them.

    checkpoint: a folder for this cell alone; what is found there is continued, to the same outcome, and a new
    checkpoint is written at the first step boundary after every ``checkpoint_seconds`` of wall time. report: gets
    progress, ``{"key", "gradients", "budget", "score"}``. A divergence is an outcome; other exceptions propagate.
    """
    started = time.perf_counter()
    suite = open_suite(cell, registry, replace(context, seed=cell.seed))
    peak = PeakMemory(context.device)
    method_class = registry.method(cell.method).cls
    groups = build(method_class, cell.settings, f"method {cell.method}").groups([task.name for task in suite.tasks()])
    protocol = TrainingProtocol(**cell.protocol)
    saved = _load(checkpoint, cell)
    finished: list[dict[str, Any]] = list(saved["finished"]) if saved else []
    progress = _Progress(cell.key, protocol.budget, report)
    for index, tasks in enumerate(groups):
        if index < len(finished):
            continue
        spent = sum(result["counts"]["gradients"] for result in finished)
        method: Method = build(method_class, cell.settings, f"method {cell.method}")
        group = GroupTraining(
            cell=cell,
            suite=suite,
            method=method,
            tasks=tasks,
            budget=_share(protocol.budget, len(groups), index),
            protocol=protocol,
            registry=registry,
            context=replace(context, seed=cell.seed),
            streams=Streams(cell.suite, cell.seed),
            unseen=[task.name for task in suite.unseen()] if len(groups) == 1 else [],
        )
        if saved and saved["running"] is not None:
            group.load_state_dict(saved["running"])
            saved = None
        saver = _Saver(checkpoint, checkpoint_seconds, cell, finished)
        try:
            finished.append(group.run(partial(_between, group, spent, saver, progress)))
        finally:
            group.close()
        saver.save(None)
        if finished[-1]["divergence"] is not None:
            break
    measured = {
        "seconds": merged_seconds(finished),
        "evaluation_seconds": sum(result["evaluation_seconds"] for result in finished),
        "total_seconds": time.perf_counter() - started,
        "step_seconds": _median([seconds for result in finished for seconds in result["step_seconds"]]),
        "peak_bytes": peak.read(),
        "flops_per_gradient": finished[0]["flops_per_gradient"],
        "probes": [point for result in finished for point in result["foreign"]],
        "machine": machine(context.device),
        "versions": versions(),
    }
    return {"outcome": cell_outcome(suite, method_class, protocol, groups, finished), "measured": measured}


def _between(group: GroupTraining, spent: int, saver: _Saver, progress: _Progress) -> None:
    """What happens at a step boundary besides training; the clock is stopped."""
    progress.tell(spent + group.oracle.meter.gradients, group.last_score)
    if saver.due():
        saver.save(group.state_dict())


def _share(budget: int, groups: int, index: int) -> int:
    """An equal share of the budget; what does not divide goes to the first groups, one gradient each."""
    return budget // groups + (index < budget % groups)


def _median(values: list[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@dataclass
class _Progress:
    """Tells the coordinator how far the cell is, a few times a second at most."""

    key: str
    budget: int
    report: Callable[[Mapping[str, Any]], None] | None
    _last: float = 0.0

    def tell(self, gradients: int, score: float | None) -> None:
        now = time.monotonic()
        if self.report is None or now - self._last < 0.25:
            return
        self._last = now
        self.report({"key": self.key, "gradients": gradients, "budget": self.budget, "score": score})


class _Saver:
    """Writes checkpoints of a cell: the finished groups and the running one."""

    def __init__(self, folder: Path | None, seconds: float, cell: Cell, finished: list[dict[str, Any]]) -> None:
        self._folder = folder
        self._seconds = seconds
        self._cell = cell
        self._finished = finished
        self._last = time.monotonic()

    def due(self) -> bool:
        return self._folder is not None and time.monotonic() - self._last >= self._seconds

    def save(self, running: dict[str, Any] | None) -> None:
        if self._folder is None:
            return
        state = {"key": self._cell.key, "versions": versions(), "finished": self._finished, "running": running}
        save_checkpoint(self._folder, state)
        self._last = time.monotonic()


def _load(folder: Path | None, cell: Cell) -> dict[str, Any] | None:
    """A checkpoint of this cell made by these versions, or None: another version's numbers would not be the same."""
    state = load_checkpoint(folder) if folder is not None else None
    if state is None or state["key"] != cell.key or state["versions"] != versions():
        return None
    return dict(state)
