"""A results folder as entries, one file at a time: whole records would not fit in memory by the ten thousand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.checks import Problem, cell_text
from mtlbench.leaderboard.dividing import MANY, divided
from mtlbench.leaderboard.entries import Entry, Failure, entry_of, failure_of
from mtlbench.leaderboard.outcomes import outcome_of
from mtlbench.study.store import Problem as NotARecord
from mtlbench.study.store import record_paths, records_at

__all__ = ["entries_of", "read_entries", "read_failures"]


def read_entries(results: Path) -> tuple[list[Entry], list[Problem]]:
    """The entries of all good records below ``results``, and a problem for each of the other files, in any order.

    Raises BadSetting when there is no such folder.
    """
    paths = record_paths(results)
    shares = divided(lambda share: _read(paths[share], results), len(paths), pays=len(paths) >= MANY)
    entries, problems = ([one for share in kind for one in share] for kind in zip(*shares, strict=True))
    return entries, problems


def _read(paths: Iterable[Path], results: Path) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    last = hashlib.sha256()

    def look(data: bytes) -> None:
        nonlocal last
        last = hashlib.sha256(data)

    for found in records_at(paths, results, look, outcome_of):
        if isinstance(found, NotARecord):
            problems.append(Problem(found.path, found.text))
        else:
            _sort_out(found, entries, problems, last.hexdigest())
    return entries, problems


def entries_of(records: Iterable[Mapping[str, Any]]) -> tuple[list[Entry], list[Problem]]:
    """The same for records that somebody else has read."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for record in records:
        _sort_out(record, entries, problems)
    return entries, problems


def _sort_out(record: Mapping[str, Any], entries: list[Entry], problems: list[Problem], sha256: str = "") -> None:
    try:
        entries.append(entry_of(record, sha256))
    except BadRecord as bad:
        cell = record["cell"] if isinstance(record.get("cell"), dict) else {}
        told = cell_text(cell.get("suite"), record.get("variant"), cell.get("seed"))
        problems.append(Problem(str(record.get("key")), str(bad), told))


def read_failures(results: Path) -> Iterator[Failure]:
    """Cells that failed and have no record yet; a file that says too little of its cell is passed over."""
    for path in sorted((results / ".failures").glob("*.json")):
        try:
            yield failure_of(json.loads(path.read_bytes()))
        except (OSError, ValueError, BadRecord):
            continue
