"""What training did to the model: alignment of gradients, forgetting, distance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.figures.dotted import dotted
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.numbers import mean_of
from mtlbench.leaderboard.statistics import estimate

__all__ = ["cosine", "distance", "forgetting"]

_DOTS = ("panel", "method", "seeds", "value", "low", "high", "reference")


def cosine(board: Board) -> Iterator[Figure]:
    """How the cosines between tasks' gradients are spread at the end of training (Fig. 4)."""
    rows: list[list[Cell]] = []
    for row in board.rows:
        spreads = [entry.cosine_range for entry in row.done if entry.cosine_range]
        found = estimate([entry.cosine for entry in row.done if entry.cosine_range and entry.cosine is not None])
        if spreads and found is not None:
            quantiles = [mean_of([spread[place] for spread in spreads]) for place in range(len(spreads[0]))]
            rows.append([row.name, *interval_cells(found), *quantiles])
    if not rows:
        return
    yield Figure(
        stem=f"{board.slug}-cosine",
        kind="cosine",
        form="boxes",
        title=f"{board.label}: cosine between tasks' gradients",
        note="At the end of training, over pairs of tasks and draws of batches. Box: quartiles; whiskers: 5 to 95 %; "
        "each a mean over seeds. Diamond: mean, its bar a 95 % t interval over seeds.",
        x="pairwise cosine",
        boards=(board.slug,),
        sheet=Sheet.of(["method", "seeds", "mean", "low", "high", "q05", "q25", "q50", "q75", "q95"], rows),
        style={"vertical": "0"},
    )


def forgetting(board: Board) -> Iterator[Figure]:
    """The loss of the pretraining task before and after, for languages of the tasks and for others (Figs. 5 and 6)."""
    panels: tuple[tuple[str, Callable[[Entry], float | None], Callable[[Entry], float | None]], ...] = (
        ("seen languages", lambda entry: entry.masked_seen, lambda entry: entry.start_seen),
        ("unseen languages", lambda entry: entry.masked_unseen, lambda entry: entry.start_unseen),
    )
    rows: list[list[Cell]] = []
    for panel, after, before in panels:
        starts = [value for row in board.rows for value in row.values(before)]
        start = mean_of(starts) if starts else None
        for row in board.rows:
            found = estimate(row.values(after))
            if found is not None:
                rows.append([panel, row.name, *interval_cells(found), start])
    yield from dotted(
        board,
        "forgetting",
        _DOTS,
        rows,
        title="masked-LM loss after training",
        note="Of the trained encoder under its pretrained head. Dashed: before training. The further right, the more "
        "was forgotten. Bars: 95 % t intervals over seeds, cut at the edges.",
        x="masked-LM loss (nats)",
    )


def distance(board: Board) -> Iterator[Figure]:
    """How far the pretrained parameters went (Figs. 5 and 6)."""
    rows: list[list[Cell]] = []
    for row in board.rows:
        found = estimate(row.values(lambda entry: entry.distance))
        if found is not None:
            rows.append(["", row.name, *interval_cells(found), None])
    yield from dotted(
        board,
        "distance",
        _DOTS,
        rows,
        title="distance from the start",
        note="Of the encoder's parameters at the end of training. Bars: 95 % t intervals over seeds, cut at the edges.",
        x="L2 distance",
    )
