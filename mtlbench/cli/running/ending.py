"""What ``mtlbench run`` says at its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from mtlbench.runner import CellResult, Status, Summary, told
from mtlbench.study.store import Store

if TYPE_CHECKING:
    from mtlbench.interface.config import Config
    from mtlbench.plugins import Registry

__all__ = ["complaints", "data_is_bad", "print_json", "print_tables"]


def print_json(summary: Summary, config: Config, warnings: Sequence[str]) -> None:
    """A summary for programs, on stdout."""
    print(json.dumps(_as_json(summary, str(config.results), warnings), indent=1))


def print_tables(summary: Summary, config: Config, registry: Registry, results: str) -> None:
    """Tables on stdout; what else there is to say, and what to run next, on stderr.

    results: the folder as the user wrote it.
    """
    from mtlbench.leaderboard.board import render_summary

    store = Store.of(config)
    with_record = [it for it in summary.results if it.status in ("done", "diverged")]
    records = [record for it in with_record if (record := store.load(it.cell)) is not None]
    if records:
        print(render_summary(records, registry), end="", flush=True)
    for line in _closing(summary, store, results):
        print(line, file=sys.stderr)


def _closing(summary: Summary, store: Store, results: str) -> Iterator[str]:
    found = sum(result.found for result in summary.results)
    without = sum(result.status in ("failed", "lost") for result in summary.results)
    parts = [f"{len(summary.results) - found - without} trained", f"{found} found in {results}"]
    parts += [f"{count} {status}" for status in get_args(Status)[1:] if (count := summary.count(status))]
    yield f"{len(summary.results)} cells in {summary.seconds:.0f} s: {', '.join(parts)}"
    yield from complaints(summary, store, "record")
    yield f"next: mtlbench leaderboard --results {results} --out board"


def complaints(summary: Summary, store: Store, kept: str) -> Iterator[str]:
    """A line for every cell that did not simply end well. kept: what the store keeps of a cell."""
    yield from _without_record(summary, store)
    for result in summary.results:
        if result.status not in ("done", "failed", "lost"):
            yield f"{result.status}: {told(result.cell)}: {result.error}"
        if result.disagreement is not None:
            yield f"{result.status}, but the audit disagrees: {told(result.cell)}: {result.disagreement}"
    for conflict in summary.conflicts:
        yield f"conflict: {conflict} differs from the {kept} of its cell; the same cell should give the same outcome"


def _without_record(summary: Summary, store: Store) -> Iterator[str]:
    """One line a cell; for bad data one for all cells of a suite: it is bad for every method and seed."""
    alike: dict[tuple[str, ...], list[CellResult]] = {}
    for result in summary.results:
        if result.status in ("failed", "lost"):
            bad = _data_was_bad(result, store)
            alike.setdefault((result.cell.suite, str(result.error)) if bad else (result.cell.key,), []).append(result)
    for results in alike.values():
        first = results[0]
        who = told(first.cell)
        if len(results) > 1:
            who = f"{len(results)} cells on {first.cell.suite}, {who} the first of them"
        yield f"{first.status}: {who}: {first.error} (details: {store.failure_path(first.cell.key)})"


def data_is_bad(summary: Summary, store: Store) -> bool:
    """Whether a cell failed because data or weights are missing, or are not what they should be."""
    return any(_data_was_bad(result, store) for result in summary.results)


def _data_was_bad(result: CellResult, store: Store) -> bool:
    return result.status == "failed" and _failure(store, result.cell.key).get("bad_data") is True


def _failure(store: Store, key: str) -> Mapping[str, Any]:
    try:
        found = json.loads(store.failure_path(key).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _as_json(summary: Summary, results: str, warnings: Sequence[str]) -> dict[str, Any]:
    return {
        "results": results,
        "seconds": round(summary.seconds, 3),
        "counts": {
            "cells": len(summary.results),
            "found": sum(result.found for result in summary.results),
            **{status: summary.count(status) for status in get_args(Status)},
            "audit_disagrees": sum(result.disagreement is not None for result in summary.results),
        },
        "cells": [
            {
                "key": result.cell.key,
                "method": result.cell.method,
                "variant": result.cell.variant,
                "suite": result.cell.suite,
                "seed": result.cell.seed,
                "status": result.status,
                "found": result.found,
                "average": result.average,
                "seconds": round(result.seconds, 3),
                "error": result.error,
                "audit_difference": result.disagreement,
            }
            for result in summary.results
        ],
        "warnings": list(warnings),
        "conflicts": summary.conflicts,
        "bad_records": summary.bad_records,
    }
