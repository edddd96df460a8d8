"""A row's curves: mean, lowest and highest value over seeds at every evaluation point."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.html_runs import CURVES, short
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
    runs = [(entry, json.loads(entry.shown.curve)) for entry in row.done if entry.shown and entry.curve]
    if not runs:
        return None
    lengths = [len(curve["gradients"]) for _, curve in runs]
    usual = max(sorted(set(lengths)), key=lengths.count)
    kept = [(entry, curve) for entry, curve in runs if len(curve["gradients"]) == usual]
    found: dict[str, Any] = {
        "n": len(kept),
        "odd": len(runs) - len(kept),
        "gradients": [short(mean_of(column), 7) for column in zip(*(c["gradients"] for _, c in kept), strict=True)],
        "series": _all_series(kept),
    }
    seconds = [way for entry, curve in kept if (way := _seconds(entry, curve["gradients"], yard)) is not None]
    if seconds:
        found["seconds"] = [short(mean_of(column)) for column in zip(*seconds, strict=True)]
    return found


def _all_series(runs: Sequence[tuple[Entry, Mapping[str, Any]]]) -> dict[str, Any]:
    series = {"average": _series([[short(point.dev) for point in entry.curve] for entry, _ in runs])}
    for name in CURVES:
        series[name] = _series([curve[name] for _, curve in runs if name in curve])
    for place in range(len(runs[0][1]["dev"])):
        series[f"task:{place}"] = _series([curve["dev"][place] for _, curve in runs])
    return {name: one for name, one in series.items() if one}


def _series(columns: Sequence[Sequence[float | None]]) -> list[list[Any]] | None:
    """Mean, lowest and highest at every point; None where no run has any value."""
    points = [[value for value in values if value is not None] for values in zip(*columns, strict=True)]
    if not any(points):
        return None
    return [[short(of(values)) if values else None for values in points] for of in (mean_of, min, max)]


def _seconds(entry: Entry, gradients: Sequence[int], yard: Yardstick) -> list[float] | None:
    """Training seconds at every point, in proportion to gradients; None for a run on another machine."""
    seconds, spent = entry.seconds.get("train"), entry.counts.get("gradients")
    if seconds is None or not spent or entry.machine != yard.machine:
        return None
    return [seconds * point / spent for point in gradients]
