"""The files of a leaderboard: a front page and each table in every written style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mtlbench.interface.run import Table
from mtlbench.leaderboard.alarms import alarms
from mtlbench.leaderboard.analysis import analysis_table
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.companions import ALONE, OVERALL, Companions, overall_tables
from mtlbench.leaderboard.comparison import comparison_table, transfer_table
from mtlbench.leaderboard.cost import cost_table
from mtlbench.leaderboard.dividing import MANY, divided
from mtlbench.leaderboard.efficiency import efficiency_table
from mtlbench.leaderboard.escaping import for_markdown
from mtlbench.leaderboard.extras import extras_table
from mtlbench.leaderboard.formats import formatter
from mtlbench.leaderboard.html_page import HTML, html_page
from mtlbench.leaderboard.listing import RECORDS, records_csv
from mtlbench.leaderboard.model import Board, once_a_board
from mtlbench.leaderboard.profile import profile_table
from mtlbench.leaderboard.scores import intervals_table, scores_table, unseen_table
from mtlbench.leaderboard.standing import standing_table
from mtlbench.leaderboard.tape import tape_table
from mtlbench.leaderboard.verdicts import VERDICTS, verdicts_text

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
    "intervals": intervals_table,
    "further-metrics": extras_table,
    "comparison": comparison_table,
    "transfer": transfer_table,
    "standing": standing_table,
    "profile": profile_table,
    "cost": cost_table,
    "efficiency": efficiency_table,
    "analysis": analysis_table,
    "tape": tape_table,
}
"""Name to maker of every table of a board; the name ends the name of its file."""
_INTRODUCTION = (
    "Every number comes from the records in `results/`, or from a file beside them that a table names. "
    "To write this page anew: `mtlbench leaderboard`."
)
_ON_THE_PAGE = ("scores", "comparison", "cost", "analysis")
"""Tables that the front page shows; it links to the others."""


@once_a_board
def board_tables(board: Board) -> list[tuple[str, Table]]:
    """(name, table) of everything there is to say about one board."""
    made = [(name, make(board)) for name, make in TABLES.items()]
    return [(name, table) for name, table in made if table is not None]


def all_tables(boards: Sequence[Board], companions: Companions) -> Iterator[Table]:
    """Every table, board by board, then those of no single board."""
    for board in boards:
        yield from (table for _, table in board_tables(board))
    yield from overall_tables(companions, boards).values()


def rendered(
    reading: Reading,
    registry: Registry | None = None,
    companions: Companions = ALONE,
    figures: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Path below the leaderboard's folder to the text of every file: a pure function of all that is given.

    figures: slug of a board to the line that leads to its figures.
    """
    tables = [board_tables(board) for board in reading.boards]
    overall = overall_tables(companions, reading.boards)

    def html() -> dict[str, str]:
        return {HTML: html_page(reading, tables, overall, companions.claims, registry)}

    def texts() -> dict[str, str]:
        return _texts(reading, tables, overall, formatter(registry), figures or {})

    both = [texts, html]  # in this order: a plugin that formats tables does so in this process
    shares = divided(lambda share: [make() for make in both[share]], len(both), pays=len(reading.entries) >= MANY)
    files = {path: text for share in shares for made in share for path, text in made.items()}
    if companions.claims:
        files[VERDICTS] = verdicts_text(companions.claims, reading.boards)
    return files


def _texts(
    reading: Reading,
    tables: Sequence[Sequence[tuple[str, Table]]],
    overall: Mapping[str, Table],
    render: Callable[[Table, str], str],
    figures: Mapping[str, str],
) -> dict[str, str]:
    """The front page, every table, and the list of records."""
    files: dict[str, str] = {}
    page = [
        MARK,
        "# Leaderboard",
        _INTRODUCTION,
    ]
    for board, named in zip(reading.boards, tables, strict=True):
        page.append(f"## {for_markdown(board.label)}")
        links = []
        for name, table in named:
            stem = f"tables/{board.slug}-{name}"
            files |= _in_every_style(table, stem, render)
            if name in _ON_THE_PAGE:
                page.append(files[f"{stem}.md"].strip())
            links.append(f"{name} ([text]({stem}.md), [CSV]({stem}.csv), [LaTeX]({stem}.tex))")
        page.append(f"Tables: {'; '.join(links)}.")
        page += [figures[board.slug]] if board.slug in figures else []
    for name, table in overall.items():
        files |= _in_every_style(table, OVERALL[name], render)
        page.append(files[f"{OVERALL[name]}.md"].strip().replace("### ", "## ", 1))
    page += _section("Alarms", alarms(reading.boards))
    page += _section("Records that are not shown", [problem.line() for problem in reading.problems])
    return {PAGE: "\n\n".join(page) + "\n", RECORDS: records_csv(reading.entries), **files}


def _in_every_style(table: Table, stem: str, render: Callable[[Table, str], str]) -> dict[str, str]:
    return {f"{stem}.{suffix}": render(table, style) for style, suffix in SUFFIXES.items()}


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and a list, or nothing where there is nothing to list."""
    return [f"## {title}", "\n".join(f"- {for_markdown(line)}" for line in lines)] if lines else []
