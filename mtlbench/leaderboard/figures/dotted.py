"""Figures of one dot with its interval for each row of a board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet
from mtlbench.leaderboard.model import Board

__all__ = ["dotted"]


def dotted(
    board: Board, kind: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, title: str, note: str, x: str
) -> Iterator[Figure]:
    """One figure, or none where there is nothing to draw."""
    if not rows:
        return
    yield Figure(
        stem=f"{board.slug}-{kind}",
        kind=kind,
        form="dots",
        title=f"{board.label}: {title}",
        note=note,
        x=x,
        boards=(board.slug,),
        sheet=Sheet.of(columns, rows),
    )
