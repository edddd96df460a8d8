"""``mtlbench explain``: what one record has to do with the numbers on the board."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mtlbench.cli.parsing import add_results

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "explain"
HELP = "trace a record, by the beginning of its key: to its code, machine, raw values, command, and numbers on boards"

_LONGEST = 25_000
"""Characters of a line: the longest cell that boards take, and some more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="four or more digits of a record's key")
    add_results(parser)


def _sound(path: Path) -> dict[str, Any] | None:
    """The record, where it is one: what is wrong with another is told with the boards' problems.

    Raises BadRecord where boards may take it and its outcome cannot be told.
    """
    from mtlbench.interface.errors import BadRecord
    from mtlbench.study.form import check_form
    from mtlbench.study.records import load_record

    try:
        record = load_record(path)
    except (BadRecord, FileNotFoundError):
        return None
    try:
        check_form(record)
    except BadRecord as bad:
        raise BadRecord(f"{path}: {bad}") from None
    return record


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.leaderboard.board import read_boards
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.explaining import explanation
    from mtlbench.study.store import Store

    reading = read_boards(args.results)
    for problem in reading.problems:
        print(visible(problem.line()), file=sys.stderr)
    path = Store(args.results).find(args.key)
    for line in explanation(path.stem, reading, path.relative_to(args.results), _sound(path)):
        shown = f"{visible(line):.{_LONGEST}}"
        print(shown if not line.startswith(" ") else f"  {shown}")
    return MISUSE if reading.problems else 0
