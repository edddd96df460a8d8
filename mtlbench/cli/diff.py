"""``mtlbench diff``: two records, or two folders of them, and what differs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mtlbench.cli.parsing import add_results

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "diff"
HELP = "compare two records, by the beginnings of their keys, or two folders of records"


def configure(parser: argparse.ArgumentParser) -> None:
    what = "four or more digits of a record's key, or a folder of records"
    parser.add_argument("first", metavar="A", help=what)
    parser.add_argument("second", metavar="B", help=what)
    add_results(parser, "folder in which keys are looked up")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.differing import folders_table, records_table
    from mtlbench.leaderboard.formats import formatter

    bad = 0
    folders = [Path(text) for text in (args.first, args.second) if Path(text).is_dir()]
    if len(folders) == 1:
        raise BadSetting(f"{folders[0]} is a folder and the other is not: compare two records or two folders")
    if folders:
        read = [_by_key(folder) for folder in folders]
        table = folders_table(*(records for records, _ in read))
        bad = sum(count for _, count in read)
    else:
        table = records_table(*(_record(args.results, key) for key in (args.first, args.second)))
    print(formatter(open_registry(args))(table, "plain"), end="")
    return MISUSE if bad else 0


def _record(results: Path, prefix: str) -> dict[str, Any]:
    from mtlbench.cli.recorded import read

    return read(results, prefix)[0]


def _by_key(folder: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Records without the bulk of their outcomes, so that thousands fit in memory; how many files are no records."""
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.study.store import Problem, each_record

    found, bad = {}, 0
    for record in each_record(folder):
        if isinstance(record, Problem):
            print(visible(f"{folder}/{record}"), file=sys.stderr)
            bad += 1
        else:
            kept = {name: record[name] for name in ("cell", "variant", "digest")}
            found[record["key"]] = {**kept, "outcome": {"average": record["outcome"].get("average")}}
    return found, bad
