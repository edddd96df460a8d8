"""Executors: where the cells of a grid run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

__all__ = ["Executor", "Job", "Outcome", "Report"]

Report = Callable[[Mapping[str, Any]], None]
"""Takes a progress message of a running job: plain JSON with at least ``key``."""


@dataclass(frozen=True)
class Job:
    """One cell to run, as plain JSON: it travels between processes and machines.

    function: ``module:name`` of the worker function, called as ``function(payload, report)``; it finds the plugins
    itself, writes its own record and returns a JSON object with ``status`` and, if not done, ``error``. shares: jobs
    with the same text load the same data, so that a worker which did one does the next sooner; any can do any job.
    """

    key: str
    function: str
    payload: Mapping[str, Any]
    shares: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: the store, not this, says whether its record exists.

    status: ``done``, ``diverged``, ``failed`` (the cell raised), ``claimed`` (another run is at it), ``lost`` (its
    worker died).
    """

    key: str
    status: Literal["done", "diverged", "failed", "claimed", "lost"]
    error: str | None = None
    seconds: float = 0.0


@dataclass
class Executor:
    """Runs jobs and tells what became of each: reports, never retries, never raises for a cell.

    A dataclass whose fields are its settings.
    """

    name: ClassVar[str]
    label: ClassVar[str] = ""
    version: ClassVar[str] = "1"

    def run(self, jobs: Sequence[Job], report: Report) -> Iterator[Outcome]:
        """One outcome a job, in any order, as they come."""
        raise NotImplementedError

    def close(self) -> None:
        """Cancel what still runs; called on every ending, an interrupt too."""
