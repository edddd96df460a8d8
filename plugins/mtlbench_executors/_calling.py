"""Calling a job's worker function."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlbench.interface.executor import Report
    from mtlbench.interface.job import Job, Outcome

__all__ = ["call"]


def call(job: Job, report: Report) -> Outcome:
    """Run a job in this process. What its function raises, SystemExit too, is a failed outcome."""
    from mtlbench.interface.job import Outcome

    started = time.perf_counter()
    try:
        module, _, name = job.function.partition(":")
        answer = getattr(import_module(module), name)(job.payload, report)
        status, error = answer["status"], answer.get("error")
    except (Exception, SystemExit):
        import traceback

        status, error = "failed", traceback.format_exc()
    return Outcome(job.key, status, error, time.perf_counter() - started)
