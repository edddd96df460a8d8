"""Executors: where the cells of a grid run. What they are given, and what becomes of it, is in ``job``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from mtlbench.interface.job import Job, Outcome

__all__ = ["Executor", "Report"]

Report = Callable[[Mapping[str, Any]], None]
"""Takes a progress message of a running job: plain JSON with at least ``key``."""


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
