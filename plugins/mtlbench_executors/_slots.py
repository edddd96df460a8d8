"""Slots: worker processes that stay warm from job to job, each behind its own pipe.

One pipe and one process a slot tell exactly which job a death has cost.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from mtlbench.interface.job import Job, Outcome
from mtlbench_executors._calling import call

__all__ = ["Slot"]

_PATIENCE_SECONDS = 5.0
"""How long a process that was told to end may take before it is made to."""


class Slot:
    """A worker process, as its coordinator sees it."""

    def __init__(self, number: int) -> None:
        # Spawned, because a forked child of a process that has used CUDA or threads cannot be trusted.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), name=f"mtlbench-worker-{number}")
        with _deaf_to_interrupts():
            self.process.start()
        theirs.close()  # else its end would look open after its death
        self.job: Job | None = None
        self.shares = ""
        """What the last job of this slot shares with others: its data lie in the process."""
        self._since = 0.0
        self._warm = False
        self._begun = False

    @property
    def is_usable(self) -> bool:
        """Whether it waits for a job."""
        return self.job is None and self.process.is_alive()

    def start(self, job: Job) -> None:
        """Hand over a job."""
        self.job, self.shares = job, job.shares
        self._since, self._begun = time.perf_counter(), False
        with contextlib.suppress(OSError):
            _send(self.connection, {"job": asdict(job)})

    def receive(self) -> dict[str, Any] | None:
        """The next message, ``{"report": ...}`` or ``{"outcome": ...}``; None when there is none now.

        Raises EOFError or OSError once the process has closed the pipe, by its death as a rule.
        """
        while self.connection.poll():
            message = _receive(self.connection)
            if "begun" not in message:
                return message
            self._begun = True
        return None

    def finish(self, outcome: dict[str, Any]) -> Outcome:
        """The job's outcome, as the worker told it; the slot is free again."""
        self.job, self._warm = None, True
        return Outcome(**outcome)

    def unbegun(self) -> Job | None:
        """The job of a process that died while it idled, too late to be seen when the job was handed over.

        None for a process that never finished a job: one that cannot start would be replaced for ever.
        """
        return self.job if self._warm and not self._begun else None

    def lose(self) -> Outcome:
        """The outcome of a job whose process is dead, or has closed its pipe."""
        key = self.job.key if self.job else ""
        self._end()
        self.job = None
        return Outcome(key, "lost", self._death(), time.perf_counter() - self._since)

    def hang_up(self) -> None:
        """Close the pipe: an idle process then ends as any program ends, a busy one at once."""
        self.connection.close()

    def close(self) -> None:
        """End the process and wait for it."""
        self.hang_up()
        self._end()
        self.job = None

    def _end(self) -> None:
        self.process.join(_PATIENCE_SECONDS)
        for end in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                end()
                self.process.join(_PATIENCE_SECONDS)

    def _death(self) -> str:
        code = self.process.exitcode
        if code is not None and code < 0:
            try:
                return f"its worker was killed by {signal.Signals(-code).name}"
            except ValueError:
                return f"its worker was killed by signal {-code}"
        return f"its worker ended with exit code {code}"


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """For a child that is started here: it is born deaf, and needs no moment to learn to ignore a ^C."""
    resource_tracker.ensure_running()  # its own start, inside the first process's, would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection) -> None:
    """What a worker process does: job after job, until its coordinator closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a ^C reaches all processes, and is the coordinator's to act on
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    os.dup2(2, 1)  # stdout carries results, not what cells print
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(connection, jobs, busy), daemon=True, name="coordinator").start()
    while (job := jobs.get()) is not None:
        _send_or_end(connection, {"begun": job.key})
        outcome = call(job, lambda message: _send_or_end(connection, {"report": dict(message)}))
        busy.clear()
        _send_or_end(connection, {"outcome": asdict(outcome)})


def _listen(connection: Connection, jobs: queue.SimpleQueue[Job | None], busy: threading.Event) -> None:
    """Take jobs as they come, and notice the coordinator's end in the middle of one."""
    try:
        while True:
            message = _receive(connection)
            busy.set()
            jobs.put(Job(**message["job"]))
    except (EOFError, OSError):
        if busy.is_set():
            os._exit(1)  # nobody waits for this cell; its checkpoint stays
        jobs.put(None)


def _send_or_end(connection: Connection, message: dict[str, Any]) -> None:
    try:
        _send(connection, message)
    except OSError:
        os._exit(1)


def _send(connection: Connection, message: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(message).encode())


def _receive(connection: Connection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv_bytes())
    return message
