"""``mtlbench data``: what suites read from outside, and whether it is here."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlbench.interface.suite import Suite
    from mtlbench.interface.suite_values import DataReport
    from mtlbench.plugins import Registry

NAME = "data"
HELP = "check or fetch the data sets and encoders that suites read"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("check", "fetch"), help="check: read every row as a run would; fetch: download first"
    )
    parser.add_argument("suites", nargs="+", metavar="SUITE", help="suites, with options as in glue[configs=[rte]]")
    parser.add_argument(
        "--encoder", metavar="NAME", help="the encoder of the suites that have one (default: each suite's own)"
    )
    parser.add_argument("--data-root", metavar="DIR", help="local snapshots of data sets (default: MTLBENCH_DATA_ROOT)")
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="where prepared data is kept (default: MTLBENCH_CACHE_DIR, ~/.cache/mtlbench)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.session import config_from, open_registry
    from mtlbench.worker import suite_context

    registry = open_registry(args)
    context = suite_context(config_from(args), registry)
    told = []
    for text in args.suites:
        suite = _suite(text, args.encoder, registry)
        reports = list(suite.check_data(context, fetch=args.action == "fetch"))
        told.append((text, reports))
    if args.json:
        print(json.dumps([{"suite": text, "sources": list(map(_plain, found))} for text, found in told], indent=1))
    else:
        print("\n\n".join(_table(text, found) for text, found in told))
    return 1 if any(report.problem for _, found in told for report in found) else 0


def _suite(text: str, encoder: str | None, registry: Registry) -> Suite:
    from mtlbench.interface.settings import build, parse_spec, settings_of

    name, values = parse_spec(text)
    cls = registry.suite(name).cls
    if encoder is not None and "encoder_name" in {setting.name for setting in settings_of(cls)}:
        values = {**values, "encoder_name": encoder}
    suite: Suite = build(cls, values, f"suite {name}")
    return suite


def _plain(report: DataReport) -> dict[str, Any]:
    source = report.source
    return {
        "kind": source.kind,
        "name": source.name,
        "config": source.config,
        "revision": source.revision,
        "stands_for": source.stands_for or None,
        "split": report.split or None,
        "rows": report.rows,
        "origin": report.origin or None,
        "fingerprint": report.fingerprint or None,
        "features": dict(report.features) or None,
        "notes": list(report.notes),
        "sizes": [
            {
                "task": size.task,
                "expected": size.expected,
                "found": size.found,
                "difference": size.found - size.expected,
                "source": size.source,
            }
            for size in report.sizes
        ],
        "problem": report.problem or None,
    }


def _table(text: str, reports: Sequence[DataReport]) -> str:
    from mtlbench.cli.columns import aligned

    if not reports:
        return f"{text}: nothing to read from outside"
    rows = []
    for report in reports:
        source = report.source
        name = source.name + (f" (stands in for {source.stands_for})" if source.stands_for else "")
        state = ("BAD" if report.origin else "MISSING") if report.problem else "ok"
        counted = str(report.rows) if report.rows else ""
        rows.append([name, source.config or "", report.split, counted, report.fingerprint[:12], state])
    lines = [aligned([text, "CONFIG", "SPLIT", "ROWS", "CONTENT", "STATE"], rows)]
    # The splits of a source that cannot be had share one problem.
    lines += dict.fromkeys(f"problem: {report.problem}" for report in reports if report.problem)
    for report in reports:
        place = " ".join(filter(None, (report.source.name, report.source.config, report.split)))
        lines += [f"note: {place}: {note}" for note in report.notes]
    lines += _feature_lines(reports)
    lines += _size_lines(reports)
    return "\n".join(lines)


def _feature_lines(reports: Sequence[DataReport]) -> list[str]:
    """The columns and what they hold, once for all splits of a data set that are alike."""
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for report in reports:
        if report.features:
            place = " ".join(filter(None, (report.source.config, report.split)))
            alike.setdefault((report.source.name, report.features), []).append(place)
    several = Counter(name for name, _ in alike)
    lines = []
    for (name, features), places in alike.items():
        where = f" ({', '.join(places)})" if several[name] > 1 else ""
        lines.append(f"features: {name}{where}: {', '.join(f'{column} {kind}' for column, kind in features)}")
    return lines


def _size_lines(reports: Sequence[DataReport]) -> list[str]:
    """Every size that a publication gives, what is there, and the difference; a line for each source and split."""
    told: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for size in report.sizes:
            difference = f"{size.found - size.expected:+,}" if size.found != size.expected else "as there"
            found = f"{size.task} {size.expected:,} there, {size.found:,} here ({difference})"
            told.setdefault((size.source, report.split), []).append(found)
    return [f"size: {split} in {source}: {'; '.join(found)}" for (source, split), found in told.items()]
