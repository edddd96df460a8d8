"""Work divided among processes: what comes out is the same, sooner."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from mtlbench.leaderboard.collecting import uncollected

__all__ = ["MANY", "divided"]

T = TypeVar("T")
Work = Callable[[slice], T]
"""From the share of a list that is to be done to what comes out of it; may use all that its process has."""

MANY = 1000
"""Records from which it pays."""
_MOST = 8
_ROUNDS = 8
"""Shares of each process: what came out of one is sent while the next is done."""

_begun: list[Work[Any]] = []
"""In a process that was forked for it: its work."""


def divided(work: Work[T], items: int, *, pays: bool = True) -> list[T]:
    """What each share came to: of all items, or of every n-th from the first, the second ... to the n-th.

    Each process has several shares, this one the first of all; of the others' shares what comes out is pickled, and so
    is what is raised.

    One process does it all unless it ``pays``, and where a fork would copy held locks or there is none.
    """
    many = min(_processes(), items) if pays else 1
    if many < 2:
        return [work(slice(None))]
    shares = min(many * _ROUNDS, items)
    todo = [slice(place, None, shares) for place in range(shares)]
    # Processes are forked, so that neither the work nor what it works on has to be sent to them.
    pool = ProcessPoolExecutor(many - 1, mp_context=get_context("fork"), initializer=_begin, initargs=(work,))
    try:
        theirs = {place: pool.submit(_done, todo[place]) for place in range(shares) if place % many}
        with uncollected():
            ours = {place: work(todo[place]) for place in range(0, shares, many)}
            return [ours[place] if place in ours else theirs[place].result() for place in range(shares)]
    finally:
        pool.shutdown(cancel_futures=True)


def _processes() -> int:
    if threading.active_count() > 1 or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def _begin(work: Work[Any]) -> None:
    _begun.append(work)


def _done(share: slice) -> Any:
    with uncollected():
        return _begun[-1](share)
