"""A grid minus what is on disk, as jobs to an executor; what became of every cell."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadRecord
from mtlbench.interface.executor import Executor
from mtlbench.interface.job import Job, Outcome
from mtlbench.interface.run import Cell
from mtlbench.study.records import FutureRecord
from mtlbench.study.store import Store
from mtlbench.worker import make_job

__all__ = ["ATTEMPTS", "CellResult", "MakeJob", "Status", "Summary", "Watcher", "run_grid", "told"]

ATTEMPTS = 3
"""How often a cell is tried whose worker dies: some deaths are bad luck, and some are the cell's own doing."""

Status = Literal["done", "diverged", "failed", "lost", "unreadable"]

MakeJob = Callable[[Cell, Config], Job]


@dataclass(frozen=True)
class CellResult:
    """What became of a cell.

    status: done and diverged have a record; ``lost``: its worker died at every attempt; ``unreadable``: its record
    is of a newer mtlbench. found: whether another run has made the record, before or beside this one. average: mean
    test score over the tasks. disagreement: how the audit's count differs from the meter's, if it does.
    """

    cell: Cell
    status: Status
    found: bool = False
    error: str | None = None
    seconds: float = 0.0
    average: float | None = None
    disagreement: str | None = None

    @classmethod
    def of(cls, cell: Cell, record: Mapping[str, Any], *, found: bool = False, seconds: float = 0.0) -> CellResult:
        """From the cell's record."""
        outcome = record["outcome"]
        error = _divergence(outcome["divergence"]) if record["status"] == "diverged" else None
        return cls(cell, record["status"], found, error, seconds, outcome.get("average"), _disagreement(outcome))


class Watcher:
    """Hears how a grid gets on; this one says nothing of it."""

    def begin(self, cells: Sequence[Cell], results: Mapping[str, CellResult]) -> None:
        """Once, with what was found on disk, by key."""

    def progress(self, message: Mapping[str, Any]) -> None:
        """A running cell's progress: key, gradients, budget, score."""

    def settled(self, result: CellResult) -> None:
        """A cell has come to an end."""

    def say(self, text: str) -> None:
        """Something that the user should know."""


@dataclass
class Summary:
    """What became of a grid."""

    results: list[CellResult] = field(default_factory=list)
    """In the order of the grid; cells that an interrupt has kept from running are absent."""
    seconds: float = 0.0
    conflicts: list[str] = field(default_factory=list)
    """Records, below the results folder, that came out otherwise than the first of their cell."""

    bad_records: list[str] = field(default_factory=list)
    """Files in the place of records, below the results folder, that were none, or are of a newer mtlbench."""

    def count(self, status: Status, found: bool | None = None) -> int:
        """How many cells ended so; only found, or only not found ones, if ``found`` says so."""
        return sum(it.status == status and found in (None, it.found) for it in self.results)

    @property
    def is_clean(self) -> bool:
        """Whether every cell is done, its audit agrees, and no cell came out in two ways."""
        good = all(result.status == "done" and result.disagreement is None for result in self.results)
        return good and not self.conflicts


def run_grid(
    cells: Sequence[Cell],
    executor: Executor,
    config: Config,
    watcher: Watcher | None = None,
    *,
    summary: Summary | None = None,
    poll_seconds: float = 1.0,
    store: Store | None = None,
    job: MakeJob = make_job,
) -> Summary:
    """Bring every cell to an end: found on disk, or run; failures do not stop the others.

    A cell that another run is at is waited for, and run when that one falls silent. summary: filled as cells end,
    so that an interrupted run can tell how far it came. store, job: where records lie and what makes one, if not the
    results folder and ``run_job``. The executor is closed in every case. Raises MtlbenchError when the results folder
    cannot be written.
    """
    summary = Summary() if summary is None else summary
    try:
        store = Store.of(config) if store is None else store
        return _Run(cells, executor, config, watcher or Watcher(), summary, poll_seconds, store, job).through()
    finally:
        executor.close()


