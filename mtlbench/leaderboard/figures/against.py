"""Where methods stand: ranks, performance profile, transfer by task."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from mtlbench.leaderboard.contrasts import below, transfers
from mtlbench.leaderboard.figures.dotted import dotted
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board
from mtlbench.leaderboard.profile import relative_scores
from mtlbench.leaderboard.standing import rank_summary

__all__ = ["profile", "ranks", "transfer"]

_RATIOS = 60
"""Steps at most of a line of the profile."""


def ranks(board: Board) -> Iterator[Figure]:
    """Mean ranks with their intervals."""
    found = rank_summary(board)
    rows: list[list[Cell]] = [
        ["", name, len(board.tasks), one.mean, one.low, one.high]
        for name, one in sorted(found.items(), key=lambda item: (item[1].mean, item[0]))
    ]
    yield from dotted(
        board,
        "ranks",
        ["panel", "method", "tasks", "value", "low", "high"],
        rows,
        title="mean rank over tasks and seeds",
        note="1 is best. Bars: 95 % intervals, bootstrap over seeds and tasks.",
        x="mean rank",
    )


def profile(board: Board) -> Iterator[Figure]:
    """The share of (task, seed) pairs at or above every multiple of MTL's score."""
    reference = board.reference
    if reference is None or not reference.averages:
        return
    by_row = {row.name: sorted(relative_scores(board, row, reference)) for row in board.rows if row is not reference}
    every = sorted(ratio for ratios in by_row.values() for ratio in ratios)
    if not every:
        return
    low, high = min(every[len(every) // 50], 1.0), max(every[-1 - len(every) // 50], 1.0)
    steps = [low + (high - low) * place / _RATIOS for place in range(_RATIOS + 1)] if high > low else [1.0]
    rows: list[list[Cell]] = [
        [name, name, step, (len(ratios) - bisect_left(ratios, step - 1e-9)) * 100 / len(ratios), None, None]
        for name, ratios in by_row.items()
        if ratios
        for step in steps
    ]
    yield Figure(
        stem=f"{board.slug}-profile",
        kind="profile",
        form="lines",
        title=f"{board.label}: performance profile",
        note=f"Share of pairs of task and seed whose score is at least so many times {REFERENCE}'s at the same seed. "
        "The further right and up, the better. The middle 96 % of all ratios are shown.",
        x=f"multiple of {REFERENCE}'s score",
        y="pairs (%)",
        boards=(board.slug,),
        sheet=Sheet.of(["panel", "series", "x", "y", "low", "high"], rows),
        style={"line": "steps", "vertical": "1"},
    )


def transfer(board: Board) -> Iterator[Figure]:
    """The difference to single-task learning, task by task: below zero is negative transfer."""
    if board.single is None or len(board.tasks) < 2:
        return
    others = [(name, found, below(board, found)) for name, found in transfers(board).items()]
    rows: list[list[Cell]] = []
    for place, task in enumerate(board.tasks):
        for name, found, worse in others:
            difference = found[place]
            if difference is not None:
                mark = "below" if task.label in worse else ""
                rows.append([task.label, name, *interval_cells(difference), 0, mark])
    yield from dotted(
        board,
        "transfer",
        ["panel", "method", "seeds", "value", "low", "high", "reference", "mark"],
        rows,
        title="transfer by task",
        note=f"Difference to {SINGLE} over shared seeds, positive where the method is better; bars: 95 % t "
        "intervals, cut at the edges. "
        "Filled: significantly below (Holm over tasks), which is negative transfer.",
        x=f"difference to {SINGLE} ({board.metric})",
    )
