"""What a score costs: the way along the dev curve to MTL's final score, and scores at equal cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from mtlbench.interface.run import Table
from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry, Point
from mtlbench.leaderboard.model import REFERENCE, Board, Row
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, mean_of, number, spread

__all__ = ["efficiency_table", "first_crossing", "score_at"]

_PHASES = ("gradients", "combine", "update", "other")
_ROOM = 1.02
"""Peak memory over the reference's up to which it counts as equal: allocators differ by as much from run to run."""


def efficiency_table(board: Board) -> Table | None:
    """Seconds by phase, cost to MTL's final dev score, dev scores at equal cost; None without curves."""
    if not any(entry.curve for row in board.rows for entry in row.done):
        return None
    yard = Yardstick(board)
    rows = [
        [
            row.name,
            *(spread(yard.values(row, _phase(phase)), 2) for phase in _PHASES),
            _reached_cell(board, row, lambda _, gradients: gradients),
            _reached_cell(board, row, lambda entry, gradients: _seconds_after(entry, gradients, yard.machine)),
            spread(row.values(lambda entry: score_at(entry.curve, entry.budget / 2))),
            spread(row.values(_score_in_time(yard))),
            _memory_cell(yard, row),
        ]
        for row in board.rows
    ]
    heads = [f"Gradients to {REFERENCE}", f"Seconds to {REFERENCE}", "At half budget"]
    heads += [f"At {REFERENCE}'s seconds", f"At {REFERENCE}'s memory"]
    return Table(
        title=f"{board.label}: efficiency",
        columns=["Method", *(f"{phase.capitalize()} s" for phase in _PHASES), *heads],
        rows=rows,
        notes=[
            "The first four columns: training seconds by phase.",
            f"To {REFERENCE}: cost until the dev curve is as good as {REFERENCE}'s last point at the same seed.",
            "First crossing, linear between points; mean over the seeds that get there.",
            f"At half budget, at {REFERENCE}'s seconds (of the same seed): dev average there, linear between points.",
            f"At {REFERENCE}'s memory: final dev average, if the peak is up to {_ROOM} times {REFERENCE}'s; else over.",
            "Peaks: the median of the ratios at the same seed, on the machine below.",
            f"Seconds along a curve are in proportion to gradients, and from the runs on one machine: {yard.label}.",
            *namesake_notes(board),
        ],
    )


def first_crossing(curve: Sequence[Point], target: float, sign: float) -> float | None:
    """Gradients at which the curve first is as good as ``target``, linear between points; None if it never is.

    Points without a score are passed over.
    """
    before: tuple[int, float] | None = None
    for point in curve:
        if point.dev is None:
            continue
        gap = sign * (point.dev - target)
        if gap >= 0:
            if before is None or before[1] == gap:
                return float(point.gradients)
            share = before[1] / (before[1] - gap)
            return before[0] + share * (point.gradients - before[0])
        before = (point.gradients, gap)
    return None


def score_at(curve: Sequence[Point], gradients: float) -> float | None:
    """The dev score after so many gradients, linear between points; None outside of the curve."""
    known = [(point.gradients, point.dev) for point in curve if point.dev is not None]
    for (start, low), (end, high) in zip(known, known[1:], strict=False):
        if start <= gradients <= end:
            share = (gradients - start) / (end - start) if end > start else 1.0
            return high if share == 1.0 else low + (high - low) * share
    return None


def _reached_cell(board: Board, row: Row, cost: Callable[[Entry, float], float | None]) -> str:
    """Mean cost over the seeds that reach the reference's score; how many do where not all."""
    reference = board.reference
    if reference is None:
        return DASH
    tried, reached = 0, []
    for seed in sorted(row.by_seed.keys() & reference.by_seed.keys()):
        entry, goal = row.by_seed[seed], reference.by_seed[seed].curve
        if not entry.curve or not goal or goal[-1].dev is None:
            continue
        found = first_crossing(entry.curve, goal[-1].dev, board.sign)
        price = cost(entry, entry.budget if found is None else found)
        tried += price is not None
        reached += [price] if found is not None and price is not None else []
    if not tried:
        return DASH
    if not reached:
        return "never"
    return number(mean_of(reached), 1) + (f" ({len(reached)} of {tried})" if len(reached) < tried else "")


def _seconds_after(entry: Entry, gradients: float, machine: str | None) -> float | None:
    seconds, spent = _train_seconds(entry), entry.counts.get("gradients")
    return seconds * gradients / spent if seconds is not None and spent and entry.machine == machine else None


def _score_in_time(yard: Yardstick) -> Callable[[Entry], float | None]:
    """The dev score after the reference's seconds at the same seed; the final one for a run that takes less."""

    def read(entry: Entry) -> float | None:
        goal = yard.reference_at(entry.seed)
        allowance = _train_seconds(goal) if goal else None
        seconds, spent = _train_seconds(entry), entry.counts.get("gradients")
        if entry.machine != yard.machine or not seconds or not spent or allowance is None:
            return None
        return score_at(entry.curve, min(allowance / seconds, 1.0) * spent)

    return read


def _memory_cell(yard: Yardstick, row: Row) -> str:
    """The final dev score, if the method needs no more memory than the reference.

    By the median of the ratios at the same seed: a process's first run takes some more than its later ones.
    """
    ratios = yard.ratios(row, lambda entry: entry.peak_bytes)
    if ratios is None:
        return DASH
    if median(ratios.values) > _ROOM:
        return "over"
    return spread(row.values(lambda entry: entry.curve[-1].dev if entry.curve else None))


def _train_seconds(entry: Entry) -> float | None:
    return entry.seconds.get("train")


def _phase(name: str) -> Callable[[Entry], float | None]:
    return lambda entry: entry.seconds.get(name)
