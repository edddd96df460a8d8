"""An end in good order when a run is told to stop: ^C and SIGTERM alike."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

__all__ = ["exit_code", "terminable"]

_INTERRUPTED = 130
_TERMINATED = 143


class _Terminated(KeyboardInterrupt):
    """SIGTERM."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises a KeyboardInterrupt in here."""

    def stop(*_: object) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: signals are somebody else's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(stop: KeyboardInterrupt) -> int:
    """What a command returns that was stopped so."""
    return _TERMINATED if isinstance(stop, _Terminated) else _INTERRUPTED
