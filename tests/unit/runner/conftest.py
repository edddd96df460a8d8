"""A few cells, records of them, and an executor that does what a script says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mtlbench import Cell, Config, Executor, Job, Outcome, Report, TrainingProtocol, values_of
from mtlbench.runner import CellResult, Watcher
from mtlbench.study.keys import cell_from, keyed
from mtlbench.study.records import make_record
from mtlbench.study.store import Store


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(results=tmp_path / "results")


@pytest.fixture
def store(config: Config) -> Store:
    return Store.of(config)


@pytest.fixture
def cells() -> list[Cell]:
    def cell(seed: int) -> Cell:
        return keyed(Cell("plain", {}, "pond", {}, values_of(TrainingProtocol()), seed, "x", variant="plain"))

    return [cell(seed) for seed in range(4)]


def record(cell: Cell, **outcome: Any) -> dict[str, Any]:
    return make_record(cell, {"divergence": None, "average": 50.0 + cell.seed, **outcome}, {}, {})


@pytest.fixture
def record_of() -> Callable[..., dict[str, Any]]:
    return record


@dataclass
class Scripted(Executor):
    """Stores a record for every cell, but for those whose seed has a script: statuses, one a try; the last stays."""

    name = "scripted"
    store: Store
    script: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tried: list[int] = []
        self.closed = 0

    def run(self, jobs: Sequence[Job], report: Report) -> Iterator[Outcome]:
        for job in jobs:
            cell = cell_from(job.payload["cell"], job.payload["variant"])
            statuses = self.script.get(cell.seed, ["done"])
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            self.tried.append(cell.seed)
            report({"key": job.key, "gradients": 0, "budget": 1, "score": None})
            if status in ("done", "diverged"):
                divergence = {"gradients": 1, "reason": "NaN"} if status == "diverged" else None
                self.store.write(cell, record(cell, divergence=divergence))
            if status == "interrupt":
                raise KeyboardInterrupt
            if status != "silent":
                outcome: Any = "done" if status == "forgets" else status
                yield Outcome(job.key, outcome, None if outcome == "done" else f"it {status}", 1.0)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def scripted(store: Store) -> Callable[..., Scripted]:
    return lambda script=None: Scripted(store, script or {})


class Listener(Watcher):
    def __init__(self) -> None:
        self.found: list[int] = []
        self.ended: list[tuple[int, str]] = []
        self.said: list[str] = []

    def begin(self, cells: Sequence[Cell], results: Any) -> None:
        self.found = [result.cell.seed for result in results.values()]

    def settled(self, result: CellResult) -> None:
        self.ended.append((result.cell.seed, result.status))

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def listener() -> Listener:
    return Listener()
