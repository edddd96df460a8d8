"""Things about good records that a reader should be warned of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import isclose

from mtlbench.leaderboard.model import Board, once_a_board
from mtlbench.leaderboard.namesakes import namesake_alarms

__all__ = ["alarms"]

_UNEVEN = 2.0
"""Longest over shortest step time of a row, over seeds, up to which a machine counts as undisturbed."""
_LAST_BITS = 1e-6
"""Relative difference up to which two machines may tell the same start."""
_TOLD = 3
"""Rows that a line on timings names, the worst first."""


def alarms(boards: Iterable[Board]) -> list[str]:
    """One line each, sorted: rows that share the name of the reference, runs that are the same to the last bit, of two
    methods or of two seeds of one, and timings that other jobs disturbed.

    Of the same runs, scores, zero-shot scores and the whole curve agree: one of them is not what its name says, or its
    settings make it another one.
    """
    return sorted(line for board in boards for line in _alarms(board))


@once_a_board
def _alarms(board: Board) -> list[str]:
    return [*namesake_alarms(board), *_twins(board), *_copies(board), *_uneven_times(board)]


def _twins(board: Board) -> list[str]:
    """Rows that came out the same as each other."""
    twins: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in board.rows:
        for entry in row.done:
            twins[entry.seed, entry.digest].append(row.name)
    seeds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for (seed, _), names in twins.items():
        if len(names) > 1:
            seeds[tuple(sorted(names))].append(seed)
    found = []
    for together, at in seeds.items():
        count = f"seed {at[0]}" if len(at) == 1 else f"{len(at)} seeds"
        found.append(f"{board.label}: {' and '.join(together)} came out bitwise the same at {count}")
    return found


def _copies(board: Board) -> list[str]:
    """Rows that came out the same at two seeds.

    Where nothing depends on the seed, all of a row's runs on one machine are alike and so is where they start; that is
    no alarm. Machines differ in last bits.
    """
    starts_alike = _are_alike([entry.curve[0].dev for row in board.rows for entry in row.done if entry.curve])
    found = []
    for row in board.rows:
        by_digest: dict[str, list[int]] = defaultdict(list)
        by_machine: dict[str, set[str]] = defaultdict(set)
        for entry in row.done:
            by_digest[entry.digest].append(entry.seed)
            by_machine[entry.machine].add(entry.digest)
        if starts_alike and all(len(digests) == 1 for digests in by_machine.values()):
            continue
        for seeds in by_digest.values():
            if len(seeds) > 1:
                which = ", ".join(map(str, seeds))
                found.append(f"{board.label}: {row.name} came out bitwise the same at seeds {which}: a copied run?")
    return found


def _are_alike(values: Sequence[float | None]) -> bool:
    """Whether all are the same but for what another machine explains."""
    known = [value for value in values if value is not None]
    return len(known) in (0, len(values)) and (
        not known or isclose(min(known), max(known), rel_tol=_LAST_BITS, abs_tol=_LAST_BITS**2)
    )


def _uneven_times(board: Board) -> list[str]:
    """One line for the rows whose steps took much longer at some seeds than at others, on one machine."""
    folds = []
    for row in board.rows:
        times: dict[str, list[float]] = defaultdict(list)
        for entry in row.done:
            if entry.machine and entry.step_seconds:
                times[entry.machine].append(entry.step_seconds)
        fold = max((max(taken) / min(taken) for taken in times.values()), default=1.0)
        folds += [(-fold, row.name)] if fold > _UNEVEN else []
    if not folds:
        return []
    told = ", ".join(f"{name} {-fold:.1f}-fold" for fold, name in sorted(folds)[:_TOLD])
    told += f" and {len(folds) - _TOLD} more" if len(folds) > _TOLD else ""
    why = "not the same conditions for all, so timings are not to be trusted"
    return [f"{board.label}: steps took longer at some seeds than at others ({told}): {why}"]
