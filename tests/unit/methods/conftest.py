"""Gradients of every awkward kind, and the bench with the real engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import Tensor

from mtlbench.interface import Method, TaskGradients
from mtlbench.testing.bench import Bench

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

KINDS = ("random", "mixed scales", "parallel", "nearly parallel", "low rank", "zero row", "denormal", "tiny", "huge")


@pytest.fixture
def bench() -> Bench:
    """A bench whose methods are given as instances, never by name."""

    def nobody(name: str) -> type[Method]:
        raise AssertionError(f"{name} was asked for by name")

    return Bench(nobody)


def make_rows(kind: str, tasks: int, columns: int, seed: int) -> np.ndarray:
    """(tasks, columns) float32 numbers, as float64."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((tasks, columns))
    if kind == "mixed scales":
        rows *= 10.0 ** rng.uniform(-18, 18, (tasks, 1))
    if kind == "parallel":
        rows = np.outer(rng.choice([-1.0, 1.0], tasks) * 2.0 ** rng.integers(-9, 9, tasks), rows[0])
    if kind == "nearly parallel":
        rows = np.outer(rng.choice([-1.0, 1.0], tasks), rows[0]) + 1e-2 * rows
    if kind == "low rank":
        rows = rows[:, :3] @ rng.standard_normal((3, columns))
    if kind == "zero row":
        rows[rng.integers(tasks)] = 0.0
    if kind == "denormal":
        rows = rng.integers(-9, 10, (tasks, columns)) * 1.401298464324817e-45
    if kind == "tiny":
        rows *= 1e-20
    if kind == "huge":
        rows *= 1e20
    return rows.astype(np.float32).astype(np.float64)


@pytest.fixture(params=KINDS)
def rows_of(request: pytest.FixtureRequest) -> Callable[[int, int, int], np.ndarray]:
    """Rows of one kind, by tasks, columns and seed."""
    return lambda tasks, columns, seed: make_rows(request.param, tasks, columns, seed)


@pytest.fixture
def as_gradients() -> Callable[..., TaskGradients]:
    """Rows as TaskGradients, float32 unless said."""

    def make(rows: object, dtype: torch.dtype = torch.float32, **rest: object) -> TaskGradients:
        matrix = rows if isinstance(rows, Tensor) else torch.tensor(np.asarray(rows), dtype=dtype)
        return TaskGradients.from_matrix(matrix, **rest)  # type: ignore[arg-type]

    return make


@pytest.fixture
def random_orders() -> Callable[[int, int], list[list[int]]]:
    """A random visiting order per row, by tasks and seed."""

    def make(tasks: int, seed: int) -> list[list[int]]:
        rng = np.random.default_rng(seed)
        return [[int(j) for j in rng.permutation(tasks) if j != i] for i in range(tasks)]

    return make
