"""Made-up records with a known truth, of the size and form of real ones, to try boards and table formats on."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.run import Cell
from mtlbench.interface.settings import build, parse_spec, values_of
from mtlbench.study.keys import keyed
from mtlbench.study.records import cell_of, make_record
from mtlbench.study.store import Store

__all__ = ["made_up_record", "store_records"]

_MACHINE = {
    "fingerprint": "0123456789ab",
    "cpu": "Example CPU",
    "cores": 2,
    "memory_bytes": 2**34,
    "system": "Linux x86_64",
    "device": "cpu",
}


def made_up_record(
    variant: str = "mtl",
    scores: Mapping[str, float | None] | None = None,
    *,
    seed: int = 0,
    suite: str = "digits",
    budget: int = 1600,
    settings: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    protocol: Mapping[str, Any] | None = None,
    unseen: Mapping[str, float | None] | None = None,
    fingerprint: str = "f" * 64,
    metric: str = "accuracy",
    higher_is_better: bool | Mapping[str, bool] = True,
    status: str = "done",
    gradients: int | None = None,
    audit: str | None = None,
    seconds: float = 10.0,
    step_seconds: float = 0.005,
    peak_bytes: int = 300_000_000,
    machine: Mapping[str, Any] | None = None,
    noise: int = 0,
    evaluations: int = 4,
) -> dict[str, Any]:
    """A valid record whose test scores are ``scores`` (None: missing).

    What stands in the variant's brackets is asked for as well. The dev curve rises to the test scores, half way
    after a quarter of the budget. noise: another number gives other probes and losses, as another method would.
    audit: the difference that the audit found.
    """
    scores = {"a": 80.0, "b": 60.0} if scores is None else scores
    method, given = parse_spec(variant)
    shared = {name: given[name] for name in values_of(TrainingProtocol(), late=True) if name in given}
    own = {name: text for name, text in given.items() if name not in shared}
    rng = random.Random(f"{variant}/{seed}/{noise}")
    ways = {name: higher_is_better if isinstance(higher_is_better, bool) else higher_is_better[name] for name in scores}
    cell = keyed(
        Cell(
            method=method,
            settings={**own, **(settings or {})},
            suite=suite,
            options=dict(options or {}),
            protocol={**values_of(build(TrainingProtocol, {"budget": budget, **shared}, variant)), **(protocol or {})},
            seed=seed,
            fingerprint=fingerprint,
            variant=variant,
        )
    )
    spent = budget if gradients is None else gradients
    done = status == "done"
    shares = [index / evaluations for index in range(evaluations + 1)]
    curve = [_point(share, spent, scores, rng, last=share == 1.0) for share in shares]
    outcome = {
        "tasks": [
            {"name": n, "label": n, "metric": metric, "higher_is_better": ways[n], "size": 100, "probability": 0.5}
            for n in scores
        ],
        "scores": {n: _scored(v) for n, v in scores.items()} if done else {},
        "unseen": {n: {"test": _scored(v)["test"]} for n, v in (unseen or {}).items()} if done else {},
        "average": _mean(list(scores.values())) if done else None,
        "average_unseen": _mean(list((unseen or {}).values())) if done else None,
        "counts": {
            "gradients": spent,
            "forwards": spent,
            "backwards": spent,
            "extra_forwards": 0,
            "examples": spent * 16,
            "tokens": spent * 400,
            "optimizer_steps": spent // 8,
        },
        "audit": {"agrees": audit is None, "forwards": spent, "backwards": spent, "difference": audit},
        "scale": "sum",
        "models": 1,
        "parameters": {"shared": 600_000, "all": 633_000},
        "curve": curve,
        "probes": curve[-1]["probes"] if done else {},
        "divergence": None if done else {"gradients": spent, "reason": "a loss is nan"},
    }
    measured = {
        "seconds": {
            "gradients": seconds * 0.7,
            "combine": seconds * 0.1,
            "update": seconds * 0.15,
            "other": seconds * 0.05,
            "train": seconds,
        },
        "evaluation_seconds": seconds * 0.2,
        "total_seconds": seconds * 1.3,
        "step_seconds": step_seconds,
        "peak_bytes": peak_bytes,
        "machine": dict(_MACHINE if machine is None else machine),
        "versions": {"python": "3.11"},
        "finished": "2026-01-01T00:00:00Z",
        "extras": {},
    }
    about = {"distribution": "mtlbench", "version": "0", "source": hashlib.sha256(method.encode()).hexdigest()}
    return make_record(cell, outcome, measured, {"mtlbench": "0", "method": about, "suite": about})


def store_records(records: Sequence[Mapping[str, Any]], results: Path) -> Path:
    """Write records where they belong in a results folder, and return it."""
    store = Store(results)
    for record in records:
        store.write(cell_of(record), record)
    return results


def _point(
    share: float, spent: int, scores: Mapping[str, float | None], rng: random.Random, *, last: bool
) -> dict[str, Any]:
    climb = min(2 * share, 0.5 + (share - 0.25) * 2 / 3) if share else 0.0
    tasks = len(scores)
    gram = [[float(f"{rng.gauss(0, 1) + (i == j) * 10:.9g}") for j in range(tasks)] for i in range(tasks)]
    pairs = tasks * (tasks - 1) // 2
    cosine: dict[str, Any] = {"mean": rng.gauss(0.1, 0.02), "se": 0.01, "draws": 20 if last else 4, "gram": gram}
    if last:
        cosine |= {"quartiles": [0.0, 0.1, 0.2], "pairs": [rng.gauss(0.1, 0.1) for _ in range(pairs)]}
        cosine["values"] = sorted(round(rng.gauss(0.1, 0.1), 4) for _ in range(20 * pairs))
    return {
        "gradients": int(share * spent),
        "lr": 1e-3,
        "train_loss": 2.0 * math.exp(-3 * share) + rng.random() * 0.01,
        "dev": {name: None if value is None else value * climb for name, value in scores.items()},
        "probes": {
            "distance": {"l2": 20.0 * share + rng.random() * share},
            "mlm": {"seen": 3.4 + 5 * share + rng.random(), "unseen": 3.5 + 5 * share + rng.random()},
            **({"cosine": cosine} if tasks > 1 else {}),
        },
    }


def _scored(value: float | None) -> dict[str, Any]:
    return {split: {"value": value, "examples": 100, "extra": {}} for split in ("dev", "test")}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None
