"""Where methods stand among all others: the columns that change when anybody joins, kept in a table of their own."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.contrasts import beats_another_seed, versus
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board, Row, once_a_board
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, mean_of, number, p_value, percent
from mtlbench.leaderboard.statistics import LEVEL, Estimate, holm
from mtlbench.study.quantiles import quantile

__all__ = ["RankSummary", "places", "rank_summary", "ranked", "standing_table", "verdicts"]

_RESAMPLES = 1000
_TESTS: Mapping[str, Callable[[Estimate], float | None]] = {
    "Holm p": lambda found: found.p,
    "Holm flip p": lambda found: found.flip_p,
}


@dataclass(frozen=True)
class RankSummary:
    """One row's rank over all pairs of task and seed (1 is best, ties share). Shares lie in [0, 1]."""

    mean: float
    low: float
    high: float
    first: float
    """Share of bootstrap resamples in which no row has a better mean rank."""
    wins: float
    """Share of pairs in which the row is best; what k rows share counts 1/k for each."""


def standing_table(board: Board) -> Table | None:
    """Verdicts, places and ranks; None for a single row."""
    if len(board.rows) < 2:
        return None
    _, verdict = verdicts(board)
    place, ranks = places(board), rank_summary(board)
    tests = [_adjusted(board, other, read) for other in (board.reference, board.single) for read in _TESTS.values()]
    rows = []
    for row in board.rows:
        rank = ranks.get(row.name)
        rows.append(
            [
                row.name,
                str(place[row.name]) if row.name in place else DASH,
                verdict.get(row.name, DASH),
                *(p_value(test.get(row.name)) for test in tests),
                *([DASH] * 4 if rank is None else _rank_cells(rank)),
            ]
        )
    heads = [f"{name} ({other})" for other in (REFERENCE, SINGLE) for name in _TESTS]
    return Table(
        title=f"{board.label}: standing",
        columns=["Method", "Place", f"Against {REFERENCE}", *heads, "Rank", "95 % interval", "First", "Wins"],
        rows=rows,
        align="lrlrrrrrrrr",
        notes=[
            "Place: methods that share one do not differ significantly (paired t tests, Holm over all pairs, 5 %).",
            "In the order of averages, a method that differs from one of a place begins the next one.",
            f"Against {REFERENCE}: by a paired t test at 5 %, Holm over all methods.",
            "Holm p: of paired t tests; Holm flip p: of sign-flip permutation tests. In brackets what against.",
            "No spread: the difference is the same at every seed, so that few seeds say nothing of chance.",
            f"Tied with another seed: an unpaired test cannot tell the method from {REFERENCE} at another seed.",
            "Rank: mean over all pairs of task and seed; interval: bootstrap over seeds and tasks.",
            "First: share of resamples with the best mean rank. Wins: share of pairs in which it is best.",
            _rank_note(board),
            *namesake_notes(board),
        ],
    )


def _rank_note(board: Board) -> str:
    rows, seeds = ranked(board)
    if not rows:
        return "No ranks: no two methods have every task at the same seeds."
    plural = "" if len(seeds) == 1 else "s"
    names = {row.name for row in rows}
    without = [row.name for row in board.rows if row.name not in names]
    return f"Ranks are over the {len(seeds)} seed{plural} at which {len(rows)} methods have every task" + (
        f"; without one, because a task is missing at one of these or the run is: {', '.join(without)}."
        if without
        else "."
    )


def _rank_cells(rank: RankSummary) -> list[str]:
    return [number(rank.mean, 2), f"{rank.low:.2f} to {rank.high:.2f}", percent(rank.first), percent(rank.wins)]


def _adjusted(board: Board, other: Row | None, read: Callable[[Estimate], float | None]) -> dict[str, float | None]:
    """Row name to one test's p against another row, Holm-adjusted over all rows; empty without that row."""
    rows = [row for row in board.rows if row is not other] if other is not None else []
    found = [versus(board, row, other) for row in rows]
    return dict(zip([row.name for row in rows], holm([read(one) if one else None for one in found]), strict=True))


def verdicts(board: Board) -> tuple[dict[str, float | None], dict[str, str]]:
    """Row name to Holm-adjusted p against the reference, and to what follows from it."""
    reference = board.reference
    adjusted = _adjusted(board, reference, lambda one: one.p)
    told = {}
    for row in board.rows:
        one, p = versus(board, row, reference), adjusted.get(row.name)
        if reference is None or one is None or p is None:
            continue
        if p >= LEVEL:
            told[row.name] = "no spread" if one.has_no_spread else "tied"
        elif one.mean < 0:
            told[row.name] = "worse"
        else:
            told[row.name] = "better" if beats_another_seed(board, row, reference) else "tied with another seed"
    return adjusted, told


