"""One record as text, for ``mtlbench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtlbench.cli.columns import aligned
from mtlbench.cli.describe import as_typed
from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.escaping import visible
from mtlbench.study.form import check_form
from mtlbench.study.records import load_record
from mtlbench.study.store import Store

__all__ = ["read", "read_at", "record_text"]

_SPLITS = ("dev", "test")


def read(results: Path, prefix: str) -> tuple[dict[str, Any], Path]:
    """The one record whose key begins with ``prefix``, and its path. Raises MtlbenchError that names the file."""
    path = Store(results).find(prefix)
    return read_at(path), path


def read_at(path: Path) -> dict[str, Any]:
    """The record there, whose fields all have the form of a run's. Raises BadRecord that names the file."""
    try:
        record = load_record(path)
        check_form(record)
    except BadRecord as bad:
        raise BadRecord(f"{path}: {bad}") from None
    return record


def record_text(record: dict[str, Any], path: Path) -> str:
    """What was asked, what it cost and how every task scored; the curve and the probes are left to ``--json``."""
    cell, outcome = record["cell"], record["outcome"]
    facts = {
        "record": record["key"],
        "file": str(path),
        "status": record["status"],
        "method": f"{record['variant']} (version {cell['method_version']})",
        "settings": as_typed(cell["settings"]),
        "suite": f"{cell['suite']} (version {cell['suite_version']})",
        "options": as_typed(cell["options"]),
        "seed": str(cell["seed"]),
        "protocol": as_typed(cell["protocol"]),
        "counts": as_typed(outcome.get("counts") or {}),
        "made by": _makers(record["provenance"]),
    }
    blocks = ["\n".join(f"{name}: {visible(fact)}" for name, fact in facts.items() if fact)]
    if outcome.get("divergence"):
        blocks.append(visible("diverged: {reason} after {gradients} gradients".format_map(outcome["divergence"])))
    rows = [
        [
            visible(task.get("label") or task["name"]),
            visible(task["metric"]),
            *(_score(outcome, task["name"], split) for split in _SPLITS),
        ]
        for task in outcome.get("tasks") or []
    ]
    if rows:
        blocks.append(aligned(["TASK", "METRIC", "DEV", "TEST"], rows))
    if outcome.get("average") is not None:
        blocks.append(f"average over tasks: {_brief(outcome['average'])}")
    return "\n\n".join(blocks)


def _score(outcome: dict[str, Any], task: str, split: str) -> str:
    value = ((outcome.get("scores") or {}).get(task) or {}).get(split, {}).get("value")
    return "-" if value is None else _brief(value)


def _brief(value: Any) -> str:
    try:
        return f"{value:.4g}"
    except (OverflowError, ValueError):  # larger than floats are, or no number: boards refuse it
        return visible(f"{value!s:.40}…")


def _makers(provenance: dict[str, Any]) -> str:
    parts = [f"mtlbench {provenance.get('mtlbench')}"]
    for kind in ("method", "suite"):
        maker = provenance.get(kind) or {}
        parts.append(f"{kind} by {maker.get('distribution')} {maker.get('version')}".rstrip())
    return ", ".join(parts)
