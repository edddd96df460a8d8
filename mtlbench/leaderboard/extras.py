"""The further metrics that suites score beside the one that counts: EM beside F1, precision and recall, and so on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mtlbench.interface.run import Table
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, spread

__all__ = ["extras_table"]


def extras_table(board: Board) -> Table | None:
    """A line for each method and metric, a column for each task; None where there is no further metric."""
    metrics = sorted({name for row in board.rows for entry in row.done for name in entry.extras})
    if not metrics:
        return None
    trained = [task.name for task in board.tasks]
    rows = [
        [
            row.name,
            metric,
            str(len(row.done)),
            spread(_means(row, metric, trained)),
            *([spread(_means(row, metric, board.unseen))] if board.unseen else []),
            *(spread(_values(row, metric, name)) for name in (*trained, *board.unseen)),
        ]
        for row in board.rows
        for metric in metrics
    ]
    zero_shot = ["Zero-shot"] if board.unseen else []
    heads = ["Average", *zero_shot, *(task.label for task in board.tasks), *board.unseen]
    return Table(
        title=f"{board.label}: further metrics",
        columns=["Method", "Metric", "n", *heads],
        rows=rows,
        notes=[
            "On the test splits of the tasks, and of those that were never trained; mean ± SD over n seeds.",
            f"Methods stand in the order of their {board.metric}. {DASH}: the task has no such metric.",
        ],
    )


def _values(row: Row, metric: str, task: str) -> list[float]:
    return row.values(lambda entry: entry.extras.get(metric, {}).get(task))


def _means(row: Row, metric: str, tasks: Sequence[str]) -> list[float]:
    """Of each run the mean over all tasks that have the metric."""

    def mean(entry: Entry) -> float | None:
        found = entry.extras.get(metric, {})
        values = [found[task] for task in tasks if task in found]
        return math.fsum(values) / len(values) if values else None

    return row.values(mean)
