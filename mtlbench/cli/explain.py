"""``mtlbench explain``: what one record has to do with the numbers on the board."""

from __future__ import annotations

import argparse
import sys

from mtlbench.cli.parsing import add_results

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "explain"
HELP = "trace a record, by the beginning of its key: to its code, machine, raw values, command, and numbers on boards"

_LONGEST = 25_000
"""Characters of a line: the longest cell that boards take, and some more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="four or more digits of a record's key")
    add_results(parser)


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.cli.recorded import read_at
    from mtlbench.leaderboard.board import read_boards
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.explaining import explanation
    from mtlbench.study.store import Store

    reading = read_boards(args.results)
    for problem in reading.problems:
        print(visible(problem.line()), file=sys.stderr)
    path = Store(args.results).find(args.key)
    inner = path.relative_to(args.results)
    is_record = all(problem.where != inner.as_posix() for problem in reading.problems)
    for line in explanation(path.stem, reading, inner, read_at(path) if is_record else None):
        shown = f"{visible(line):.{_LONGEST}}"
        print(shown if not line.startswith(" ") else f"  {shown}")
    return MISUSE if reading.problems else 0
