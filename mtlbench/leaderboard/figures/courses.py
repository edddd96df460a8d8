"""The course of training: dev score against gradients and against seconds, training loss against cosine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry, Point
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells, is_wide
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.numbers import mean_of
from mtlbench.leaderboard.statistics import Estimate, estimate

__all__ = ["alignment", "curves", "seconds"]

_LINES = ("panel", "series", "seeds", "x", "y", "low", "high")


def curves(board: Board) -> Iterator[Figure]:
    """Dev score against gradients spent (Fig. 7c)."""
    rows: list[list[Cell]] = []
    for row in board.rows:
        for points in _aligned(row.done):
            found = _over_seeds([point.dev for point in points])
            if found is not None:
                n, *cells = interval_cells(found)
                rows.append([row.name, row.name, n, mean_of([float(point.gradients) for point in points]), *cells])
    yield from _lines(
        board,
        "curves",
        rows,
        title="dev score over training",
        note="Mean over tasks and seeds; bands: 95 % t intervals over seeds, cut at the edges.",
        x="gradients",
    )


def seconds(board: Board) -> Iterator[Figure]:
    """Dev score against seconds of training (Fig. 8a)."""
    yard = Yardstick(board)
    rows: list[list[Cell]] = []
    for row in board.rows:
        runs = [entry for entry in row.done if entry.machine == yard.machine and _seconds_a_gradient(entry)]
        if yard.machine is None or not runs:
            continue
        price = mean_of([_seconds_a_gradient(entry) or 0.0 for entry in runs])
        for points in _aligned(runs):
            found = _over_seeds([point.dev for point in points])
            if found is not None:
                n, *cells = interval_cells(found)
                spent = price * mean_of([float(point.gradients) for point in points])
                rows.append([row.name, row.name, n, spent, *cells])
    yield from _lines(
        board,
        "seconds",
        rows,
        title="dev score over seconds of training",
        note="Mean over tasks and seeds; bands: 95 % t intervals over seeds, cut at the edges. Seconds of "
        f"training alone, in proportion to gradients, of runs on one machine: {yard.label}.",
        x="seconds of training",
    )


def alignment(board: Board) -> Iterator[Figure]:
    """How training loss and the cosine between tasks' gradients go together (Fig. 7a)."""
    rows: list[list[Cell]] = []
    every: list[float] = []
    for row in board.rows:
        for points in _aligned(row.done):
            losses, found = _over_seeds([p.loss for p in points]), _over_seeds([p.cosine for p in points])
            if losses is not None and found is not None:
                n, *cells = interval_cells(found)
                rows.append([row.name, row.name, n, losses.mean, *cells])
                every.append(losses.mean)
    yield from _lines(
        board,
        "alignment",
        rows,
        title="cosine against training loss",
        note="One point an evaluation, mean over seeds; training runs from the ring to the filled mark. Bars: 95 % t "
        "intervals of the cosine over seeds.",
        x="training loss",
        y="pairwise cosine",
        line="ways",
        log=bool(every) and is_wide(every),
    )


def _lines(
    board: Board,
    kind: str,
    rows: list[list[Cell]],
    *,
    title: str,
    note: str,
    x: str,
    y: str = "",
    line: str = "curves",
    log: bool = False,
) -> Iterator[Figure]:
    """A figure with a panel a method, unless no method has a line of two points."""
    drawn = {method for method, points in Counter(row[0] for row in rows).items() if points > 1}
    if not drawn:
        return
    reference = board.reference
    yield Figure(
        stem=f"{board.slug}-{kind}",
        kind=kind,
        form="lines",
        title=f"{board.label}: {title}",
        note=note + (f" Grey: {reference.name}." if reference is not None and reference.name in drawn else ""),
        x=f"{x} (log scale)" if log else x,
        y=y or f"dev {board.metric}",
        reference=reference.name if reference is not None and reference.name in drawn else "",
        boards=(board.slug,),
        sheet=Sheet.of(_LINES, [row for row in rows if row[0] in drawn]),
        style={"line": line, **({"log": "x"} if log else {})},
    )


def _aligned(runs: list[Entry]) -> Iterator[list[Point]]:
    """The points of all runs that belong together: those with the same number, where runs have equally many."""
    lengths: dict[int, int] = defaultdict(int)
    for entry in runs:
        lengths[len(entry.curve)] += 1
    if lengths:
        common = min(lengths, key=lambda length: (-lengths[length], length))
        yield from map(list, zip(*(entry.curve for entry in runs if len(entry.curve) == common), strict=True))


def _over_seeds(values: list[float | None]) -> Estimate | None:
    """None where no run has a value, and where some lack it, which would move the mean."""
    known = [value for value in values if value is not None]
    return estimate(known) if len(known) == len(values) else None


def _seconds_a_gradient(entry: Entry) -> float | None:
    spent, taken = entry.counts.get("gradients"), entry.seconds.get("train")
    return taken / spent if spent and taken else None
