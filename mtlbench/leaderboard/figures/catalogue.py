"""Every figure that the records of all boards can fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mtlbench.leaderboard.figures.against import profile, ranks, transfer
from mtlbench.leaderboard.figures.changes import cosine, distance, forgetting
from mtlbench.leaderboard.figures.courses import alignment, curves, seconds
from mtlbench.leaderboard.figures.model import Figure
from mtlbench.leaderboard.figures.plane import in_the_plane, plane
from mtlbench.leaderboard.figures.price import price
from mtlbench.leaderboard.figures.sweeps import sweeps
from mtlbench.leaderboard.model import Board, once_a_board

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["board_figures", "data_files", "figures_of"]

_MAKERS: Sequence[Callable[[Board], Iterator[Figure]]] = (
    ranks,
    profile,
    transfer,
    curves,
    seconds,
    price,
    cosine,
    alignment,
    forgetting,
    distance,
    sweeps,
)
_IN_THE_PLANE = (ranks, transfer, curves)
"""Of these, the ones that say something of a model that is a point: it has no encoder, and no step of it costs much."""


def figures_of(boards: Sequence[Board], registry: Registry | None = None) -> list[Figure]:
    """All figures, suites in the plane first, then board by board; none that would be empty.

    registry: asks installed suites for the surface that paths lie on.
    """
    found = list(plane(boards, registry))
    for board in boards:
        found += board_figures(board)
    return found


@once_a_board
def board_figures(board: Board) -> list[Figure]:
    """Those of a single board."""
    makers = _IN_THE_PLANE if in_the_plane(board) else _MAKERS
    return [figure for make in makers for figure in make(board)]


def data_files(figures: Iterable[Figure]) -> dict[str, str]:
    """Path below the leaderboard's folder to the text of every figure's CSV file."""
    return {figure.path: figure.sheet.csv() for figure in figures}
