"""From one record to the numbers on the board that it has a part in, each with the keys of the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtlbench.leaderboard.alarms import alarms
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.contrasts import versus
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import number, p_value, signed, spread
from mtlbench.leaderboard.origins import origin

__all__ = ["explanation"]


def explanation(key: str, reading: Reading, path: Path, record: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Lines on the record of ``key``: where it comes from and stands, what its average is of, and what rests on it.

    path: the record's file below the results folder, under which a problem may be filed. record: its content, where
    that is sound.
    """
    yield f"record {key}"
    yield f"file {path}"
    yield from (f"sha256 of the file {entry.sha256}" for entry in reading.entries if entry.key == key)
    yield from origin(record) if record is not None else ()
    for problem in reading.problems:
        if problem.where in (key, path.as_posix()):
            yield f"on no board: {problem.text}"
    for board in reading.boards:
        for row in board.rows:
            for entry in row.entries:
                if entry.key == key:
                    yield from _on_board(entry, row, board)


def _on_board(entry: Entry, row: Row, board: Board) -> Iterator[str]:
    yield f"stands on board {board.label} ({board.budget} gradients), row {row.name}, seed {entry.seed}"
    if entry.status != "done":
        yield f"it {entry.status}: counted in the column Lost, part of no mean"
        return
    yield from _average(entry, board)
    yield f"the row: {spread(list(row.averages.values()))}, mean ± SD over {len(row.averages)} seeds"
    for other in row.done:
        yield f"  seed {other.seed}: {number(other.average)}, record {other.key[:12]}" + (
            " (this)" if other is entry else ""
        )
    if row.lost:
        yield f"  lost: {row.diverged} diverged, {row.failed} failed"
    yield from _against(entry, row, board)
    for alarm in alarms([board]):
        if row.name in alarm:
            yield f"alarm: {alarm}"


def _average(entry: Entry, board: Board) -> Iterator[str]:
    scores = [f"{task.label} {number(entry.scores.get(task.name))}" for task in board.tasks]
    if entry.average is None:
        yield f"it has no average: {', '.join(scores)}"
    else:
        total = math.fsum(entry.scores[task.name] for task in board.tasks)
        yield f"its average: {number(entry.average)} = {number(total)} / {len(board.tasks)} tasks ({', '.join(scores)})"


def _against(entry: Entry, row: Row, board: Board) -> Iterator[str]:
    """The paired differences in which this run is one term."""
    for other in (board.reference, board.single):
        found = versus(board, row, other)
        if other is None or found is None:
            continue
        partner = other.by_seed.get(entry.seed)
        if partner is None or partner.average is None or entry.average is None:
            yield f"against {other.name}: no run at seed {entry.seed} to pair with"
            continue
        own = board.sign * (entry.average - partner.average)
        yield (
            f"against {other.name} at the same seed (record {partner.key[:12]}): {signed(own, 2)}; "
            f"over {found.n} seeds {signed(found.mean, 2)}, p {p_value(found.p)}"
        )
