"""Many records made of few real ones: other seeds and suites, and every measured number moved a little."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtlbench.study.keys import keyed
from mtlbench.study.records import cell_of, make_record

__all__ = ["many", "perturbed"]

_SPREAD = 0.02


def perturbed(record: Mapping[str, Any], suite: str, seed: int) -> dict[str, Any]:
    """A valid record of another cell."""
    rng = random.Random(f"{record['key']} {suite} {seed}")
    cell = keyed(dataclasses.replace(cell_of(record), suite=suite, seed=seed))
    outcome, measured = ({**record[block], **_moved(record[block], rng)} for block in ("outcome", "measured"))
    return make_record(cell, outcome, measured, record["provenance"])


def _moved(value: Any, rng: random.Random) -> Any:
    """Each object and each list of numbers by a factor of its own, so that what was sorted stays so."""
    factor = 1 + rng.gauss(0, _SPREAD)
    if isinstance(value, dict):
        return {
            name: _scaled(inner, factor) if isinstance(inner, float) else _moved(inner, rng)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_scaled(inner, factor) if isinstance(inner, float) else _moved(inner, rng) for inner in value]
    return value


def _scaled(number: float, factor: float) -> float:
    """In as many digits as it had."""
    digits = len(repr(number).partition("e")[0].replace(".", "").lstrip("-0"))
    return float(f"{number * factor:.{max(digits, 1)}g}")


def many(records: Sequence[Mapping[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """``count`` records: every one again and again, as further seeds of its row."""
    apart = 1 + max(record["cell"]["seed"] for record in records)
    for made in range(count):
        again, place = divmod(made, len(records))
        cell = records[place]["cell"]
        yield perturbed(records[place], cell["suite"], cell["seed"] + again * apart)
