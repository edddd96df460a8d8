"""What every method costs. Columns of time and memory compare runs on one machine only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mtlbench.interface.run import Table
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, count, mean_of, number, spread

__all__ = ["Yardstick", "cost_table"]

_COUNTS = ("gradients", "optimizer_steps", "extra_forwards", "examples", "tokens")


class Yardstick:
    """The machine on which the reference (without one, any row) ran most: the one whose times are shown."""

    def __init__(self, board: Board) -> None:
        self.reference = board.reference
        rows = [self.reference] if self.reference and self.reference.done else board.rows
        runs = [entry for row in rows for entry in row.done if entry.machine]
        ran_on = Counter(entry.machine for entry in runs)
        self.machine = min(ran_on, key=lambda machine: (-ran_on[machine], machine), default=None)
        makes = sorted(entry.machine_label for entry in runs if entry.machine == self.machine)
        self.label = f"{makes[0] or 'of unknown make'} ({str(self.machine)[:8]})" if makes else "unknown"
        """The machine's make, with the head of its fingerprint."""

    def values(self, row: Row, read: Callable[[Entry], float | None]) -> list[float]:
        """What ``read`` finds in the row's finished runs on this machine."""
        found = [read(entry) for entry in row.done if self.machine is not None and entry.machine == self.machine]
        return [value for value in found if value is not None]

    def ratio(self, row: Row, read: Callable[[Entry], float | None]) -> float | None:
        """The row's mean over the reference's, or None where either has nothing on this machine."""
        own = self.values(row, read)
        theirs = self.values(self.reference, read) if self.reference else []
        return mean_of(own) / mean_of(theirs) if own and theirs and mean_of(theirs) > 0 else None


def cost_table(board: Board) -> Table:
    """Counts of work, seconds, and step time and peak memory as multiples of the reference's."""
    yard = Yardstick(board)
    rows = [
        [
            row.name,
            *(_count_cell(row, name) for name in _COUNTS),
            spread(yard.values(row, lambda entry: entry.seconds.get("train")), 1),
            number(yard.ratio(row, lambda entry: entry.step_seconds), 2),
            number(yard.ratio(row, lambda entry: entry.peak_bytes), 2),
        ]
        for row in board.rows
    ]
    return Table(
        title=f"{board.label}: cost",
        columns=["Method", "Gradients", "Updates", "Extra forwards", "Examples", "Tokens", "Seconds", "Step", "Memory"],
        rows=rows,
        notes=[
            "Means over seeds. Updates: optimizer steps. Extra forwards: passes without a gradient.",
            "Seconds: training alone, without evaluation, saving and hooks.",
            "Step: time of a step per gradient, Memory: peak memory, both as multiples of plain MTL's.",
            f"Seconds, Step and Memory come from the runs on one machine: {yard.label}.",
            *namesake_notes(board),
        ],
    )


def _count_cell(row: Row, name: str) -> str:
    values = row.values(lambda entry: entry.counts.get(name))
    return count(mean_of(values)) if values else DASH
