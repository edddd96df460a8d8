"""What ``mtlbench data`` says of a suite's sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mtlbench.interface import BadDataset, DataReport, DataSource, MissingData, SizeCheck, SuiteContext
from mtlbench_tasks.hub.places import locate
from mtlbench_tasks.hub.rows import Rows, read

__all__ = ["report_sources"]

Examine = Callable[[Rows], Sequence[str]]
"""Reads every row as the suite does: notes on rows that a rule handles, or BadDataset."""
Sizes = Callable[[Rows], tuple[SizeCheck, ...]]
"""The sizes that a publication gives for a split, beside what is there."""


def report_sources(
    sources: Sequence[DataSource],
    context: SuiteContext,
    examine: Examine,
    *,
    sizes: Sizes = lambda _: (),
    fetch: bool = False,
) -> Iterator[DataReport]:
    """One report a split, in order; a source that cannot be had gives one report for each of its splits."""
    for source in sources:
        problem = ""
        try:
            locate(source, context, fetch=fetch)
        except (BadDataset, MissingData) as missing:
            problem = str(missing)
        for split in source.splits:
            yield (
                DataReport(source, split, problem=problem)
                if problem
                else _report(source, split, context, examine, sizes)
            )


def _report(source: DataSource, split: str, context: SuiteContext, examine: Examine, sizes: Sizes) -> DataReport:
    origin = ""
    try:
        rows = read(source, split, context)
        origin = rows.origin
        notes = examine(rows)
    except (BadDataset, MissingData) as wrong:
        return DataReport(source, split, origin=origin, problem=str(wrong))
    return DataReport(source, split, len(rows), rows.origin, rows.fingerprint, tuple(notes), sizes(rows))
