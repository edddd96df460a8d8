"""Things about good records that a reader should be warned of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.namesakes import namesake_alarms

__all__ = ["alarms"]


def alarms(boards: Iterable[Board]) -> list[str]:
    """One line each, sorted: rows that share the name of the reference, and runs that are the same to the last bit.

    Of the same runs, scores, zero-shot scores and the whole curve agree: one of them is not what its name says, or its
    settings make it another one.
    """
    found = []
    for board in boards:
        found += namesake_alarms(board)
        twins: dict[tuple[int, str], list[str]] = defaultdict(list)
        for row in board.rows:
            for entry in row.done:
                twins[entry.seed, entry.digest].append(row.name)
        seeds: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for (seed, _), names in twins.items():
            if len(names) > 1:
                seeds[tuple(sorted(names))].append(seed)
        for together, at in seeds.items():
            count = f"seed {at[0]}" if len(at) == 1 else f"{len(at)} seeds"
            found.append(f"{board.label}: {' and '.join(together)} came out bitwise the same at {count}")
    return sorted(found)
