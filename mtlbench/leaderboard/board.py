"""From records to boards, and the compact table that a run prints at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.checks import Problem, sifted
from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.formats import formatter
from mtlbench.leaderboard.model import Board, boards_of
from mtlbench.leaderboard.numbers import count, mean_of, spread
from mtlbench.leaderboard.reading import entries_of, read_entries, read_failures
from mtlbench.leaderboard.scores import average_cell, runs_cells

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["Reading", "read_boards", "render_summary"]

_WIDTH = 110
"""Characters a line of the summary may take; tasks get columns of their own where they fit."""


@dataclass(frozen=True)
class Reading:
    """What a results folder holds."""

    boards: list[Board]
    problems: list[Problem]
    """Files and records that no board shows, sorted."""
    entries: Sequence[Entry] = ()
    """All records that could be read, on a board or not."""


def read_boards(results: Path) -> Reading:
    """All boards of a results folder. Raises BadSetting when there is no such folder."""
    entries, unreadable = read_entries(results)
    kept, refused = sifted(entries)
    return Reading(boards_of(kept, read_failures(results)), sorted(unreadable + refused), entries)


def render_summary(records: Iterable[Mapping[str, Any]], registry: Registry | None = None) -> str:
    """A plain table per board, best average first, and a line for each record that may not stand there."""
    entries, unreadable = entries_of(records)
    kept, refused = sifted(entries)
    render = formatter(registry)
    texts = []
    for board in boards_of(kept):
        wide = render(_summary_table(board, tasks=True), "plain")
        fits = all(len(line) <= _WIDTH for line in wide.splitlines())
        texts.append(wide if fits else render(_summary_table(board, tasks=False), "plain"))
    texts += [f"not shown: {problem.line()}\n" for problem in sorted(unreadable + refused)]
    return "\n".join(texts)


def _summary_table(board: Board, *, tasks: bool) -> Table:
    yard = Yardstick(board)
    shown = board.tasks if tasks and len(board.tasks) > 1 else ()
    zero_shot = bool(board.unseen)
    lost = any(row.lost for row in board.rows)
    rows = []
    for row in board.rows:
        finished, losses = runs_cells(row)
        gradients = row.values(lambda entry: entry.counts.get("gradients"))
        rows.append(
            [
                row.name,
                finished,
                *([losses] if lost else []),
                average_cell(row),
                *([spread(row.unseen_averages)] if zero_shot else []),
                *(spread(list(row.task_scores(task.name).values())) for task in shown),
                count(mean_of(gradients) if gradients else None),
                spread(yard.values(row, lambda entry: entry.seconds.get("train")), 1),
                spread(row.values(lambda entry: entry.cosine), 3),
                spread(row.values(lambda entry: entry.distance), 2),
            ]
        )
    columns = ["Method", "n", *(["Lost"] if lost else []), "Average", *(["Zero-shot"] if zero_shot else [])]
    columns += [*(task.label for task in shown), "Gradients", "Seconds", "Cosine", "L2"]
    return Table(f"{board.label} ({board.metric}, {board.budget} gradients)", columns, rows)
