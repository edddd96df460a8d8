"""A results folder as entries, one file at a time: whole records would not fit in memory by the ten thousand."""

from __future__ import annotations

import gc
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.checks import Problem
from mtlbench.leaderboard.entries import Entry, Failure, entry_of, failure_of
from mtlbench.study.store import Problem as NotARecord
from mtlbench.study.store import each_record

__all__ = ["entries_of", "read_entries", "read_failures"]

_MANY = 1000
"""Records from which it pays to read with several processes."""
_READERS = 8


def read_entries(results: Path) -> tuple[list[Entry], list[Problem]]:
    """The entries of all good records below ``results``, and a problem for each of the other files, in any order.

    Raises BadSetting when there is no such folder.
    """
    readers = _readers(results)
    if readers == 1:
        return _read_share(results, slice(None))
    # Nothing that a reader makes is cyclic, and looking for cycles takes an eighth of its time.
    with ProcessPoolExecutor(readers, mp_context=get_context("fork"), initializer=gc.disable) as pool:
        shares = list(pool.map(_read_share, repeat(results), (slice(i, None, readers) for i in range(readers))))
    entries, problems = ([one for share in kind for one in share] for kind in zip(*shares, strict=True))
    return entries, problems


def _readers(results: Path) -> int:
    """How many processes to read with: one unless there is much to read, and where a fork would copy held locks."""
    many = len(list(islice(results.glob("*/*/*.json"), _MANY))) == _MANY
    if not many or threading.active_count() > 1 or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _READERS)


def _read_share(results: Path, share: slice) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for found in each_record(results, share):
        if isinstance(found, NotARecord):
            problems.append(Problem(found.path, found.text))
        else:
            _sort_out(found, entries, problems)
    return entries, problems


def entries_of(records: Iterable[Mapping[str, Any]]) -> tuple[list[Entry], list[Problem]]:
    """The same for records that somebody else has read."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for record in records:
        _sort_out(record, entries, problems)
    return entries, problems


def _sort_out(record: Mapping[str, Any], entries: list[Entry], problems: list[Problem]) -> None:
    try:
        entries.append(entry_of(record))
    except BadRecord as bad:
        problems.append(Problem(str(record.get("key")), str(bad)))


def read_failures(results: Path) -> Iterator[Failure]:
    """Cells that failed and have no record yet; a file that says too little of its cell is passed over."""
    for path in sorted((results / ".failures").glob("*.json")):
        try:
            yield failure_of(json.loads(path.read_bytes()))
        except (OSError, ValueError, BadRecord):
            continue
