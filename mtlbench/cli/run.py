"""``mtlbench run``: trains what is not on disk yet, and shows what came out."""

from __future__ import annotations

import argparse
import sys

from mtlbench.cli.session import RESULTS, config_from, open_registry, warn

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "run"
HELP = "train methods on suites; cells that have a record already are not trained again"


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to train")
    what.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE[key=value,...]",
        help="suites, with options or protocol fields in brackets (default: those of the study)",
    )
    what.add_argument(
        "-m",
        "--method",
        action="append",
        default=[],
        dest="methods",
        metavar="METHOD[key=value,...]",
        help="a method, with settings or protocol fields in brackets; may be repeated (default: those of the study)",
    )
    what.add_argument("--study", metavar="FILE", help="a study file in TOML (default: the quick study)")
    what.add_argument(
        "--seeds", metavar="N|0,1,2", help="how many seeds, or which ones (default: those of the study, else 1)"
    )
    what.add_argument("--budget", metavar="N", help="gradients that a cell may spend (default: as the suite says)")
    what.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="a protocol field for all cells, as in lr=1e-3; may be repeated (default: as the suite says)",
    )
    what.add_argument(
        "--encoder", metavar="NAME", help="the encoder of the suites that have one (default: each suite's own)"
    )
    how = parser.add_argument_group("where and how")
    how.add_argument("--results", default=RESULTS, metavar="DIR", help="folder of records (default: %(default)s)")
    how.add_argument(
        "--executor",
        metavar="NAME[key=value,...]",
        help="what runs the cells (default: processes, where it is installed)",
    )
    how.add_argument(
        "--workers", metavar="N", help="cells at a time (default: one for each core; 1 on a device other than cpu)"
    )
    how.add_argument(
        "--data-root", metavar="DIR", help="local snapshots of data sets and encoders (default: MTLBENCH_DATA_ROOT)"
    )
    how.add_argument("--device", default="cpu", metavar="NAME", help="torch device (default: %(default)s)")
    how.add_argument("--quiet", action="store_true", help="no progress, only warnings and results (default: progress)")
    how.add_argument("--json", action="store_true", help="a summary as JSON on stdout (default: tables)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli import MISUSE
    from mtlbench.cli.running.asking import check_encoders, executor_from, study_from
    from mtlbench.cli.running.ending import data_is_bad, print_json, print_tables
    from mtlbench.cli.running.stopping import exit_code, terminable
    from mtlbench.cli.running.watching import watcher_for
    from mtlbench.runner import Summary, run_grid
    from mtlbench.study.grid import resolve
    from mtlbench.study.store import Store
    from mtlbench.worker import lend_registry, suite_context

    registry = open_registry(args)
    config = config_from(args)
    lend_registry(registry, config)
    executor = executor_from(args, registry)
    context = suite_context(config, registry)
    grid = resolve(study_from(args, registry), registry, context)
    check_encoders(grid.cells, registry, context)
    for warning in grid.warnings:
        warn(warning)
    summary = Summary()
    try:
        with terminable(), watcher_for(args.quiet) as watcher:
            run_grid(grid.cells, executor, config, watcher, summary=summary)
    except KeyboardInterrupt as stop:
        ended = len(summary.results)
        print(
            f"stopped with {ended} of {len(grid.cells)} cells ended; the same command goes on from here",
            file=sys.stderr,
        )
        return exit_code(stop)
    if args.json:
        print_json(summary, config, grid.warnings)
    else:
        print_tables(summary, config, registry, args.results)
    if summary.bad_records or data_is_bad(summary, Store.of(config)):
        return MISUSE
    return 0 if summary.is_clean else 1
