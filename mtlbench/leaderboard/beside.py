"""The paper's value beside ours, wherever a board has the suite and the row that the value is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtlbench.interface.run import Table
from mtlbench.leaderboard.comparison import interval_cell
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, number, signed
from mtlbench.leaderboard.paper import PaperValue
from mtlbench.leaderboard.statistics import Estimate, estimate

__all__ = ["beside_table", "verdict_beside"]

_WHOLE: dict[str, Callable[[Entry], float | None]] = {
    "average": lambda entry: entry.average,
    "zero-shot": lambda entry: entry.average_unseen,
    "cosine": lambda entry: entry.cosine,
    "l2": lambda entry: entry.distance,
    "masked-seen": lambda entry: entry.masked_seen,
    "masked-unseen": lambda entry: entry.masked_unseen,
}
_LAST = ("Verdict", "Source")


def beside_table(values: Sequence[PaperValue] | None, boards: Sequence[Board]) -> Table | None:
    """One row for each value and board that has runs of that row; without any it says so. None where nobody asked.

    values: None where the board keeps no folder of them.
    """
    if values is None:
        return None
    found = [
        (value, _cells(value, board, ours))
        for board in boards
        for value in values
        if value.suite == board.suite and (ours := _ours(value, board.called(value.method)))
    ]
    rows = [cells for _, cells in found]
    missing = len(values) - len({value for value, _ in found})
    return Table(
        title="The paper's values beside ours",
        columns=[*("Board", "Method", "Quantity", "Task", "Metric", "Paper", "Ours", "n", "Difference"), *_LAST],
        rows=rows,
        align="lllllrrrrll",
        notes=[
            "The paper's values stand in paper/, each with its source.",
            "Ours: mean over n seeds, ± half of its 95 % t interval. Difference: ours minus the paper's.",
            "Agrees: the paper's value lies in our interval. Higher, lower: ours is, and the interval leaves it out.",
            "Not alike: the value is of another setting than the suite's, so no verdict is given.",
            "Too few runs: a single seed has no interval.",
            *([] if rows else ["There is no row: no value that was read from the paper has runs on these boards."]),
            *([f"{missing} of {len(values)} values have no runs here to stand beside."] if rows and missing else []),
        ],
    )


def verdict_beside(value: PaperValue, ours: Estimate) -> str:
    """What the paper's value is to ours."""
    if value.note:
        return f"not alike: {value.note}"
    if ours.half is None:
        return "too few runs"
    if abs(ours.mean - value.value) <= ours.half:
        return "agrees"
    return "higher" if ours.mean > value.value else "lower"


def _ours(value: PaperValue, row: Row | None) -> Estimate | None:
    if row is None:
        return None
    if not value.task:
        return estimate(row.values(_WHOLE[value.quantity]))
    if value.quantity == "average":
        return estimate(row.values(lambda entry: entry.scores.get(value.task)))
    if value.quantity == "zero-shot":
        return estimate(row.values(lambda entry: entry.unseen.get(value.task)))
    return None  # probes are not told by task


def _cells(value: PaperValue, board: Board, ours: Estimate) -> list[str]:
    return [
        board.label,
        value.method,
        value.quantity,
        value.task or DASH,
        value.metric or DASH,
        number(value.value),
        interval_cell(ours),
        str(ours.n),
        signed(ours.mean - value.value, 2 if abs(value.value) >= 1 else 4),
        verdict_beside(value, ours),
        value.source,
    ]
