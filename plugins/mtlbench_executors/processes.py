"""Several cells at a time, each in a process of its own that stays warm from cell to cell."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import hookimpl
from mtlbench.interface.errors import require
from mtlbench.interface.executor import Executor

if TYPE_CHECKING:
    from mtlbench.interface.executor import Report
    from mtlbench.interface.job import Job, Outcome
    from mtlbench_executors._slots import Slot

__all__ = ["Processes", "Waiting"]


@dataclass
class Processes(Executor):
    """Supervised worker processes on this machine: a killed worker loses its own cell and no other.

    Workers end by themselves when the process that runs this dies.
    """

    name = "processes"
    label = "worker processes"

    workers: int | None = None
    """Cells at a time; none is one for each core that this process may use."""

    def __post_init__(self) -> None:
        require(self.workers is None or self.workers > 0, f"workers must be positive or none, found {self.workers}")
        self._slots: list[Slot] = []
        self._started = 0

    def run(self, jobs: Sequence[Job], report: Report) -> Iterator[Outcome]:
        from multiprocessing.connection import wait

        waiting = Waiting(jobs)
        try:
            while waiting or any(slot.job for slot in self._slots):
                self._assign(waiting)
                busy = [slot for slot in self._slots if slot.job is not None]
                wait([it for slot in busy for it in (slot.connection, slot.process.sentinel)])
                for slot in busy:
                    yield from self._heard(slot, report, waiting)
        finally:
            for slot in [slot for slot in self._slots if slot.job is not None]:
                self._drop(slot)  # whoever stopped asking wants none of the rest

    def close(self) -> None:
        for slot in self._slots:
            slot.hang_up()
        for slot in list(self._slots):
            self._drop(slot)

    def _assign(self, waiting: Waiting) -> None:
        from mtlbench_executors._slots import Slot

        for slot in [slot for slot in self._slots if slot.job is None and not slot.is_usable]:
            self._drop(slot)
        most = self.workers or _cores()
        while waiting:
            free = next((slot for slot in self._slots if slot.job is None), None)
            if free is None and len(self._slots) < most:
                free = Slot(self._started)
                self._started += 1
                self._slots.append(free)
            if free is None:
                return
            free.start(waiting.take(free.shares, {slot.shares for slot in self._slots if slot is not free}))

    def _heard(self, slot: Slot, report: Report, waiting: Waiting) -> Iterator[Outcome]:
        """What a busy slot has to say; a death counts only after its last words, and costs only what was begun."""
        ended = not slot.process.is_alive()
        try:
            while (message := slot.receive()) is not None:
                if "outcome" in message:
                    yield slot.finish(message["outcome"])
                    return
                report(message["report"])
        except (EOFError, OSError):
            ended = True
        if ended and (job := slot.unbegun()):
            self._drop(slot)
            waiting.put_back(job)
        elif ended:
            yield slot.lose()

    def _drop(self, slot: Slot) -> None:
        self._slots.remove(slot)
        slot.close()


class Waiting:
    """Jobs that nobody has begun, together with those that share their data, in the order in which they came."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._groups: dict[str, deque[Job]] = {}
        for job in jobs:
            self._groups.setdefault(job.shares, deque()).append(job)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def take(self, loaded: str, others: set[str]) -> Job:
        """The next job on the data that a worker has loaded; else on data that no other has; else the next."""
        fresh = (shares for shares in self._groups if shares not in others)
        shares = loaded if loaded in self._groups else next(fresh, next(iter(self._groups)))
        group = self._groups[shares]
        job = group.popleft()
        if not group:
            del self._groups[shares]
        return job

    def put_back(self, job: Job) -> None:
        if job.shares in self._groups:
            self._groups[job.shares].appendleft(job)
        else:
            self._groups = {job.shares: deque([job]), **self._groups}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@hookimpl
def mtlbench_executors() -> list[type[Executor]]:
    return [Processes]
