"""``mtlbench diff``: two records, or two boards or folders of records, and what differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.cli.parsing import add_results

if TYPE_CHECKING:
    from mtlbench.interface.run import Table
    from mtlbench.leaderboard.board import Reading

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "diff"
HELP = "compare two records, by the beginnings of their keys, or two boards or folders of records"

_CELLS = 40
"""Cells that are listed unless all are asked for."""


def configure(parser: argparse.ArgumentParser) -> None:
    what = "four or more digits of a record's key, a board's folder (with its results/), or a folder of records"
    parser.add_argument("first", metavar="A", help=what)
    parser.add_argument("second", metavar="B", help=what)
    add_results(parser, "folder in which keys are looked up")
    parser.add_argument(
        "--full", action="store_true", help=f"of two folders, list all cells that differ (default: {_CELLS} of them)"
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.differing import records_table
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.formats import formatter

    is_sound = True
    folders = [Path(text) for text in (args.first, args.second) if text.strip() and Path(text).is_dir()]
    if len(folders) == 1:
        raise BadSetting(f"{folders[0]} is a folder and the other is not: compare two records or two folders")
    if folders:
        readings = [_read(_results(folder)) for folder in folders]
        is_sound = not any(reading.problems for reading in readings)
        tables = _tables(folders, readings, None if args.full else _CELLS)
    else:
        tables = iter([records_table(*(_record(args.results, key) for key in (args.first, args.second)))])
    render = formatter(open_registry(args))
    # Of a table without lines the notes say all there is.
    texts = [render(table, "plain") if table.rows else "\n".join(map(visible, table.notes)) + "\n" for table in tables]
    print("\n".join(texts), end="")
    return 0 if is_sound else MISUSE


def _record(results: Path, prefix: str) -> dict[str, Any]:
    from mtlbench.cli.recorded import read

    return read(results, prefix)[0]


def _is_board(folder: Path) -> bool:
    """Whether its records lie in ``results``; a results folder may have a suite of that name."""
    return (folder / "results").is_dir() and not any(folder.glob("results/*/*.json"))


def _results(folder: Path) -> Path:
    return folder / "results" if _is_board(folder) else folder


def _read(results: Path) -> Reading:
    """What is there; a line on stderr for each file or record that no board shows."""
    from mtlbench.leaderboard.board import read_boards
    from mtlbench.leaderboard.escaping import visible

    reading = read_boards(results)
    for problem in reading.problems:
        print(visible(f"{results}{'/' if '/' in problem.where else ': '}{problem.line()}"), file=sys.stderr)
    return reading


def _tables(folders: list[Path], readings: list[Reading], most: int | None) -> Iterator[Table]:
    from mtlbench.leaderboard.changes import cells_table, rows_table, verdicts_table

    yield cells_table(readings[0], readings[1], most)
    yield rows_table(readings[0], readings[1])
    texts = [_verdicts(folder) for folder in folders]
    if texts[0] is not None and texts[1] is not None:
        yield verdicts_table(_flips(texts[0], texts[1]))


def _verdicts(folder: Path) -> str | None:
    """The text of a board's verdicts; None for folders that are no boards, or have no claims."""
    from mtlbench.leaderboard.verdicts import VERDICTS
    from mtlbench.leaderboard.writing import text_in

    return text_in(folder, VERDICTS) if _is_board(folder) else None


def _flips(before: str, now: str) -> list[Any]:
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.verdicts import VERDICTS, flips

    try:
        return [*flips(before, now)]
    except ValueError as error:
        raise BadSetting(f"{VERDICTS} of one of the boards: {error}") from None
