"""``mtlbench check``: whether a method or suite keeps the laws, and computes what golden vectors say."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from mtlbench.cli.parsing import folder_path

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

NAME = "check"
HELP = "try the laws on an installed method or suite, and replay golden vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME[key=value,...]",
        help="an installed method or suite to try the laws on, with settings in brackets (default: none)",
    )
    parser.add_argument(
        "--golden",
        type=folder_path,
        metavar="DIR",
        help="replay the golden vectors in this folder, those of NAME or all of them (default: none)",
    )
    parser.add_argument(
        "--data-root",
        type=folder_path,
        metavar="DIR",
        help="where data sets lie, for a suite that needs them (default: MTLBENCH_DATA_ROOT, then the Hub's cache)",
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.session import open_registry
    from mtlbench.interface.errors import BadSetting

    if args.name is None and args.golden is None:
        raise BadSetting("check needs the NAME of a method or suite, --golden DIR, or both")
    registry = open_registry(args)
    sound = True
    if args.name is not None:
        sound &= _try_laws(args, registry)
    if args.golden is not None:
        sound &= _replay(args, registry)
    return 0 if sound else 1


def _try_laws(args: argparse.Namespace, registry: Registry) -> bool:
    from mtlbench.cli.session import config_from
    from mtlbench.testing.subjects import subject_of, verdicts
    from mtlbench.worker import suite_context

    outcomes: Counter[str] = Counter()
    for verdict in verdicts(subject_of(args.name, registry, suite_context(config_from(args), registry))):
        print(verdict, flush=True)
        outcomes[verdict.outcome] += 1
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"laws: {outcomes.total()} tried: {counts}")
    return not outcomes["FAILED"]


def _replay(args: argparse.Namespace, registry: Registry) -> bool:
    from mtlbench.interface.settings import parse_spec
    from mtlbench.testing.golden import replay_folder

    only = None if args.name is None else parse_spec(args.name)[0]
    cases = failed = 0
    for replay in replay_folder(args.golden, registry, only):
        print(replay, flush=True)
        cases += 1
        failed += not replay.ok
    print(f"golden: {cases} cases: {cases - failed} ok, {failed} FAILED")
    return not failed
