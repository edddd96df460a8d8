"""``mtlbench tune``: as many trials for every method, judged on dev; the best values for suites to recommend."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.cli.session import config_from, open_registry, warn

if TYPE_CHECKING:
    from mtlbench.interface.config import Config
    from mtlbench.plugins import Registry
    from mtlbench.runner import Summary
    from mtlbench.study.asks import SuiteAsk
    from mtlbench.tuning.planning import Plan
    from mtlbench.tuning.spaces import Spaces

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "tune"
HELP = "choose settings for methods: equally many trials each, from declared spaces, judged on dev alone"


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to tune")
    what.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE[key=value,...]",
        help="suites, with options or protocol fields in brackets (default: those with a section in the space file)",
    )
    what.add_argument(
        "-m",
        "--method",
        action="append",
        default=[],
        dest="methods",
        metavar="METHOD[key=value,...]",
        help="make the trials of this method alone; may be repeated (default: those of the space file)",
    )
    what.add_argument("--space", metavar="FILE", help="a space file in TOML (default: the one that mtlbench ships)")
    what.add_argument("--trials", metavar="N", help="trials a method (default: as the space file says)")
    what.add_argument("--budget", metavar="N", help="gradients that a trial may spend (default: as the suite says)")
    into = parser.add_argument_group("what to write")
    into.add_argument(
        "--out",
        default="leaderboard/tuning",
        metavar="DIR",
        help="folder of trials and selections (default: %(default)s)",
    )
    into.add_argument(
        "--write",
        metavar="FILE",
        help="a file of recommendations in TOML: its tables of these suites are replaced (default: none)",
    )
    either = into.add_mutually_exclusive_group()
    either.add_argument(
        "--no-trials",
        action="store_true",
        help="make no trial; write what those on disk say, complete or not (default: make what is missing)",
    )
    either.add_argument(
        "--check",
        action="store_true",
        help="run nothing, write nothing; exit 1 with a diff when files differ from what the trials say (default: run)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--executor",
        metavar="NAME[key=value,...]",
        help="what makes the trials (default: processes, where it is installed)",
    )
    how.add_argument(
        "--workers", metavar="N", help="trials at a time (default: one for each core; 1 on a device other than cpu)"
    )
    how.add_argument(
        "--data-root", metavar="DIR", help="local snapshots of data sets and encoders (default: MTLBENCH_DATA_ROOT)"
    )
    how.add_argument("--device", default="cpu", metavar="NAME", help="torch device (default: %(default)s)")
    how.add_argument("--quiet", action="store_true", help="no progress, only warnings and results (default: progress)")


def run(args: argparse.Namespace) -> int:
    import dataclasses

    from mtlbench.cli.running.stopping import exit_code
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.runner import Summary
    from mtlbench.tuning.files import differences, write
    from mtlbench.tuning.page import lines
    from mtlbench.tuning.trials import TrialStore

    registry = open_registry(args)
    config = dataclasses.replace(config_from(args), results=Path(args.out).expanduser().absolute())
    plans, specs = _plans(args, registry, config)
    store = TrialStore.of(config)
    if args.check:
        texts, _ = _texts(args, plans, store)
        stale = list(differences(texts))
        for line in stale:
            print(visible(line))
        told = f"stale; run: {_command(args)}" if stale else f"{len(texts)} files are what the trials say"
        print(told, file=sys.stderr)
        return 1 if stale else 0
    summary, stop = Summary(), None
    if not args.no_trials:
        summary, stop = _tried(args, plans, specs, registry, config, store)
    texts, selections = _texts(args, plans, store, complete=stop is None)
    for selected in selections:
        for line in lines(selected):
            print(line)
    for path in write(texts):
        print(f"wrote {path}", file=sys.stderr)
    for line in () if args.no_trials else _closing(summary, store):
        print(visible(line), file=sys.stderr)
    if stop is not None:
        print("stopped before the last trial; the same command goes on from here", file=sys.stderr)
        return exit_code(stop)
    failed = [it for it in summary.results if it.status not in ("done", "diverged") or it.disagreement is not None]
    return 1 if failed or summary.conflicts else 0


def _plans(args: argparse.Namespace, registry: Registry, config: Config) -> tuple[list[Plan], set[str] | None]:
    """What is to be tried, and the methods that ``-m`` restricts it to, if it does."""
    from mtlbench.interface.errors import BadSetting
    from mtlbench.interface.settings import coerce
    from mtlbench.study.choice import choose_methods
    from mtlbench.tuning.planning import plan_suite
    from mtlbench.tuning.spaces import read_spaces, shipped_spaces
    from mtlbench.worker import lend_registry, suite_context

    lend_registry(registry, config)
    spaces = read_spaces(Path(args.space).expanduser()) if args.space else shipped_spaces().of_installed(registry)
    count = None if args.trials is None else coerce(args.trials, int, "--trials")
    if count is not None and count < 1:
        raise BadSetting(f"--trials must be positive, found {count}")
    plans: list[Plan] = []
    for suite in _suites(args, spaces):
        methods = choose_methods(args.methods, ())
        context = suite_context(config, registry)
        plan = plan_suite(suite, spaces, registry, context, methods=methods, count=count, budget=args.budget)
        plans.append(plan)
    specs = {spec for plan in plans for spec in plan.asked}
    return plans, specs if args.methods else None


def _suites(args: argparse.Namespace, spaces: Spaces) -> Sequence[SuiteAsk]:
    from mtlbench.interface.errors import BadSetting
    from mtlbench.study.asks import Place, SuiteAsk
    from mtlbench.study.choice import choose_suites

    if not args.suites and not spaces.suites:
        raise BadSetting(f"name a suite: {spaces.source} has a section for none")
    asks = choose_suites(args.suites, ()) or tuple(SuiteAsk(name, {}, Place(spaces.source)) for name in spaces.suites)
    names = [ask.name for ask in asks]
    for name in names:
        if names.count(name) > 1:
            raise BadSetting(f"{name} is named twice; tune it with other options in a folder of its own (--out)")
    return asks


def _tried(
    args: argparse.Namespace,
    plans: Sequence[Plan],
    specs: Collection[str] | None,
    registry: Registry,
    config: Config,
    store: Any,
) -> tuple[Summary, KeyboardInterrupt | None]:
    """Make the trials that are not on disk; what became of them, and what stopped it."""
    from mtlbench.cli.running.asking import executor_from
    from mtlbench.cli.running.stopping import terminable
    from mtlbench.cli.running.watching import watcher_for
    from mtlbench.runner import Summary, run_grid
    from mtlbench.tuning.planning import interleaved
    from mtlbench.tuning.trials import make_trial_job

    for warning in dict.fromkeys(warning for plan in plans for warning in plan.warnings_of(specs)):
        warn(warning)
    executor = executor_from(args, registry)
    cells = list(interleaved(plans, specs))
    summary = Summary()
    try:
        with terminable(), watcher_for(args.quiet) as watcher:
            run_grid(cells, executor, config, watcher, summary=summary, store=store, job=make_trial_job)
    except KeyboardInterrupt as stop:
        return summary, stop
    return summary, None


def _texts(
    args: argparse.Namespace, plans: Sequence[Plan], store: Any, *, complete: bool = True
) -> tuple[dict[Path, str], list[Mapping[str, Any]]]:
    """Every file that the trials decide on, by path, and the selections. complete: whether to recommend any."""
    from mtlbench.tuning.files import text_of
    from mtlbench.tuning.page import page
    from mtlbench.tuning.recommending import with_recommendations
    from mtlbench.tuning.selection import recommendations, selection, selection_text

    texts: dict[Path, str] = {}
    selections: list[Mapping[str, Any]] = []
    for plan in plans:
        selected = selection(plan, store)
        selections.append(selected)
        folder = Path(args.out).expanduser() / plan.suite
        texts[folder / "tuning.json"] = selection_text(selected)
        texts[folder / "README.md"] = page(selected, _command(args, plan))
    if args.write and complete:
        path = Path(args.write).expanduser()
        chosen = {selected["suite"]: recommendations(selected) for selected in selections}
        texts[path] = with_recommendations(text_of(path) or "", chosen, args.write)
    return texts, selections


def _command(args: argparse.Namespace, plan: Plan | None = None) -> str:
    """What decides on the content of the files, as a command line."""
    import shlex

    words = ["mtlbench", "tune", *([plan.spec] if plan else args.suites)]
    for name in ("space", "trials", "budget"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    for spec in plan.further if plan else args.methods:
        words += ["-m", spec]
    if plan is None:
        words += ["--out", args.out, *(["--write", args.write] if args.write else [])]
    return shlex.join(words)


def _closing(summary: Summary, store: Any) -> Iterator[str]:
    from mtlbench.cli.running.ending import complaints

    found = sum(result.found for result in summary.results)
    yield f"{len(summary.results)} trials in {summary.seconds:.0f} s, {found} of them found on disk"
    yield from complaints(summary, store, "trial")
