"""What training did to the model: alignment of the tasks' gradients, distance, forgetting."""

from __future__ import annotations

from mtlbench.interface.run import Table
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.numbers import spread

__all__ = ["analysis_table"]


def analysis_table(board: Board) -> Table | None:
    """The probes at the end of training; None where no run has any."""
    columns = (
        ("Cosine", 4, lambda entry: entry.cosine),
        ("L2", 3, lambda entry: entry.distance),
        ("Masked-LM loss, seen", 3, lambda entry: entry.masked_seen),
        ("Masked-LM loss, unseen", 3, lambda entry: entry.masked_unseen),
    )
    shown = [column for column in columns if any(row.values(column[2]) for row in board.rows)]
    if not shown:
        return None
    return Table(
        title=f"{board.label}: analysis",
        columns=["Method", "n", *(head for head, _, _ in shown)],
        rows=[
            [row.name, str(len(row.done)), *(spread(row.values(read), decimals) for _, decimals, read in shown)]
            for row in board.rows
        ],
        notes=[
            "At the end of training, mean ± SD over n seeds.",
            "Cosine: mean over all pairs of tasks' gradients, on the shared encoder parameters, dropout off.",
            "Where a suite follows the whole path (the plane), it is the mean over the path's last fifth.",
            "L2: distance from the start, over pretrained encoder parameters.",
            "Masked-LM loss: of the encoder under its pretrained head; the more, the more was forgotten.",
        ],
    )
