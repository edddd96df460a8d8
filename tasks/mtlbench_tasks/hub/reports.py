"""What ``mtlbench data`` says of a suite's sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mtlbench.interface import BadDataset, DataReport, DataSource, MissingData, SizeCheck, SuiteContext
from mtlbench_tasks.hub.places import Place, locate
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
        try:
            place = locate(source, context, fetch=fetch)
        except (BadDataset, MissingData) as wrong:
            origin = source.name if isinstance(wrong, BadDataset) else ""  # there, with a header that nobody can use
            yield from (DataReport(source, split, origin=origin, problem=str(wrong)) for split in source.splits)
        else:
            yield from (_report(source, split, place, context, examine, sizes) for split in source.splits)


def _report(
    source: DataSource, split: str, place: Place, context: SuiteContext, examine: Examine, sizes: Sizes
) -> DataReport:
    features: tuple[tuple[str, str], ...] = ()
    try:
        rows = read(source, split, context)
        features = tuple((str(name), _kind(feature)) for name, feature in rows.table.features.items())
        notes = examine(rows)
    except (BadDataset, MissingData) as wrong:
        origin = place.told if split in place.files else ""
        return DataReport(source, split, origin=origin, features=features, problem=str(wrong))
    return DataReport(
        source, split, len(rows), rows.origin, rows.fingerprint, tuple(notes), sizes(rows), features=features
    )


def _kind(feature: Any) -> str:
    """What a column of ``datasets`` holds, in words."""
    if isinstance(feature, Mapping):
        return f"{{{', '.join(f'{name}: {_kind(each)}' for name, each in feature.items())}}}"
    if hasattr(feature, "feature"):
        return f"list of {_kind(feature.feature)}"
    if isinstance(feature, list):  # the older form of a list of mappings
        return f"list of {_kind(feature[0])}"
    if getattr(feature, "names", None):
        return f"{len(feature.names)} classes"
    kind = type(feature).__name__
    return str(feature.dtype) if kind == "Value" else kind.lower()
