"""Claims: who is at a cell right now, so that two runs over one folder share the work.

A claim only saves work. A cell that is trained twice gives the same record, and the first to be written stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mtlbench.interface.errors import MtlbenchError
from mtlbench.study.atomic import Owner, temporary_in

__all__ = ["BEAT_SECONDS", "STALE_SECONDS", "Claim", "holder", "sweep_claims"]

BEAT_SECONDS = 30.0
STALE_SECONDS = 300.0
"""Longer than network file systems cache a file's times."""


class Claim:
    """A cell held by this process, until ``release``; a context manager."""

    def __init__(self, path: Path, descriptor: int, beat_seconds: float) -> None:
        self.path = path
        self._descriptor = descriptor
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, args=(beat_seconds,), daemon=True, name="claim")
        self._heart.start()

    @classmethod
    def take(
        cls, path: Path, *, beat_seconds: float = BEAT_SECONDS, stale_seconds: float = STALE_SECONDS
    ) -> Claim | None:
        """The claim at ``path``, or None while somebody else holds it. A stale one is taken over.

        Raises MtlbenchError where a stale one may not be removed: who waited for it would wait for ever.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):  # the second time over the remains of a stale claim
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            except FileExistsError:
                if holder(path, stale_seconds=stale_seconds) is not None:
                    return None
                try:
                    if _clear(path, stale_seconds):
                        continue
                except PermissionError as error:
                    raise MtlbenchError(
                        f"{path}: the claim of a run that has died cannot be taken over: {error.strerror}; remove it"
                    ) from None
                return None
            try:
                os.write(descriptor, _description())
            except OSError:
                os.close(descriptor)
                path.unlink(missing_ok=True)
                raise
            return cls(path, descriptor, beat_seconds)
        return None

    def release(self) -> None:
        """Let go: remove the file, unless somebody has taken it over meanwhile."""
        self._ended.set()
        self._heart.join()
        with contextlib.suppress(OSError), _locked(self._descriptor):
            if _is_at(self.path, self._descriptor):
                self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def _beat(self, seconds: float) -> None:
        while not self._ended.wait(seconds):
            # Through the descriptor: a claim that was taken over is another file, and must not be kept alive.
            with contextlib.suppress(OSError):
                os.utime(self._descriptor)


def holder(path: Path, *, stale_seconds: float = STALE_SECONDS) -> Mapping[str, Any] | None:
    """Who holds the claim at ``path``; None when nobody does, or the holder is dead or silent for too long."""
    try:
        age = _server_time(path.parent) - path.stat().st_mtime
    except FileNotFoundError:
        return None
    if age > stale_seconds:
        return None
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except PermissionError:
        return {}  # of another user, who lets nobody read it
    try:
        claim = json.loads(text)
        owner = Owner(str(claim["machine"]), int(claim["pid"]), str(claim["started"]))
    except (ValueError, KeyError, TypeError):
        return {}  # being written right now
    return None if owner.is_dead else claim


def sweep_claims(folder: Path) -> int:
    """Remove the claims of processes of this machine that are dead, and of the long silent; returns how many."""
    removed = 0
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        with contextlib.suppress(PermissionError):  # who needs it will be told
            removed += path.exists() and holder(path) is None and _clear(path, STALE_SECONDS)
    return removed


def _clear(path: Path, stale_seconds: float) -> bool:
    """Remove a stale claim; False when it is somebody's after all. Raises PermissionError where it is not ours.

    Who removes a claim holds a lock on its file from the last look at it until it is gone, so that nobody removes what
    another has put in its place meanwhile.
    """
    try:
        # Network file systems lock only what is open for writing; a claim of another user may not be.
        descriptor = os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        with _locked(descriptor):
            if not _is_at(path, descriptor):
                return True  # another has removed it meanwhile, and may have let go of it already
            if holder(path, stale_seconds=stale_seconds) is not None:
                return False
            path.unlink(missing_ok=True)
            return True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Wait for the lock on a file and hold it; without one where the file system has none."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        # Closing would not do: a process that was forked meanwhile has the descriptor too.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:  # it is gone, which network file systems say in several ways
        return False


def _description() -> bytes:
    me = Owner.me()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    claim = {"host": platform.node(), "pid": me.pid, "started": me.started, "machine": me.machine, "since": since}
    return json.dumps(claim).encode()


def _server_time(folder: Path) -> float:
    """Now, by the clock of the file system's server: ages are differences of its times alone."""
    probe = temporary_in(folder)
    try:
        probe.touch(exist_ok=False)
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