def places(board: Board) -> dict[str, int]:
    """Row name to its place; rows that share one do not differ significantly from each other.

    Rows come in the order of their averages, and each one that differs from a row of the current place begins the
    next: 1 + the number of rows before it. It may be tied with others of the place before. Rows without two seeds are
    absent.
    """
    rows = [row for row in board.rows if len(row.averages) > 1]
    pairs = list(combinations(range(len(rows)), 2))
    found = [versus(board, rows[first], rows[second]) for first, second in pairs]
    adjusted = holm([one.p if one else None for one in found])
    differ = {pair for pair, p in zip(pairs, adjusted, strict=True) if p is not None and p < LEVEL}
    place, begin = {}, 0
    for index, row in enumerate(rows):
        if any((other, index) in differ for other in range(begin, index)):
            begin = index
        place[row.name] = begin + 1
    return place


def ranked(board: Board) -> tuple[list[Row], list[int]]:
    """The rows that are ranked, and the seeds at which they all have every task.

    Of the sets of seeds that a row has, the one at which most runs can be ranked: one more seed of one row takes
    nobody's rank away, and a row with few seeds goes without one before the others lose theirs.
    """
    sets = {frozenset(row.averages) for row in board.rows if row.averages}
    choices = [(seeds, [row for row in board.rows if seeds <= row.averages.keys()]) for seeds in sets]
    choices = [(seeds, rows) for seeds, rows in choices if len(rows) > 1]
    if not choices:
        return [], []
    seeds, rows = max(choices, key=lambda one: (len(one[0]) * len(one[1]), len(one[0]), sorted(one[0], reverse=True)))
    return rows, sorted(seeds)


@once_a_board
def rank_summary(board: Board) -> dict[str, RankSummary]:
    """Ranks of the rows of ``ranked``; none where there are fewer than two."""
    rows, seeds = ranked(board)
    if len(rows) < 2:
        return {}
    blocks = [
        [_ranks([task.sign * row.by_seed[seed].scores[task.name] for row in rows]) for task in board.tasks]
        for seed in seeds
    ]
    flat = [ranks for by_task in blocks for ranks in by_task]
    draws = _resampled_means(blocks)
    best = [min(draw) + 1e-9 for draw in draws]
    wins = [_wins(ranks) for ranks in flat]
    found = {}
    for index, row in enumerate(rows):
        own = [draw[index] for draw in draws]
        rising = sorted(own)
        found[row.name] = RankSummary(
            mean=mean_of([ranks[index] for ranks in flat]),
            low=quantile(rising, LEVEL / 2),
            high=quantile(rising, 1 - LEVEL / 2),
            first=mean_of([mean <= lowest for mean, lowest in zip(own, best, strict=True)]),
            wins=mean_of([shares[index] for shares in wins]),
        )
    return found


def _wins(ranks: Sequence[float]) -> list[float]:
    """1 for the best, which several share evenly; 0 for the others."""
    best = min(ranks)
    share = 1 / ranks.count(best)
    return [share if rank == best else 0.0 for rank in ranks]


def _ranks(scores: Sequence[float]) -> list[float]:
    """1 for the highest; equal scores share the mean of their ranks."""
    rising = sorted(-score for score in scores)
    return [(bisect_left(rising, -score) + bisect_right(rising, -score) + 1) / 2 for score in scores]


def _resampled_means(blocks: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    """Each row's mean rank in every bootstrap resample; seeds and tasks are both drawn anew.

    blocks: (seeds, tasks, rows). Ranks are halves and draws are counts, so the sums are exact on every machine.
    """
    import numpy as np

    ranks = np.asarray(blocks)  # (S, T, M)
    seeds, tasks, rows = ranks.shape
    drawn_seeds, drawn_tasks = _draws(seeds, tasks)
    by_task = (drawn_seeds @ ranks.reshape(seeds, -1)).reshape(_RESAMPLES, tasks, rows)
    means: list[list[float]] = ((by_task * drawn_tasks[:, :, None]).sum(axis=1) / (seeds * tasks)).tolist()
    return means


@lru_cache(maxsize=16)
def _draws(*sizes: int) -> list[Any]:
    """For each size a (resamples, size) array of how often each of so many things is drawn; alike boards share it."""
    import numpy as np

    rng = random.Random(0)
    return [
        np.asarray([np.bincount(rng.choices(range(size), k=size), minlength=size) for _ in range(_RESAMPLES)])
        for size in sizes
    ]
