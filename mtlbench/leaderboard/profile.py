"""How often, and by how much, a method falls behind or gets ahead of MTL (a performance profile, MTL as reference)."""

from __future__ import annotations

from collections.abc import Iterator

from mtlbench.interface.run import Table
from mtlbench.leaderboard.model import REFERENCE, Board, Row
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, mean_of, percent

__all__ = ["profile_table", "relative_scores"]

_STEPS = (0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1)


def profile_table(board: Board) -> Table | None:
    """Shares of (task, seed) pairs by their score relative to MTL's; None without MTL runs."""
    reference = board.reference
    if reference is None or not reference.averages:
        return None
    rows = []
    for row in board.rows:
        ratios = list(relative_scores(board, row, reference))
        shares = [percent(mean_of([ratio >= step for ratio in ratios])) if ratios else DASH for step in _STEPS]
        rows.append([row.name, str(len(ratios)), *shares])
    return Table(
        title=f"{board.label}: profile",
        columns=["Method", "Pairs", *(f"≥ {step:g}" for step in _STEPS)],
        rows=rows,
        notes=[
            f"Share of pairs of task and seed whose score is at least so many times {REFERENCE}'s at the same seed.",
            "Where lower is better, the inverse. No cell depends on which other methods there are.",
            *namesake_notes(board),
        ],
    )


def relative_scores(board: Board, row: Row, reference: Row) -> Iterator[float]:
    """Score over the reference's for each task and shared seed, above 1 where better; pairs with a 0 are left out."""
    for task in board.tasks:
        own, theirs = row.task_scores(task.name), reference.task_scores(task.name)
        for seed in sorted(own.keys() & theirs.keys()):
            better, worse = (own[seed], theirs[seed]) if task.higher_is_better else (theirs[seed], own[seed])
            if better > 0 and worse > 0:
                yield better / worse
