"""One cell after the other, in this process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtlbench.interface import hookimpl
from mtlbench.interface.executor import Executor

if TYPE_CHECKING:
    from mtlbench.interface.executor import Report
    from mtlbench.interface.job import Job, Outcome

__all__ = ["Serial"]


class Serial(Executor):
    """Runs cells where the command runs: for debugging, and for machines with one core.

    A cell that kills its process takes the run with it; ``processes`` survives that.
    """

    name = "serial"
    label = "in this process"

    def run(self, jobs: Sequence[Job], report: Report) -> Iterator[Outcome]:
        from mtlbench_executors._calling import call

        for job in jobs:
            with contextlib.redirect_stdout(sys.stderr):  # stdout carries results, not what cells print
                outcome = call(job, report)
            yield outcome


@hookimpl
def mtlbench_executors() -> list[type[Executor]]:
    return [Serial]
