"""Two records side by side: only what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.numbers import DASH, number

__all__ = ["records_table"]

_LONGEST = 2000
"""Characters of a value that are shown."""


def records_table(first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """What was asked, came out and was measured differently; numbers with their difference."""
    rows = []
    for name, left, right in _differing(_told(first), _told(second)):
        rows.append([name, _text(left), _text(right), _change(left, right)])
    return Table(
        title=f"{first['key'][:12]} against {second['key'][:12]}",
        columns=["Field", "First", "Second", "Change"],
        rows=rows,
        align="lrrr",
        notes=[] if rows else ["The records do not differ in what was asked, came out or was measured."],
    )


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as flat values by path; the curve, probes' lists and traces are left out."""
    outcome, measured = record["outcome"], record["measured"]
    parts = {
        "status": record["status"],
        "cell": record["cell"],
        "made by": record["provenance"],
        "test": {
            task: (splits.get("test") or {}).get("value") for task, splits in (outcome.get("scores") or {}).items()
        },
        "zero-shot": {
            task: (one.get("test") or {}).get("value") for task, one in (outcome.get("unseen") or {}).items()
        },
        "average": outcome.get("average"),
        "counts": outcome.get("counts"),
        "audit": outcome.get("audit"),
        "probes": outcome.get("probes"),
        **{name: measured.get(name) for name in ("seconds", "step_seconds", "peak_bytes", "machine", "versions")},
    }
    return dict(_flat(parts, ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif not (isinstance(value, list) and any(isinstance(item, (float, list)) for item in value)):
        yield path, value


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in [*first, *(name for name in second if name not in first)]:
        left, right = first.get(name), second.get(name)
        if left != right:
            yield name, left, right


def _change(left: Any, right: Any) -> str:
    """Nothing where one is no number, or larger than floats are."""
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in (left, right)):
        return ""
    return f"{right - left:+.4g}" if max(abs(left), abs(right)) < 1e300 else ""


def _text(value: Any) -> str:
    if value is None:
        return DASH
    text = number(value) if isinstance(value, float) else str(value)
    return text[:12] if re.fullmatch("[0-9a-f]{64}", text) else text[:_LONGEST]
