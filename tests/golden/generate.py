"""Writes the golden vectors beside it: ``python tests/golden/generate.py``.

Everything is computed here in float64 by plain loops over rows, without torch and without the package under test, so
that the vectors say what the papers' rules say and not what the package does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
FOLDER = Path(__file__).parent
_SIZES = {"plain": 1.0, "tiny": 1e-20, "huge": 1e20}


def samples() -> Iterator[tuple[str, str, Rows]]:
    """Name, dtype and (R, n) rows: six tasks, every awkward kind, in both precisions at three sizes."""
    rng = np.random.default_rng(20)
    base = rng.standard_normal((6, 8))
    zero = base.copy()
    zero[[1, 4]] = 0.0
    line = rng.standard_normal(8).astype(np.float32).astype(np.float64)  # times powers of two: parallel in float32 too
    kinds = {
        "random": base,
        "zero_rows": zero,
        "all_zero": np.zeros((6, 8)),
        "parallel": np.outer([1.0, 2.0, 0.5], line),
        "antiparallel": np.outer([1.0, -2.0], line),
        "three_on_a_line": np.outer([1.0, -0.5, 2.0], line),
        "one_row": base[:1],
    }
    for kind, rows in kinds.items():
        for size, factor in _SIZES.items():
            # A power of two near the size keeps parallel rows parallel.
            scaled = rows * 2.0 ** round(math.log2(factor))
            yield f"{kind}_{size}_float32", "float32", scaled.astype(np.float32).astype(np.float64)
            yield f"{kind}_{size}_float64", "float64", scaled


def dot(a: Rows, b: Rows) -> float:
    return math.fsum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def norm(a: Rows) -> float:
    return math.sqrt(dot(a, a))


def scale_of(rows: Rows) -> float:
    """The longest row, for tolerances that follow the size of the numbers."""
    return max((norm(row) for row in rows), default=0.0)


def orders_of(count: int, rng: np.random.Generator) -> list[list[int]]:
    return [[int(j) for j in rng.permutation(count) if j != i] for i in range(count)]


def combined(rows: Rows) -> Rows:
    return np.array([math.fsum(float(x) for x in column) for column in rows.T])


def mtl(rows: Rows, weights: Sequence[float]) -> dict[str, Any]:
    total = combined(np.array([w * row for w, row in zip(weights, rows, strict=True)]))
    return {"combined_sum": total.tolist(), "combined_mean": (total / len(rows)).tolist()}


def pcgrad(rows: Rows, orders: Sequence[Sequence[int]]) -> dict[str, Any]:
    edited = rows.copy()
    for i, order in enumerate(orders):
        for j in order:
            product, square = dot(edited[i], rows[j]), dot(rows[j], rows[j])
            if product < 0 and square > 0:
                edited[i] = edited[i] - product / square * rows[j]
    total = combined(edited)
    return {
        "projected": edited.tolist(),
        "combined_sum": total.tolist(),
        "combined_mean": (total / len(rows)).tolist(),
    }


def gradvac(
    rows: Rows, groups: Sequence[tuple[int, int]], orders: Sequence[Any], targets: Any, beta: float
) -> dict[str, Any]:
    """One step; updates targets[group][i][j]."""
    edited, visited = rows.copy(), []
    for place, (start, stop) in enumerate(groups):
        for i, order in enumerate(orders[place]):
            for j in order:
                h, g, mine = edited[i, start:stop], rows[j, start:stop], rows[i, start:stop]
                if norm(g) == 0 or norm(mine) == 0 or norm(h) <= 1e-6 * norm(mine):
                    visited.append([place, i, j, None])
                    continue
                c = max(-1.0, min(1.0, dot(h, g) / (norm(h) * norm(g))))
                e = targets[place][i][j]
                if c < e and 1 - e * e > 1e-12:
                    across, wanted = math.sqrt(1 - c * c), math.sqrt(1 - e * e)
                    edited[i, start:stop] = h + norm(h) * (e * across - c * wanted) / (norm(g) * wanted) * g
                targets[place][i][j] = (1 - beta) * e + beta * c
                visited.append([place, i, j, c])
    return {
        "edited": edited.tolist(),
        "combined_sum": combined(edited).tolist(),
        "ema": json.loads(json.dumps(targets)),
        "visited": visited,
    }


def gradnorm(
    rows: Rows, losses: Sequence[float], first: Sequence[float], weights: list[float], params: dict[str, Any]
) -> dict[str, Any]:
    """One step of all tasks; updates weights."""
    used, count = list(weights), len(rows)
    norms = [norm(row) for row in rows]
    ratios = [loss / start for loss, start in zip(losses, first, strict=True)]
    rates = [ratio / (math.fsum(ratios) / count) for ratio in ratios]
    lengths = [w * n for w, n in zip(used, norms, strict=True)]
    targets = [math.fsum(lengths) / count * rate ** params["alpha"] for rate in rates]
    slopes = [
        0.0 if abs(u - c) <= 1e-6 * c else math.copysign(n, u - c)
        for u, c, n in zip(lengths, targets, norms, strict=True)
    ]
    moved = [max(w - params["weight_lr"] * s, params["weight_min"]) for w, s in zip(used, slopes, strict=True)]
    weights[:] = [count * w / math.fsum(moved) for w in moved]
    return {
        "weights_used": used,
        "combined": mtl(rows, used)["combined_sum"],
        "norms": norms,
        "rates": rates,
        "targets": targets,
        "slopes": slopes,
        "weights_after": list(weights),
    }


def cosines(rows: Rows) -> dict[str, Any]:
    """Pairs i < j; a zero row has cosine 0 with all others."""
    pairs = []
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            lengths = norm(rows[i]) * norm(rows[j])
            pairs.append(max(-1.0, min(1.0, dot(rows[i], rows[j]) / lengths)) if lengths > 0 else 0.0)
    return {"pairs": pairs, "mean": math.fsum(pairs) / len(pairs) if pairs else None}


def case(name: str, dtype: str, rows: Rows, inputs: Any, expected: Any, params: Any = None) -> dict[str, Any]:
    rtol = 2e-6 if dtype == "float32" else 1e-9
    return {
        "name": name,
        "dtype": dtype,
        "rtol": rtol,
        "atol": max(rtol * scale_of(rows), 1e-300),
        **({"params": params} if params is not None else {}),
        "inputs": inputs,
        "expected": expected,
    }


def halves(name: str, dtype: str, rows: Rows, params: Any, steps: Any, expected: Any) -> list[dict[str, Any]]:
    """One case for what is as large as the rows and one for what is of size 1: one tolerance cannot serve both."""
    sized = {"edited", "combined_sum", "combined", "norms", "targets", "slopes"}
    parts = []
    for suffix, base, wanted in (("lengths", rows, sized), ("ratios", np.ones((1, 1)), set(expected[0]) - sized)):
        answers = [{key: value for key, value in step.items() if key in wanted} for step in expected]
        parts.append(case(f"{name}_{suffix}", dtype, base, {"steps": steps}, {"steps": answers}, params))
    return parts


def cases() -> dict[str, list[dict[str, Any]]]:
    """Cases by method."""
    found: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("mtl", "pcgrad", "gradvac", "gradnorm", "pairwise_cosine", "task_probabilities")
    }
    rng = np.random.default_rng(21)
    for name, dtype, rows in samples():
        count, given = len(rows), {"grads": rows.tolist()}
        weights = rng.uniform(0.5, 2.0, count).round(3).tolist()
        orders = orders_of(count, rng)
        found["mtl"].append(case(name, dtype, rows, {**given, "weights": weights}, mtl(rows, weights)))
        found["pcgrad"].append(case(name, dtype, rows, {**given, "orders": orders}, pcgrad(rows, orders)))
        found["pairwise_cosine"].append(case(name, dtype, np.ones((1, 1)), given, cosines(rows)))
        found["gradvac"].extend(_gradvac_cases(name, dtype, rows, [(0, 8)], rng))
        found["gradnorm"].extend(_gradnorm_cases(name, dtype, rows, 1.0, {"weight_lr": 0.025, "weight_min": 1e-4}))
    rows = np.random.default_rng(22).standard_normal((6, 8))
    found["gradvac"].extend(_gradvac_cases("unordered_groups_with_a_gap", "float64", rows, [(5, 8), (0, 3)], rng))
    for name, sign, params in (
        ("negative_losses", -1.0, {"weight_lr": 0.025, "weight_min": 1e-4}),
        ("still_weights", 1.0, {"weight_lr": 0.0, "weight_min": 1e-4}),
        ("no_floor", 1.0, {"weight_lr": 0.025, "weight_min": 0.0}),
    ):
        found["gradnorm"].extend(_gradnorm_cases(name, "float64", rows, sign, params))
    for name, sizes, q in (("ordinary", [5.0, 50.0, 500.0], 0.2), ("huge", [1e300, 3e300], 1.0)):
        powers = [(size / max(sizes)) ** q for size in sizes]
        expected = {"probs": [power / math.fsum(powers) for power in powers]}
        found["task_probabilities"].append(case(name, "float64", np.ones((1, 1)), {"sizes": sizes, "q": q}, expected))
    return found


def _gradvac_cases(
    name: str, dtype: str, rows: Rows, groups: list[tuple[int, int]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    count, beta = len(rows), 0.5
    targets = [[[0.0] * count for _ in range(count)] for _ in groups]
    steps, expected = [], []
    for grads in (rows, rows[::-1].copy()):
        orders = [orders_of(count, rng) for _ in groups]
        steps.append({"grads": grads.tolist(), "orders": orders})
        expected.append(gradvac(grads, groups, orders, targets, beta))
    params = {"num_tasks": count, "groups": groups, "beta": beta}
    return halves(name, dtype, rows, params, steps, expected)


def _gradnorm_cases(name: str, dtype: str, rows: Rows, sign: float, params: dict[str, Any]) -> list[dict[str, Any]]:
    count = len(rows)
    # The step size is for gradients of size 1: it follows the rows, so that the weights move alike at every size.
    size = scale_of(rows) or 1.0
    params = {**params, "alpha": 1.5, "weight_lr": params["weight_lr"] / size}
    weights, first = [1.0] * count, [sign * (2.0 + t) for t in range(count)]
    steps, expected = [], []
    for number in range(3):
        losses = [start * (1.0 - 0.05 * number * (t + 1)) for t, start in enumerate(first)]
        # What reaches the code under test has the case's precision.
        losses = np.array(losses, dtype=dtype).astype(np.float64).tolist()
        steps.append({"grads": rows.tolist(), "losses": losses})
        expected.append(gradnorm(rows, losses, first, weights, params))
    params = {"num_tasks": count, "norm_columns": None, **params}
    return halves(name, dtype, rows, params, steps, expected)


def write(folder: Path) -> None:
    """One file a method."""
    for method, found in cases().items():
        content = {"format": "mtlbench-golden/1", "method": method, "cases": found}
        (folder / f"{method}.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
