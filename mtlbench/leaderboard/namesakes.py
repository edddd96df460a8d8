"""Rows that share their name but not their settings: which of them is the reference, and who is told so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board, differing_settings

__all__ = ["namesake_alarms", "namesake_notes", "second_rows"]


def namesake_notes(board: Board, variants: Sequence[str] = (REFERENCE,)) -> list[str]:
    """For the notes of a table that holds rows against these variants; nothing where each is one row."""
    notes = []
    for variant in variants:
        rows, chosen = board.named(variant), board.called(variant)
        if len(rows) > 1 and chosen is not None:
            notes.append(f"{len(rows)} rows are {variant} with other settings; {variant} here is {chosen.name}.")
    return notes


def namesake_alarms(board: Board) -> list[str]:
    """One line for the reference, and one for single-task learning, where several rows have that name."""
    found = []
    for variant in (REFERENCE, SINGLE):
        rows, chosen = board.named(variant), board.called(variant)
        if len(rows) > 1 and chosen is not None:
            others = " and ".join(sorted(row.name for row in rows if row is not chosen))
            found.append(
                f"{board.label}: {len(rows)} rows are called {variant}; "
                f"differences are taken to {chosen.name}, and not to {others}"
            )
    return found


def second_rows(there: Iterable[Entry], arriving: Iterable[Entry]) -> list[str]:
    """One line for each name that stands on a board already and that arriving records would give another row."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in there:
        known[entry.setting, entry.variant].add(entry.asked)
    new: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for entry in arriving:
        have = known.get((entry.setting, entry.variant))
        if have and entry.asked not in have:
            new[entry.suite, entry.variant, entry.setting].add(entry.asked)
    lines = set()
    for (suite, variant, setting), asked in new.items():
        for one in asked:
            values = differing_settings([one, min(known[setting, variant])])
            told, old = (", ".join(f"{name}={value}" for name, value in part.items()) for part in values)
            lines.add(f"{suite} has a row {variant} already ({old}); these records make another of that name ({told})")
    return sorted(lines)
