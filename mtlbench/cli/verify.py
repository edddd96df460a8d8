"""``mtlbench verify``: trains a sample of recorded cells again and compares the outcomes."""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.cli.parsing import add_results
from mtlbench.cli.session import config_from, open_registry

if TYPE_CHECKING:
    from mtlbench.interface.config import Config
    from mtlbench.plugins import Registry
    from mtlbench.runner import CellResult

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "verify"
HELP = "train a sample of recorded cells again, and compare the outcomes: to the last bit on the same type of CPU"

_SAMPLE = 3


def configure(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument(
        "--sample", type=int, default=_SAMPLE, metavar="N", help="how many records to check (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="which sample; another seed, another sample (default: 0)"
    )
    parser.add_argument("--executor", metavar="NAME[key=value,...]", help="what runs the cells (default: as for run)")
    parser.add_argument("--workers", metavar="N", help="cells at a time (default: as for run)")
    parser.add_argument(
        "--data-root", metavar="DIR", help="local snapshots of data sets and encoders (default: MTLBENCH_DATA_ROOT)"
    )
    parser.add_argument("--device", default="cpu", metavar="NAME", help="torch device (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no progress, only results (default: progress)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.running.asking import executor_from
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.study.form import check_form
    from mtlbench.study.store import read_records
    from mtlbench.worker import lend_registry

    if args.sample < 1:
        raise BadSetting(f"--sample must be positive, found {args.sample}")
    registry, config = open_registry(args), config_from(args)
    executor = executor_from(args, registry)
    results: Path = args.results
    records, problems = read_records(results, check_form)
    for problem in problems:
        print(f"bad record: {visible(str(problem))}", file=sys.stderr)
    if not records:
        raise BadSetting(f"there is no record in {results} to verify; mtlbench run --results {results} makes some")
    records.sort(key=lambda record: str(record["key"]))
    sample = random.Random(args.seed).sample(records, min(args.sample, len(records)))
    with tempfile.TemporaryDirectory(prefix="mtlbench-verify-") as folder:
        # Nothing that an earlier run has prepared is believed either.
        config = dataclasses.replace(config, results=Path(folder, "results"), cache_dir=Path(folder, "cache"))
        lend_registry(registry, config)
        verdicts = list(_verdicts(sample, records, registry, config, executor, args.quiet))
    for verdict, record, text in verdicts:
        print(f"{verdict:9} {visible(_named(record))}" + (f": {visible(text)}" if text else ""))
    counts = Counter(verdict for verdict, _, _ in verdicts)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    print(f"{len(verdicts)} of {len(records)} records looked at: {told}")
    is_good = counts.keys() <= {"same", "elsewhere", "skipped"} and counts.keys() != {"skipped"}
    return 0 if is_good and not problems else 1


Verdict = tuple[str, dict[str, Any], str]
"""What it is, the record, and why.

same; differs; elsewhere (it differs within the tolerances of study.tolerances, and was made on another type of machine,
where last bits may); outdated (the plugin or the data has another version now); skipped (its data is not here); failed.
"""


def _verdicts(
    sample: Sequence[dict[str, Any]],
    records: Sequence[dict[str, Any]],
    registry: Registry,
    config: Config,
    executor: Any,
    quiet: bool,
) -> Iterator[Verdict]:
    from mtlbench.cli.running.watching import watcher_for
    from mtlbench.interface.errors import MissingData
    from mtlbench.runner import run_grid
    from mtlbench.study.records import cell_of
    from mtlbench.study.store import Store
    from mtlbench.study.tolerances import row_of

    cells = {}
    for record in sample:
        try:
            reason = _outdated(record, registry, config)
        except MissingData as missing:
            yield "skipped", record, str(missing)
            continue
        if reason is None:
            cells[record["key"]] = cell_of(record)
        else:
            yield "outdated", record, reason
    with watcher_for(quiet) as watcher:
        summary = run_grid(list(cells.values()), executor, config, watcher)
    results: dict[str, CellResult] = {result.cell.key: result for result in summary.results}
    for record in sample:
        if record["key"] in cells:
            again = Store.of(config).load(cells[record["key"]])
            if again is None:
                yield "failed", record, results[record["key"]].error or "it could not be trained again"
            else:
                yield _compared(record, again, [other for other in records if row_of(other) == row_of(record)])


def _outdated(record: dict[str, Any], registry: Registry, config: Config) -> str | None:
    """Why the record is not of what is installed, or None. Raises MissingData where the data is not here."""
    from mtlbench.interface.errors import MissingData, MtlbenchError
    from mtlbench.interface.settings import build
    from mtlbench.worker import suite_context

    cell = record["cell"]
    try:
        method, suite = registry.method(cell["method"]).cls, registry.suite(cell["suite"]).cls
        found = build(suite, cell["options"], f"suite {cell['suite']}").fingerprint(suite_context(config, registry))
        build(method, cell["settings"], f"method {cell['method']}")
    except MissingData:
        raise
    except MtlbenchError as error:
        return str(error)
    for kind, recorded, installed in (
        ("version of the method", cell["method_version"], method.version),
        ("version of the suite", cell["suite_version"], suite.version),
        ("fingerprint of the data", cell["fingerprint"], found),
    ):
        if recorded != installed:
            return f"the {kind} was {recorded} and is now {installed}"
    return None


def _compared(record: dict[str, Any], again: dict[str, Any], row: Sequence[dict[str, Any]]) -> Verdict:
    """row: the records of its row, as they lie there."""
    from mtlbench.study.compare import first_difference
    from mtlbench.study.tolerances import outside

    difference = first_difference(record["outcome"], again["outcome"])
    if difference is None:
        return "same", record, ""
    before, now = record["measured"], again["measured"]
    machines = [side.get("machine") or {} for side in (before, now)]
    for part in ("cpu", "device"):
        there, here = (machine.get(part) for machine in machines)
        if there != here:
            unfit = _unfit(record)
            if unfit is not None:
                return "differs", record, unfit
            row = [other for other in row if _unfit(other) is None]
            where = f"it was recorded on {there}, and this is {here}"
            found = outside(record, again, row)
            if isinstance(found, str):
                return "differs", record, f"{found}, beyond what another machine explains ({where})"
            compared = f"{found.scores} scores and {found.probes} numbers of probes within tolerance"
            return "elsewhere", record, f"{where}; {compared}, the nearest to it: {found.worst}"
    changed = first_difference(before.get("versions"), now.get("versions"), "versions")
    return "differs", record, difference + (f" ({changed})" if changed else "")


def _unfit(record: dict[str, Any]) -> str | None:
    """Why no board could read a record, or None."""
    from mtlbench.interface.errors import BadRecord
    from mtlbench.leaderboard.entries import entry_of

    try:
        entry_of(record)
    except BadRecord as bad:
        return str(bad)
    return None


def _named(record: dict[str, Any]) -> str:
    from mtlbench.runner import told
    from mtlbench.study.records import cell_of

    return f"{told(cell_of(record))} ({record['key'][:8]})"
