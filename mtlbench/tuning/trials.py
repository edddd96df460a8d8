"""Trials: cells trained for their dev scores alone, each a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadRecord
from mtlbench.interface.executor import Report
from mtlbench.interface.job import Job
from mtlbench.interface.run import Cell
from mtlbench.study.records import make_record, read_checked
from mtlbench.study.store import Store
from mtlbench.worker import asked_of, computing, now, payload_of, provenance, settle, shares_of, suite_context

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["TrialStore", "make_trial_job", "run_trial"]

_FOLDER = "trials"


class TrialStore(Store):
    """A tuning folder: ``<suite>/trials/<method>/<key>.json`` are trials, written and read as records are.

    A trial's outcome holds dev scores and no others, so no board takes one for a record: it lies elsewhere.
    """

    option: ClassVar[str] = "--out"
    depth: ClassVar[int] = 4

    def path(self, cell: Cell) -> Path:
        ordinary = super().path(cell)
        return self.folder / cell.suite / _FOLDER / cell.method / ordinary.name

    def read(self, path: Path) -> dict[str, Any]:
        trial = read_checked(path)
        expected = (trial["cell"]["suite"], _FOLDER, trial["cell"]["method"], f"{trial['key']}.json")
        if path.parts[-4:] != expected:
            raise BadRecord(f"lies in the wrong place: it belongs at {'/'.join(expected)}")
        return trial

    def conflicts(self) -> list[Path]:
        return sorted(self.folder.glob(f"*/{_FOLDER}/*/.conflict-*.json"))


def make_trial_job(cell: Cell, config: Config) -> Job:
    """The job that makes the trial of ``cell``; ``config.results`` is the tuning folder."""
    return Job(cell.key, f"{__name__}:{run_trial.__name__}", payload_of(cell, config), shares_of(cell))


def run_trial(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Make one trial, unless it is there already or another run is at it; returns what ``run_job`` does.

    ``mtlbench_run_cell`` is not asked: a plugin that answers it from elsewhere might hand over test scores.
    """
    cell, config = asked_of(payload)
    store = TrialStore.of(config)

    def make(registry: Registry) -> dict[str, Any]:
        from mtlbench.engine.training import train_cell

        context = suite_context(config, registry, cell.seed)
        checkpoint = store.checkpoint(cell.key)
        with computing(config.threads):
            result = train_cell(cell, registry, context, checkpoint=checkpoint, report=report, selecting=True)
        measured = {**result["measured"], "finished": now()}
        return make_record(cell, result["outcome"], measured, provenance(cell, registry))

    return settle(cell, config, store, report, make)
