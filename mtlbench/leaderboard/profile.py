"""How often, and by how much, a method falls behind or gets ahead of MTL (a performance profile, MTL as reference)."""

from __future__ import annotations

import math

from mtlbench.interface.run import Table
from mtlbench.leaderboard.model import REFERENCE, Board, Row
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import mean_of, percent

__all__ = ["has_ratios", "profile_table", "relative_scores"]

_STEPS = (0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1)


def profile_table(board: Board) -> Table | None:
    """Shares of (task, seed) pairs by their score relative to MTL's; None without MTL runs."""
    reference = board.reference
    if reference is None or not reference.averages:
        return None
    rows = []
    for row in board.rows if has_ratios(board) else ():
        ratios = relative_scores(board, row, reference)
        known = [ratio for ratio in ratios if ratio is not None]
        shares = [percent(mean_of([ratio is not None and ratio >= step for ratio in ratios])) for step in _STEPS]
        rows.append([row.name, f"{len(known)} of {len(ratios)}", *shares])
    notes = [
        f"Share of pairs of task and seed whose score is at least so many times {REFERENCE}'s at the same seed.",
        f"Of all pairs that {REFERENCE} has: a run that diverged, failed or is missing reaches nothing, nor does a 0.",
        "Where lower is better, the inverse. No cell depends on which other methods there are.",
        *namesake_notes(board),
    ]
    return Table(
        title=f"{board.label}: profile",
        columns=["Method", "Pairs", *(f"≥ {step:g}" for step in _STEPS)],
        rows=rows,
        notes=notes
        if rows
        else [f"There is no profile: {REFERENCE} has scores below zero, of which multiples say nothing."],
    )


def has_ratios(board: Board) -> bool:
    """Whether multiples of the reference's scores mean anything: none of them lies below zero."""
    reference = board.reference
    return reference is not None and all(
        score >= 0 for task in board.tasks for score in reference.task_scores(task.name).values()
    )


def relative_scores(board: Board, row: Row, reference: Row) -> list[float | None]:
    """For every task and seed of the reference the row's score over the reference's, above 1 where better.

    Where lower is better, the inverse. None where the row has no score; infinite over a 0.
    """
    return [
        _ratio(row.task_scores(task.name).get(seed), theirs, task.higher_is_better)
        for task in board.tasks
        for seed, theirs in sorted(reference.task_scores(task.name).items())
    ]


def _ratio(own: float | None, theirs: float, higher_is_better: bool) -> float | None:
    if own is None:
        return None
    if own == theirs:
        return 1.0
    better, worse = (own, theirs) if higher_is_better else (theirs, own)
    # A loss below zero, beside one that is not, is better than any multiple of it.
    return better / worse if worse > 0 else math.inf
