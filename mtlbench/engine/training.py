"""One cell from start to outcome: open the suite, train a model per group of tasks, put the results together."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.engine.accounts import PeakMemory
from mtlbench.engine.checkpoint import load_checkpoint, save_checkpoint
from mtlbench.engine.flops import flops_per_gradient
from mtlbench.engine.group import GroupTraining
from mtlbench.engine.machine import machine, versions
from mtlbench.engine.outcome import cell_outcome, merged_seconds, trial_outcome
from mtlbench.engine.streams import Streams
from mtlbench.engine.suites import open_suite
from mtlbench.engine.warming import warm_up
from mtlbench.interface.errors import BadSetting
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import build
from mtlbench.plugins import collect_extras

if TYPE_CHECKING:
    from mtlbench.interface.executor import Report
    from mtlbench.interface.method import Method
    from mtlbench.interface.run import Cell
    from mtlbench.interface.suite_values import SuiteContext
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
    selecting: bool = False,
) -> dict[str, Any]:
    """Train and measure one cell; returns {"outcome": ..., "measured": ...} as a record holds them.

    checkpoint: a folder for this cell alone; what is found there is continued, to the same outcome, and a new
    checkpoint is written at the first step boundary after every ``checkpoint_seconds`` of wall time. report: gets
    progress, ``{"key", "gradients", "budget", "score"}``. selecting: a trial, whose outcome holds dev scores alone: no
    test split is scored, no unseen task, no probe. A divergence is an outcome; other exceptions propagate.
    """
    started = time.perf_counter()
    context = replace(context, seed=cell.seed)
    suite = open_suite(cell, registry, context)
    protocol = TrainingProtocol(**cell.protocol)
    warm_up(suite, protocol, context.device)
    peak = PeakMemory(context.device)
    method_class = registry.method(cell.method).cls
    groups = build(method_class, cell.settings, f"method {cell.method}").groups([task.name for task in suite.tasks()])
    if protocol.budget < len(groups):
        raise BadSetting(f"method {cell.method} trains {len(groups)} models, too many for {protocol.budget} gradients")
    saved = _load(checkpoint, cell)
    finished: list[dict[str, Any]] = list(saved["finished"]) if saved else []
    running = saved["running"] if saved else None
    progress = _Progress(cell.key, protocol.budget, report)
    saver = _Saver(checkpoint, checkpoint_seconds, cell, finished)
    while True:
        index = len(finished)
        make = partial(
            GroupTraining,
            cell=cell,
            suite=suite,
            tasks=groups[index],
            budget=_share(protocol.budget, len(groups), index),
            protocol=protocol,
            registry=registry,
            context=context,
            streams=Streams(cell.suite, cell.seed),
            unseen=[task.name for task in suite.unseen()] if len(groups) == 1 and not selecting else [],
            selecting=selecting,
        )
        group = _resumed(make, partial(build, method_class, cell.settings, f"method {cell.method}"), running)
        running = None
        spent = sum(result["counts"]["gradients"] for result in finished)
        try:
            finished.append(group.run(partial(_between, group, spent, saver, progress)))
        finally:
            group.close()
        if len(finished) == len(groups) or finished[-1]["divergence"] is not None:
            break
        saver.save(None)
    peak_bytes = peak.read()  # before the operations are counted: the counter brings modules of its own
    measured = {
        **_measured(finished),
        "total_seconds": time.perf_counter() - started,
        "peak_bytes": peak_bytes,
        "flops_per_gradient": flops_per_gradient(suite, group.oracle.model, groups[0][0], protocol),
        "machine": machine(context.device),
        "versions": versions(),
        "extras": collect_extras(registry, group.view()),
    }
    if selecting:
        return {"outcome": trial_outcome(suite, finished), "measured": measured}
    return {"outcome": cell_outcome(suite, method_class, protocol, groups, finished), "measured": measured}


def _resumed(
    make: Callable[..., GroupTraining], method: Callable[[], Method], state: Mapping[str, Any] | None
) -> GroupTraining:
    """A group, continued from a checkpoint's state where one fits: a damaged one costs time, not the cell."""
    group = make(method=method())
    if state is None:
        return group
    try:
        group.load_state_dict(state)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError):
        group.close()
        return make(method=method())
    return group


def _measured(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the groups measured, added up."""
    return {
        "seconds": merged_seconds(results),
        "evaluation_seconds": sum(result["evaluation_seconds"] for result in results),
        "step_seconds": statistics.median([step for result in results for step in result["step_seconds"]]),
        "probes": [point for result in results for point in result["foreign"]],
    }


def _between(group: GroupTraining, spent: int, saver: _Saver, progress: _Progress) -> None:
    """What happens at a step boundary besides training; the clock is stopped."""
    progress.tell(spent + group.oracle.meter.gradients, group.last_score)
    if saver.due():
        saver.save(group.state_dict())


def _share(budget: int, groups: int, index: int) -> int:
    """An equal share of the budget; what does not divide goes to the first groups, one gradient each."""
    return budget // groups + (index < budget % groups)


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
    if not isinstance(state, dict) or state.keys() != {"key", "versions", "finished", "running"}:
        return None
    return state if state["key"] == cell.key and state["versions"] == versions() else None
