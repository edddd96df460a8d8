"""``mtlbench leaderboard``: the tables of all records, written, checked or printed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mtlbench.cli.parsing import add_results, folder_path

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "leaderboard"
HELP = "write the tables of all records, or check that the written ones are up to date"


def configure(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument(
        "--out",
        type=folder_path,
        default=Path("leaderboard"),
        metavar="DIR",
        help="folder of README.md, tables/ and any claims.toml, paper/ and ratios.json (default: %(default)s)",
    )
    parser.add_argument(
        "--figures",
        action="store_true",
        help="also draw the figures, or with --check compare them; needs matplotlib (default: their CSV files alone)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 1 with a diff when the files are stale or a record is bad (default: write)",
    )
    what.add_argument(
        "--style",
        metavar="STYLE",
        help="write nothing; print all tables as csv, html, latex, markdown, plain or a plugin's style",
    )

    parser.add_argument(
        "--full", action="store_true", help="with --check: print long diffs and long lines whole (default: cut them)"
    )
    parser.add_argument(
        "--since",
        metavar="REV",
        help="with --check: compare verdicts on claims with those where HEAD and this git revision part "
        "(default: with those of HEAD, where there is git)",
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.leaderboard.collecting import uncollected

    with uncollected():
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.cli.flips import flips_fail
    from mtlbench.cli.pictures import can_draw, draw_pictures, pictures_differ
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.ahead import work_ahead
    from mtlbench.leaderboard.alarms import alarms
    from mtlbench.leaderboard.board import read_boards
    from mtlbench.leaderboard.companions import read_companions
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.figures.catalogue import data_files, figures_of
    from mtlbench.leaderboard.figures.links import links_of
    from mtlbench.leaderboard.figures.pictures import have_pictures
    from mtlbench.leaderboard.formats import formatter
    from mtlbench.leaderboard.listing import RECORDS, changed_records
    from mtlbench.leaderboard.page import all_tables, rendered
    from mtlbench.leaderboard.verdicts import VERDICTS
    from mtlbench.leaderboard.writing import differences, text_in, write

    if args.since is not None and not args.check:
        raise BadSetting("--since goes with --check: it says with which verdicts the present ones are compared")
    if args.full and not args.check:
        raise BadSetting("--full goes with --check: it says how much of the diff is printed")
    if args.figures:
        can_draw(args)
    reading = read_boards(args.results)
    for line in [*(problem.line() for problem in reading.problems), *alarms(reading.boards)]:
        print(visible(line), file=sys.stderr)
    registry = open_registry(args)
    companions = read_companions(args.out)
    if args.style:
        render = formatter(registry)
        print("\n".join(render(table, args.style) for table in all_tables(reading.boards, companions)), end="")
        return MISUSE if reading.problems else 0
    work_ahead(reading.boards)
    figures = figures_of(reading.boards, registry)
    links = links_of(figures, pictured=args.figures or have_pictures(args.out))
    files = rendered(reading, registry, companions, links) | data_files(figures)
    if not args.check:
        changed, removed = write(files, args.out)
        gone = f", {len(removed)} that nothing renders any more removed" if removed else ""
        print(f"{args.out / 'README.md'}: {len(changed)} of {len(files)} files written anew{gone}")
        draw_pictures(figures, args)
        return MISUSE if reading.problems else 0
    before = text_in(args.out, RECORDS)
    changed_files = [*differences(files, args.out, full=args.full)]
    stale = bool(changed_files)
    named = [*changed_records(before, reading.entries, reading.problems)] if before is not None and stale else []
    for line in [*named, *changed_files]:
        print(line)
    for line in pictures_differ(figures, args):
        stale = True
        print(line)
    if stale:
        how = f"mtlbench leaderboard --results {args.results} --out {args.out}"
        print(f"stale; run: {how}{' --figures' if have_pictures(args.out) else ''}", file=sys.stderr)
    else:
        print(f"{args.out}: {len(files)} files are what the records say")
    flipped = flips_fail(files.get(VERDICTS), args.out, args.since)
    return 1 if stale or flipped or reading.problems else 0
