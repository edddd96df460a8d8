"""The Gram tape: how the tasks' gradients lie to each other along every method's path, on the same batches."""

from __future__ import annotations

from mtlbench.interface.run import Table
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, mean_of, percent, spread
from mtlbench.study.tape import LOOKS, Agreement, nearest

__all__ = ["tape_table"]


def tape_table(board: Board) -> Table | None:
    """Cosine, conflicts and imbalance at the start, half way and at the end; None without Gram matrices."""
    if not any(_known(entry) for row in board.rows for entry in row.done):
        return None
    rows = []
    for row in board.rows:
        looks = [_at(row, share) for share in LOOKS]
        cosines = [spread([found.cosine for found in look], 3) for look in looks]
        conflicts = [percent(mean_of([found.conflicts for found in look])) if look else DASH for look in looks]
        imbalances = [[found.imbalance for found in look if found.imbalance is not None] for look in looks]
        norms = [spread(values, 2) for values in imbalances]
        rows.append([row.name, str(len(row.done)), *cosines, *conflicts, *norms])
    heads = [f"{name}, {share:.0%}" for name in ("Cosine", "Conflicts", "Norms") for share in LOOKS]
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


def _known(entry: Entry) -> dict[int, Agreement]:
    return {point.gradients: point.agreement for point in entry.curve if point.agreement is not None}


def _at(row: Row, share: float) -> list[Agreement]:
    """Of every finished run with a tape, the point nearest to a share of the budget."""
    found = []
    for entry in row.done:
        known = _known(entry)
        if known:
            found.append(known[nearest(known, share * entry.budget)])
    return found
