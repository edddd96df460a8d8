"""``mtlbench merge``: records of another person or repository join the ones that are here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtlbench.cli.parsing import add_results, folder_path

if TYPE_CHECKING:
    from mtlbench.leaderboard.intake import Arrival

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "merge"
HELP = "check the records of a submission or results folder, and add them to the ones that are here"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=folder_path, metavar="FOLDER", help="a submission, or a results folder of another repository"
    )
    add_results(parser, "folder that they join")
    parser.add_argument("--dry-run", action="store_true", help="check and tell, write nothing (default: write)")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="add the good records even where others are refused (default: add all of them or none)",
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.intake import look_at
    from mtlbench.leaderboard.namesakes import second_rows
    from mtlbench.leaderboard.submission import RECORDS, manifest_digests

    if not args.folder.is_dir():
        raise BadSetting(f"there is no folder {args.folder}; mtlbench submit makes one")
    digests = manifest_digests(args.folder)
    folder = args.folder if digests is None else args.folder / RECORDS
    found = look_at(folder, open_registry(args), args.results, digests=digests)
    for problem in found.refused:
        print(f"refused: {visible(problem.line())}", file=sys.stderr)
    for note in sorted({arrival.note for arrival in found.arrivals if arrival.note}):
        print(f"not checked: {visible(note)}, so settings are taken as they are", file=sys.stderr)
    new = [arrival for arrival in found.arrivals if not arrival.is_known]
    for line in second_rows(found.there, [arrival.entry for arrival in new]):
        print(f"note: {visible(line)}", file=sys.stderr)
    told = f"{len(found.arrivals) - len(new)} were there, {len(found.refused)} refused"
    if found.refused and not args.keep_going:
        print(f"nothing merged: {len(new)} new, {told}; --keep-going merges the good ones")
        return 1
    if args.dry_run:
        print(f"would merge {len(new)} records into {args.results}; {told}")
    else:
        print(f"merged {_stored(folder, new, args.results)} records into {args.results}; {told}")
    return 1 if found.refused else 0


def _stored(folder: Path, new: Sequence[Arrival], results: Path) -> int:
    from mtlbench.interface.errors import BadRecord
    from mtlbench.study.records import cell_of, load_record
    from mtlbench.study.store import Store

    store = Store(results)
    store.prepare()
    for arrival in new:
        record = load_record(folder / arrival.path)
        if record["key"] != arrival.entry.key or store.write(cell_of(record), record) == "conflict":
            raise BadRecord(f"{arrival.path} changed while it was merged, or somebody else wrote it; look at {results}")
    return len(new)
