"""How well every method does: the average, the zero-shot average and each task."""

from __future__ import annotations

from mtlbench.interface.run import Table
from mtlbench.leaderboard.comparison import interval_cell
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, spread
from mtlbench.leaderboard.statistics import estimate

__all__ = ["intervals_table", "scores_table", "unseen_table"]


def scores_table(board: Board) -> Table:
    """Mean ± SD over seeds of the test scores."""
    zero_shot = bool(board.unseen)
    rows = [
        [
            row.name,
            *runs_cells(row),
            average_cell(row),
            *([spread(row.unseen_averages)] if zero_shot else []),
            *(spread(list(row.task_scores(task.name).values())) for task in board.tasks),
        ]
        for row in board.rows
    ]
    heads = ["Average", *(["Zero-shot"] if zero_shot else []), *task_heads(board)]
    return Table(
        title=f"{board.label}: scores",
        columns=["Method", "n", "Lost", *heads],
        rows=rows,
        notes=[
            f"Test {board.metric} after {board.budget} gradients, mean ± SD over n seeds; {direction(board)}.",
            "Lost: runs that diverged (d) or failed (f). They are in no mean: a row with losses flatters its method.",
            f"{DASH}: not measured. An average needs every task of the run.",
        ],
    )


def intervals_table(board: Board) -> Table:
    """The same scores with their 95 % t intervals."""
    rows = [
        [
            row.name,
            str(len(row.done)),
            *(interval_cell(estimate(list(row.task_scores(task.name).values()))) for task in board.tasks),
            *([interval_cell(estimate(row.unseen_averages))] if board.unseen else []),
            *(interval_cell(estimate(_unseen_scores(row, name))) for name in board.unseen),
        ]
        for row in board.rows
    ]
    zero_shot = ["Zero-shot", *board.unseen] if board.unseen else []
    return Table(
        title=f"{board.label}: intervals",
        columns=["Method", "n", *task_heads(board), *zero_shot],
        rows=rows,
        notes=[
            f"Test {board.metric}, mean over n seeds ± half of a 95 % t interval; {direction(board)}.",
            "A single seed has no interval, and nor has what is the same at every seed.",
            "The averages' are in the comparison table.",
        ],
    )


def unseen_table(board: Board) -> Table | None:
    """Each task that was scored and never trained; None where the suite has none."""
    if not board.unseen:
        return None
    rows = [
        [
            row.name,
            str(len(row.done)),
            spread(row.unseen_averages),
            *(spread(_unseen_scores(row, name)) for name in board.unseen),
        ]
        for row in board.rows
    ]
    return Table(
        title=f"{board.label}: zero-shot scores",
        columns=["Method", "n", "Average", *board.unseen],
        rows=rows,
        notes=[f"Test {board.metric} on tasks that were never trained, mean ± SD over n seeds."],
    )


def _unseen_scores(row: Row, task: str) -> list[float]:
    return row.values(lambda entry: entry.unseen.get(task))


def runs_cells(row: Row) -> list[str]:
    """How many finished runs stand behind a row, and how many were lost."""
    lost = [f"{number} {kind}" for number, kind in ((row.diverged, "d"), (row.failed, "f")) if number]
    return [str(len(row.done)), ", ".join(lost) or "0"]


def average_cell(row: Row) -> str:
    """The average; how many seeds it is of where that is not all finished ones."""
    values = list(row.averages.values())
    short = f" (n = {len(values)})" if values and len(values) < len(row.done) else ""
    return spread(values) + short


def direction(board: Board) -> str:
    """Which way is better, as a clause."""
    ways = {task.higher_is_better for task in board.tasks}
    if len(ways) > 1:
        lower = ", ".join(task.label for task in board.tasks if not task.higher_is_better)
        return f"lower is better for {lower}, higher for the rest, so there is no average"
    return "higher is better" if ways == {True} else "lower is better"


def task_heads(board: Board) -> list[str]:
    """A column's name per task, with the metric where they differ."""
    mixed = len({(task.metric, task.higher_is_better) for task in board.tasks}) > 1
    return [f"{task.label} ({task.metric})" if mixed else task.label for task in board.tasks]
