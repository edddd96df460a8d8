"""What executors are given to run, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Job", "Outcome"]


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
