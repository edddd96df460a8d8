"""Where methods stand: ranks, performance profile, transfer by task."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from mtlbench.leaderboard.contrasts import below, transfers
from mtlbench.leaderboard.figures.dotted import dotted
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board
from mtlbench.leaderboard.profile import has_ratios, relative_scores
from mtlbench.leaderboard.standing import rank_summary

__all__ = ["profile", "ranks", "transfer"]

_RATIOS = [step / 50 for step in range(25, 76)]
"""The multiples of the profile, the same for all boards: a line must not move when another method joins."""


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
    if reference is None or not reference.averages or not has_ratios(board):
        return
    rows: list[list[Cell]] = []
    for row in board.rows:
        if row is not reference:
            ratios = sorted(-1.0 if one is None else one + 1e-9 for one in relative_scores(board, row, reference))
            shares = [(len(ratios) - bisect_left(ratios, x)) / len(ratios) for x in _RATIOS]
            rows += [[row.name, row.name, x, 100 * share, None, None] for x, share in zip(_RATIOS, shares, strict=True)]
    if not rows:
        return
    yield Figure(
        stem=f"{board.slug}-profile",
        kind="profile",
        form="lines",
        title=f"{board.label}: performance profile",
        note=f"Share of pairs of task and seed whose score is at least so many times {REFERENCE}'s at the same seed. "
        "The further right and up, the better. A run that is missing reaches nothing.",
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
