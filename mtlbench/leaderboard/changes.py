"""Two folders of records side by side: cells that differ, rows that moved, and whether by more than seeds do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtlbench.interface.run import Table
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, mean_of, number, signed, spread
from mtlbench.leaderboard.statistics import LEVEL, estimate, welch_p
from mtlbench.leaderboard.verdicts import Flip

__all__ = ["cells_table", "rows_table", "verdicts_table"]

_OTHERWISE = "came out differently"
_MADE_ANEW = "made anew"


def cells_table(first: Reading, second: Reading, most: int | None = None) -> Table:
    """Cells, by key, that one folder lacks or that came out differently. most: rows that are shown; all for None."""
    left, right = ({entry.key: entry for entry in reading.entries} for reading in (first, second))
    rows, kinds = [], Counter[str]()
    for key in left.keys() | right.keys():
        kind = _kind(left.get(key), right.get(key))
        kinds[kind] += 1
        if kind not in ("same", _MADE_ANEW):
            told = left.get(key) or right[key]
            averages = [DASH if one is None else number(one.average) for one in (left.get(key), right.get(key))]
            rows.append((told.suite, told.variant, told.seed, [kind, *averages, key[:12]]))
    rows.sort()
    shown = [[suite, variant, str(seed), *rest] for suite, variant, seed, rest in rows[:most]]
    same = kinds["same"] + kinds[_MADE_ANEW]
    counted = [f"{kinds[kind]} {kind}" for kind in sorted(kinds) if kind not in ("same", _MADE_ANEW)]
    anew = f", {kinds[_MADE_ANEW]} of them in another file: measured or made anew" if kinds[_MADE_ANEW] else ""
    notes = [f"{same} cells have the same outcome in both{anew}."]
    if len(shown) < len(rows):
        notes.append(f"{len(rows) - len(shown)} cells are not shown ({', '.join(counted)} in all); --full shows them.")
    return Table(
        title="Records",
        columns=["Suite", "Method", "Seed", "What", "First", "Second", "Key"],
        rows=shown,
        align="llrlrrl",
        notes=notes,
    )


def _kind(left: Entry | None, right: Entry | None) -> str:
    if left is None or right is None:
        return "only in the first" if right is None else "only in the second"
    if left.outcome != right.outcome:
        return _OTHERWISE
    return "same" if left.sha256 == right.sha256 else _MADE_ANEW


@dataclass(frozen=True)
class _Placed:
    """A row with its board."""

    board: Board
    row: Row


def rows_table(first: Reading, second: Reading) -> Table:
    """Rows of boards, by what was asked, whose runs differ: means, the change, and what shared seeds say of it."""
    left, right = _by_place(first.boards), _by_place(second.boards)
    rows, same = [], 0
    for place in left.keys() | right.keys():
        one, other = left.get(place), right.get(place)
        found = other or one
        if one is not None and other is not None and _runs(one.row) == _runs(other.row):
            same += 1
        elif found is not None:
            rows.append([found.board.label, found.row.name, *_compared(one, other)])
    judged = sum(row[-1].startswith(("beyond", "within")) for row in rows)
    return Table(
        title="Rows",
        columns=["Board", "Method", "n", "First", "n", "Second", "Change", "At shared seeds", "Verdict"],
        rows=sorted(rows),
        align="llrrrrrrl",
        notes=[f"{same} rows have the same runs in both."]
        + [
            "First, Second: mean average over tasks ± SD over n finished seeds. Change: of the mean.",
            "At shared seeds: mean paired difference, second less first, ± half of its 95 % t interval (pairs).",
            "Beyond noise: that interval leaves out 0; without shared seeds, Welch's test is significant at 5 %.",
            f"Not adjusted: of {judged} rows that nothing but seeds moved, {judged / 20:.1f} would be beyond noise.",
            "Undecided: too few seeds, or all differences are equal, so that there is no noise to judge by.",
        ]
        * bool(rows),
    )


def _by_place(boards: Sequence[Board]) -> dict[tuple[str, str, str], _Placed]:
    """Rows by suite with options and budget, data where the suite has several boards for it, method with settings."""
    met = Counter(_any(board).setting for board in boards)
    found = {}
    for board in boards:
        setting = _any(board).setting
        data = _any(board).fingerprint if met[setting] > 1 else ""
        for row in board.rows:
            if row.entries:
                found[setting, data, row.asked] = _Placed(board, row)
    return found


def _any(board: Board) -> Entry:
    return next(entry for row in board.rows for entry in row.entries)


def _runs(row: Row) -> list[tuple[str, str]]:
    return sorted((entry.key, entry.outcome) for entry in row.entries)


def _compared(one: _Placed | None, other: _Placed | None) -> Iterator[str]:
    """The cells of a line beside board and method."""
    means = []
    for placed in (one, other):
        values = [] if placed is None else list(placed.row.averages.values())
        means.append(values)
        yield str(len(values)) if placed is not None else DASH
        yield spread(values)
    yield signed(mean_of(means[1]) - mean_of(means[0]), 2) if all(means) else DASH
    if one is None or other is None:
        yield DASH
        yield "only in the second" if one is None else "only in the first"
    else:
        yield from _judged(one, other, *means)


def _judged(one: _Placed, other: _Placed, before: Sequence[float], now: Sequence[float]) -> Iterator[str]:
    """The paired difference, and the verdict."""
    sign = other.board.sign
    pairs = [(run, other.row.by_seed[seed]) for seed, run in one.row.by_seed.items() if seed in other.row.by_seed]
    shared = [
        (left.average, right.average)
        for left, right in pairs
        if left.fingerprint == right.fingerprint and left.average is not None and right.average is not None
    ]
    found = estimate([right - left for left, right in shared])
    if found is None:
        p = welch_p(before, now)
        yield DASH
        yield "undecided" if p is None else _word(p, sign * (mean_of(now) - mean_of(before))) + ", unpaired"
        return
    half = "" if found.half is None else f" ± {number(found.half, 2)}"
    yield f"{signed(found.mean, 2)}{half} ({found.n})"
    if not any(found.values):
        yield "the same at shared seeds"
    else:
        yield "undecided" if found.half is None or found.p is None else _word(found.p, sign * found.mean)


def _word(p: float, gain: float) -> str:
    return f"beyond noise: {'better' if gain > 0 else 'worse'}" if p < LEVEL else "within noise"


def verdicts_table(found: Sequence[Flip]) -> Table:
    """Verdicts on claims that are others in the second board."""
    return Table(
        title="Verdicts on claims",
        columns=["Claim", "Board", "First", "Second"],
        rows=[[flip.claim, flip.board, flip.before, flip.now] for flip in found],
        align="llll",
        notes=[] if found else ["No verdict that both boards have is another one."],
    )
