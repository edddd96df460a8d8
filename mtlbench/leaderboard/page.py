"""The files of a leaderboard: a front page and each table in every written style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mtlbench.interface.run import Table
from mtlbench.leaderboard.analysis import analysis_table
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.cost import cost_table
from mtlbench.leaderboard.escaping import for_markdown
from mtlbench.leaderboard.formats import formatter
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.scores import scores_table, unseen_table

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["MARK", "PAGE", "SUFFIXES", "TABLES", "all_tables", "board_tables", "rendered"]

PAGE = "README.md"
MARK = "<!-- Written by mtlbench leaderboard. Do not edit. -->"
"""The first line of a page of ours; another page is never overwritten."""
SUFFIXES = {"markdown": "md", "csv": "csv", "latex": "tex"}
TABLES: Mapping[str, Callable[[Board], Table | None]] = {
    "scores": scores_table,
    "zero-shot": unseen_table,
    "cost": cost_table,
    "analysis": analysis_table,
}
"""Name to maker of every table of a board; the name ends the name of its file."""
_ON_THE_PAGE = ("scores", "cost", "analysis")
"""Tables that the front page shows; it links to the others."""


def board_tables(board: Board) -> Iterator[tuple[str, Table]]:
    """(name, table) of everything there is to say about one board."""
    for name, make in TABLES.items():
        table = make(board)
        if table is not None:
            yield name, table


def all_tables(boards: Sequence[Board]) -> Iterator[Table]:
    """Every table, board by board."""
    for board in boards:
        yield from (table for _, table in board_tables(board))


def rendered(reading: Reading, registry: Registry | None = None) -> dict[str, str]:
    """Path below the leaderboard's folder to the text of every file: a pure function of the records."""
    render = formatter(registry)
    files = {}
    page = [
        MARK,
        "# Leaderboard",
        "Every number comes from the records in `results/`. To write this page anew: `mtlbench leaderboard`.",
    ]
    for board in reading.boards:
        page.append(f"## {for_markdown(board.label)}")
        links = []
        for name, table in board_tables(board):
            stem = f"tables/{board.slug}-{name}"
            for style, suffix in SUFFIXES.items():
                files[f"{stem}.{suffix}"] = render(table, style)
            if name in _ON_THE_PAGE:
                page.append(files[f"{stem}.md"].strip())
            links.append(f"{name} ([text]({stem}.md), [CSV]({stem}.csv), [LaTeX]({stem}.tex))")
        page.append(f"Tables: {'; '.join(links)}.")
    page += _refused(reading)
    return {PAGE: "\n\n".join(page) + "\n", **files}


def _refused(reading: Reading) -> list[str]:
    """The section on records that are on no board; nothing where all are."""
    if not reading.problems:
        return []
    lines = [f"- {for_markdown(problem.line())}" for problem in reading.problems]
    return ["## Records that are not shown", "\n".join(lines)]
