"""A row's curves: mean, lowest and highest value over seeds at every evaluation point."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.html_course import CURVES, course_rows
from mtlbench.leaderboard.html_numbers import short
from mtlbench.leaderboard.model import Board, Row, once_a_board
from mtlbench.leaderboard.numbers import mean_of

__all__ = ["board_curves"]


@once_a_board
def board_curves(board: Board) -> list[dict[str, Any] | None]:
    """Those of every row, in their order."""
    yard = Yardstick(board)
    return [_row_curve(row, yard) for row in board.rows]


def _row_curve(row: Row, yard: Yardstick) -> dict[str, Any] | None:
    """``gradients``, ``seconds`` and each quantity as [mean, lowest, highest], a list over points; None without curves.

    The k-th point is the mean over the k-th points of all runs: methods whose rounds are long end their rounds at
    different gradients. Runs with another number of points than most are left out, and counted as ``odd``.
    """
    runs = [
        (entry, course_rows(entry.shown.course, len(entry.tasks))) for entry in row.done if entry.shown and entry.curve
    ]
    if not runs:
        return None
    lengths = [len(spent) for _, (spent, *_) in runs]
    usual = max(sorted(set(lengths)), key=lengths.count)
    kept = [(entry, rows) for entry, rows in runs if len(rows[0]) == usual]
    found: dict[str, Any] = {
        "n": len(kept),
        "odd": len(runs) - len(kept),
        "gradients": [short(mean_of(column), 7) for column in zip(*(spent for _, (spent, *_) in kept), strict=True)],
        "series": _all_series(kept),
    }
    seconds = [way for entry, (spent, *_) in kept if (way := _seconds(entry, spent, yard)) is not None]
    if seconds:
        found["seconds"] = [short(mean_of(column)) for column in zip(*seconds, strict=True)]
    return found


def _all_series(runs: Sequence[tuple[Entry, Sequence[array[float]]]]) -> dict[str, Any]:
    averages = [[math.nan if point.dev is None else point.dev for point in entry.curve] for entry, _ in runs]
    names = [*CURVES, *(f"task:{place}" for place in range(len(runs[0][0].tasks)))]
    series = {"average": _series(averages)}
    for name, columns in zip(names, zip(*(rows[1:] for _, rows in runs), strict=True), strict=True):
        series[name] = _series(columns)
    return {name: one for name, one in series.items() if one}


def _series(columns: Sequence[Sequence[float]]) -> list[list[Any]] | None:
    """Mean, lowest and highest at every point; None where no run has any value."""
    points = [[*filter(math.isfinite, values)] for values in zip(*columns, strict=True)]
    if not any(points):
        return None
    return [[short(of(values)) if values else None for values in points] for of in (mean_of, min, max)]


def _seconds(entry: Entry, gradients: Sequence[float], yard: Yardstick) -> list[float] | None:
    """Training seconds at every point, in proportion to gradients; None for a run on another machine."""
    seconds, spent = entry.seconds.get("train"), entry.counts.get("gradients")
    if seconds is None or not spent or entry.machine != yard.machine:
        return None
    return [seconds * point / spent for point in gradients]