class _Run:
    def __init__(
        self,
        cells: Sequence[Cell],
        executor: Executor,
        config: Config,
        watcher: Watcher,
        summary: Summary,
        poll_seconds: float,
        store: Store,
        job: MakeJob,
    ) -> None:
        self.cells = {cell.key: cell for cell in cells}
        self.executor, self.config, self.watcher = executor, config, watcher
        self.summary, self.poll_seconds = summary, poll_seconds
        self.store, self.job = store, job
        self.results: dict[str, CellResult] = {}
        self.attempts: Counter[str] = Counter()
        self.claimed: dict[str, None] = {}  # ordered: cells that another run is at

    def through(self) -> Summary:
        started = time.monotonic()
        self.store.prepare()
        before = set(self.store.conflicts())
        try:
            for cell in self.cells.values():
                self._look(cell)
            self.watcher.begin(list(self.cells.values()), dict(self.results))
            queue = [key for key in self.cells if key not in self.results]
            while queue:
                queue = [*self._round(queue), *self._freed(block=False)] or self._freed(block=True)
        finally:
            self.store.sweep()
            self.summary.seconds = time.monotonic() - started
            self.summary.results = [self.results[key] for key in self.cells if key in self.results]
            found = sorted(set(self.store.conflicts()) - before)
            self.summary.conflicts = [path.relative_to(self.store.folder).as_posix() for path in found]
        return self.summary

    def _look(self, cell: Cell) -> bool:
        """Whether the cell's record is on disk; the cell is then settled."""
        try:
            record = self.store.load(cell)
        except FutureRecord as future:
            self._is_bad(cell)
            self.results[cell.key] = CellResult(cell, "unreadable", found=True, error=str(future))
            return True
        except BadRecord as bad:
            if self._is_bad(cell):
                self.watcher.say(f"{bad}; the cell is trained again and the bad file kept beside the new record")
            return False
        if record is None:
            return False
        self.results[cell.key] = CellResult.of(cell, record, found=True)
        return True

    def _is_bad(self, cell: Cell) -> bool:
        """Note that the file in the place of the cell's record is bad; whether that is news."""
        path = self.store.path(cell).relative_to(self.store.folder).as_posix()
        is_news = path not in self.summary.bad_records
        if is_news:
            self.summary.bad_records.append(path)
        return is_news

    def _round(self, keys: Iterable[str]) -> list[str]:
        """Run these cells once; returns those to run again."""
        jobs = [self.job(self.cells[key], self.config) for key in keys]
        untold = {job.key for job in jobs}
        again = []
        for outcome in self.executor.run(jobs, self.watcher.progress):
            if outcome.key in untold:
                untold.discard(outcome.key)
                again += self._after(outcome)
        for key in sorted(untold):
            again += self._after(Outcome(key, "lost", "the executor never told what became of it"))
        return again

    def _after(self, outcome: Outcome) -> list[str]:
        """Settle the cell of an outcome, or say that it is to run again. The store knows better than the outcome."""
        cell, error = self.cells[outcome.key], outcome.error
        try:
            record = self.store.load(cell)
        except BadRecord:
            record = None  # it was bad before, and its cell has made no better one
        if record is not None:
            self._settle(CellResult.of(cell, record, seconds=outcome.seconds))
        elif outcome.status == "claimed":
            self.claimed[cell.key] = None
        elif outcome.status == "lost":
            self.attempts[cell.key] += 1
            if self.attempts[cell.key] < ATTEMPTS:
                self.watcher.say(f"{told(cell)}: {error}; it will run again")
                return [cell.key]
            self._fail(cell, "lost", f"{error}, {ATTEMPTS} times", outcome.seconds)
        elif outcome.status == "failed":
            self._fail(cell, "failed", error or "for no reason that its worker told", outcome.seconds)
        else:
            reason = f"its worker stored no record in {self.store.folder}; is that folder shared with it?"
            self._fail(cell, "failed", reason, outcome.seconds)
        return []

    def _fail(self, cell: Cell, status: Status, error: str, seconds: float) -> None:
        # What run_job caught, it has described with a traceback; what it could not catch, nobody else describes.
        line = error.strip().splitlines()[-1]
        if status == "lost" or line != error.strip() or not self.store.failure_path(cell.key).exists():
            self.store.write_failure(cell, {"error": line, "traceback": error, "finished": None})
        self._settle(CellResult(cell, status, error=line, seconds=seconds))

    def _freed(self, *, block: bool) -> list[str]:
        """Claimed cells whose claim ended without a record; if ``block``, wait until there is one or none is left."""
        told_so = False
        while self.claimed:
            freed = []
            for key in list(self.claimed):
                if self._look(self.cells[key]):
                    del self.claimed[key]
                    self.watcher.settled(self.results[key])
                elif self.store.holder(key) is None and not self._look(self.cells[key]):
                    del self.claimed[key]
                    freed.append(key)
            if freed or not block:
                return freed
            if self.claimed and not told_so:
                self.watcher.say(f"waiting for {len(self.claimed)} cells that another run is at")
                told_so = True
            if self.claimed:
                time.sleep(self.poll_seconds)
        return []

    def _settle(self, result: CellResult) -> None:
        self.results[result.cell.key] = result
        self.watcher.settled(result)


def _divergence(found: Any) -> str:
    about = found if isinstance(found, Mapping) else {}
    return f"{about.get('reason') or 'a number was no longer finite'}, after {about.get('gradients', '?')} gradients"


def _disagreement(outcome: Mapping[str, Any]) -> str | None:
    audit = outcome.get("audit")
    if not isinstance(audit, Mapping) or audit.get("agrees") is not False:
        return None
    return str(audit.get("difference") or "it does not say how")


def told(cell: Cell) -> str:
    """A cell as messages name it."""
    return f"{cell.variant} on {cell.suite}, seed {cell.seed}"
