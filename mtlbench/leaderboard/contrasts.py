"""One row against another: differences over the seeds that both have, positive where the first is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtlbench.leaderboard.model import Board, Row, once_a_board
from mtlbench.leaderboard.numbers import mean_of
from mtlbench.leaderboard.statistics import LEVEL, Estimate, estimate, holm, welch_p

__all__ = ["beats_another_seed", "below", "delta_m", "paired", "transfers", "versus"]


def paired(first: Mapping[int, float], second: Mapping[int, float], sign: float = 1.0) -> Estimate | None:
    """The mean of ``sign * (first - second)`` over shared seeds; None when there are none."""
    return estimate([sign * (first[seed] - second[seed]) for seed in sorted(first.keys() & second.keys())])


def versus(board: Board, row: Row, other: Row | None) -> Estimate | None:
    """By how much the row's average is better than the other's; None for a row against itself."""
    if other is None or other is row:
        return None
    return paired(row.averages, other.averages, board.sign)


def beats_another_seed(board: Board, row: Row, other: Row) -> bool:
    """Whether the row's runs are better than the other's at other seeds: Welch's test, which pairs nothing.

    What cannot be told from the other method with another seed is no improvement that a user would notice.
    """
    own, theirs = list(row.averages.values()), list(other.averages.values())
    p = welch_p(own, theirs)
    if p is None:  # without any spread, another seed is no other run; a single run says nothing
        p = 0.0 if min(len(own), len(theirs)) > 1 else 1.0
    return p < LEVEL and board.sign * (mean_of(own) - mean_of(theirs)) > 0


def delta_m(board: Board, row: Row, single: Row | None) -> Estimate | None:
    """Mean relative gain over single-task learning in percent (Maninis et al. 2019), per shared seed; 0 for no gain.

    None without single-task runs of the same board, or where one of their scores is 0.
    """
    if single is None or single is row:
        return None
    gains = []
    for seed in sorted(row.by_seed.keys() & single.by_seed.keys()):
        own, alone = row.by_seed[seed].scores, single.by_seed[seed].scores
        if any(task.name not in own or task.name not in alone for task in board.tasks):
            continue
        if any(alone[task.name] == 0 for task in board.tasks):
            return None
        # Over the size of the single-task score: a score below zero (the wells of the plane) must not turn the sign.
        shares = [(own[task.name] - alone[task.name]) / abs(alone[task.name]) for task in board.tasks]
        gains.append(100 * mean_of([task.sign * share for task, share in zip(board.tasks, shares, strict=True)]))
    return estimate(gains)


@once_a_board
def transfers(board: Board) -> dict[str, list[Estimate | None]]:
    """Row name to its difference to single-task learning on each of the board's tasks; empty without such runs."""
    single = board.single
    if single is None:
        return {}
    return {
        row.name: [paired(row.task_scores(task.name), single.task_scores(task.name), task.sign) for task in board.tasks]
        for row in board.rows
        if row is not single
    }


def below(board: Board, found: Sequence[Estimate | None]) -> list[str]:
    """Labels of the tasks on which a row of ``transfers`` is significantly worse; Holm over the tasks."""
    adjusted = holm([one.p if one else None for one in found])
    return [
        task.label
        for task, one, p in zip(board.tasks, found, adjusted, strict=True)
        if one is not None and one.mean < 0 and p is not None and p < LEVEL
    ]
