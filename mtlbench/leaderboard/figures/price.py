"""What a score costs: each method's average against its seconds."""

from __future__ import annotations

from collections.abc import Iterator

from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells
from mtlbench.leaderboard.model import REFERENCE, Board
from mtlbench.leaderboard.statistics import estimate

__all__ = ["price"]


def price(board: Board) -> Iterator[Figure]:
    """Average test score against seconds of training, as multiples of MTL's at the same seed."""
    yard = Yardstick(board)
    rows: list[list[Cell]] = []
    for row in board.rows:
        costs = yard.ratios(row, lambda entry: entry.seconds.get("train"))
        scores = estimate(list(row.averages.values()))
        if costs is not None and scores is not None:
            rows.append([row.name, scores.n, *interval_cells(costs)[1:], *interval_cells(scores)[1:]])
    if len(rows) < 2:
        return
    yield Figure(
        stem=f"{board.slug}-price",
        kind="price",
        form="points",
        title=f"{board.label}: score against cost",
        note="Bars: 95 % t intervals over seeds, cut at the edges. "
        f"Seconds come from the runs on one machine: {yard.label}.",
        x=f"seconds of training, as a multiple of {REFERENCE}'s at the same seed",
        y=f"average test {board.metric}",
        boards=(board.slug,),
        sheet=Sheet.of(["method", "seeds", "x", "x_low", "x_high", "y", "y_low", "y_high"], rows),
    )
