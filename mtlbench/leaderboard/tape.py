"""The Gram tape: how the tasks' gradients lie to each other along every method's path, on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtlbench.interface.run import Table
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.numbers import DASH, mean_of, percent, spread
from mtlbench.study.tape import Agreement

__all__ = ["tape_table"]

_SHARES = (0.0, 0.5, 1.0)
"""Of the budget: where along a path the table looks."""


def tape_table(board: Board) -> Table | None:
    """Cosine, conflicts and imbalance at the start, half way and at the end; None without Gram matrices."""
    if not any(_known(entry) for row in board.rows for entry in row.done):
        return None
    rows = []
    for row in board.rows:
        cosines = [spread(row.values(_at(share, _cosine)), 3) for share in _SHARES]
        conflicts = [row.values(_at(share, _conflicts)) for share in _SHARES]
        imbalance = [spread(row.values(_at(share, _imbalance)), 2) for share in _SHARES]
        shares = [percent(mean_of(values)) if values else DASH for values in conflicts]
        rows.append([row.name, str(len(row.done)), *cosines, *shares, *imbalance])
    heads = [f"{name}, {share:.0%}" for name in ("Cosine", "Conflicts", "Norms") for share in _SHARES]
    return Table(
        title=f"{board.label}: tape",
        columns=["Method", "n", *heads],
        rows=rows,
        notes=[
            "At the evaluation point nearest to that share of the budget, mean ± SD over n seeds.",
            "Of the Gram matrix of the tasks' gradients on one draw of held-out batches, the same for every method.",
            "Cosine: mean over the pairs of tasks. Conflicts: share of pairs with a negative inner product.",
            "Norms: the longest gradient over the shortest.",
            "`mtlbench replay METHOD --on KEY` says what another method would have done on a path.",
        ],
    )


def _known(entry: Entry) -> list[tuple[int, Agreement]]:
    return [(point.gradients, point.agreement) for point in entry.curve if point.agreement is not None]


def _at(share: float, read: Callable[[Agreement], float | None]) -> Callable[[Entry], float | None]:
    def value(entry: Entry) -> float | None:
        known: Sequence[tuple[int, Agreement]] = _known(entry)
        if not known:
            return None
        wanted = share * entry.budget
        return read(min(known, key=lambda point: (abs(point[0] - wanted), point[0]))[1])

    return value


def _cosine(found: Agreement) -> float | None:
    return found.cosine


def _conflicts(found: Agreement) -> float | None:
    return found.conflicts


def _imbalance(found: Agreement) -> float | None:
    return found.imbalance
