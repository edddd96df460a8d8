"""What every method costs. Columns of time and memory compare runs on one machine only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mtlbench.interface.run import Table
from mtlbench.leaderboard.comparison import interval_cell
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import REFERENCE, Board, Row
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, count, mean_of, spread
from mtlbench.leaderboard.statistics import Estimate, estimate

__all__ = ["Yardstick", "cost_table"]

_COUNTS = ("gradients", "optimizer_steps", "extra_forwards", "examples", "tokens")
_HEADS = ("Gradients", "Updates", "Extra forwards", "Examples", "Tokens")


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

    def reference_at(self, seed: int) -> Entry | None:
        """The reference's finished run with that seed, if it was on this machine."""
        entry = self.reference.by_seed.get(seed) if self.reference else None
        return entry if entry is not None and entry.machine == self.machine else None

    def ratios(self, row: Row, read: Callable[[Entry], float | None]) -> Estimate | None:
        """The row's value over the reference's at the same seed, both on this machine; None where no seed has both.

        Paired, because a machine that is busy while some seeds run is busy for all methods at these seeds.
        """
        found = []
        for entry in row.done:
            other = self.reference_at(entry.seed)
            if other is not None and entry.machine == self.machine:
                own, theirs = read(entry), read(other)
                found += [own / theirs] if own is not None and theirs else []
        return estimate(found)


def cost_table(board: Board) -> Table:
    """Counts of work, seconds, and step time and peak memory as multiples of the reference's."""
    yard = Yardstick(board)
    rows = [
        [
            row.name,
            *(_count_cell(row, name) for name in _COUNTS),
            spread(yard.values(row, lambda entry: entry.seconds.get("train")), 1),
            interval_cell(yard.ratios(row, lambda entry: entry.seconds.get("train"))),
            interval_cell(yard.ratios(row, lambda entry: entry.step_seconds)),
            interval_cell(yard.ratios(row, lambda entry: entry.peak_bytes)),
        ]
        for row in board.rows
    ]
    return Table(
        title=f"{board.label}: cost",
        columns=["Method", *_HEADS, "Seconds", "Seconds ratio", "Step", "Memory"],
        rows=rows,
        notes=[
            "Means over seeds. Updates: optimizer steps. Extra forwards: passes without a gradient.",
            "Seconds: training alone, without evaluation, saving and hooks.",
            f"Seconds ratio, Step, Memory: multiples of {REFERENCE}'s at the same seed, ± half of a 95 % t interval.",
            "Step: time of a step per gradient. Memory: its peak, above the start of the run.",
            f"All four come from the runs on one machine: {yard.label}.",
            *namesake_notes(board),
        ],
    )


def _count_cell(row: Row, name: str) -> str:
    values = row.values(lambda entry: entry.counts.get(name))
    return count(mean_of(values)) if values else DASH
