"""What takes long of many boards, worked out by several processes before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtlbench.leaderboard.dividing import MANY, divided
from mtlbench.leaderboard.figures.catalogue import board_figures
from mtlbench.leaderboard.html_curves import board_curves
from mtlbench.leaderboard.model import Board, once_a_board
from mtlbench.leaderboard.page import board_tables

__all__ = ["work_ahead"]

_MAKERS: tuple[once_a_board[Any], ...] = (board_tables, board_figures, board_curves)


def work_ahead(boards: Sequence[Board]) -> None:
    """Tables, figures and curves of all boards, kept with them. Where there is little to do, they come when needed."""
    runs = sum(len(row.entries) for board in boards for row in board.rows)
    if len(boards) < 2 or runs < MANY:
        return

    def work(share: slice) -> list[tuple[int, list[Any]]]:
        return [(place, [make(boards[place]) for make in _MAKERS]) for place in range(len(boards))[share]]

    for place, made in (one for found in divided(work, len(boards)) for one in found):
        for maker, result in zip(_MAKERS, made, strict=True):
            maker.keep(boards[place], result)
