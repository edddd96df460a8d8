"""``mtlbench submit``: records packed for a pull request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mtlbench.cli.parsing import add_results, folder_path
from mtlbench.cli.session import RESULTS

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "submit"
HELP = "check records and pack them, with a manifest, for a pull request to another board"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "selection",
        nargs="*",
        metavar="SELECTION",
        help="SUITE, SUITE/METHOD or four or more digits of a key; may be repeated (default: all records)",
    )
    add_results(parser, default=RESULTS)
    parser.add_argument(
        "--out",
        type=folder_path,
        default=Path("submission"),
        metavar="DIR",
        help="folder to write (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.intake import look_at
    from mtlbench.leaderboard.submission import RECORDS, write_submission

    found = look_at(args.results, open_registry(args), chosen=args.selection)
    for problem in found.refused:
        print(f"refused: {visible(problem.line())}", file=sys.stderr)
    if found.refused:
        print(f"nothing written: {len(found.refused)} records would be refused", file=sys.stderr)
        return 1
    if not found.arrivals:
        raise BadSetting(f"there is no record in {args.results} to submit; mtlbench run makes some")
    manifest = write_submission(args.results, args.out, found.arrivals)
    for command in manifest["commands"]["train"]:
        print(visible(command))
    print(f"{args.out}: {len(found.arrivals)} records in {RECORDS}/, described in manifest.json")
    print(
        f"next: copy them with `mtlbench merge {args.out}` in a clone of the board's repository (docs/submissions.md)"
    )
    return 0
