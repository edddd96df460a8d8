"""Gram matrices and weighted sums: the fast float32 path against plain float64."""

from __future__ import annotations

import pytest
import torch

from mtlbench import GradientLayout, TaskGradients

LONG = (1 << 16) + 4096 + 17


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("columns", [1, 7, 4096, 1 << 16, LONG, 300_001])
@pytest.mark.parametrize("rows", [1, 2, 8, 12])
def test_gram_matrices_of_float32_rows_are_exact_to_a_millionth(
    generator: torch.Generator, rows: int, columns: int
) -> None:
    matrix = torch.randn(rows, columns, generator=generator)
    assert _apart(matrix) < (1e-6 if columns >= 1 << 16 else 1e-14)


@pytest.mark.parametrize("rows", [2, 8, 12])
def test_gram_matrices_are_exact_to_a_millionth_where_few_columns_outweigh_the_rest(
    generator: torch.Generator, rows: int
) -> None:
    matrix = torch.randn(rows, LONG, generator=generator)
    matrix[:, 4096:8192] *= 1000
    assert _apart(matrix) < 1e-6


def _apart(matrix: torch.Tensor) -> float:
    """How far a Gram matrix is off, as a share of the mean squared norm."""
    gram = TaskGradients.from_matrix(matrix).gram()
    exact = matrix.double() @ matrix.double().T
    assert gram.dtype == torch.float64
    return float((gram - exact).abs().max() / exact.diagonal().mean())


@pytest.mark.parametrize(
    "scales", [(1e-20, 1e-20), (1e20, 1e20), (1e-20, 1.0), (1e20, 1e-20), (0.0, 1.0), (1e-42, 1.0)]
)
def test_float32_rows_of_any_size_neither_underflow_nor_overflow(
    generator: torch.Generator, scales: tuple[float, float]
) -> None:
    matrix = torch.randn(2, LONG, generator=generator) * torch.tensor(scales)[:, None]
    gram = TaskGradients.from_matrix(matrix).gram()
    exact = matrix.double() @ matrix.double().T
    torch.testing.assert_close(gram, exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("columns", [5, LONG])
def test_float64_rows_stay_float64(generator: torch.Generator, columns: int) -> None:
    matrix = torch.randn(3, columns, generator=generator, dtype=torch.float64)
    grads = TaskGradients.from_matrix(matrix)
    torch.testing.assert_close(grads.gram(), matrix @ matrix.T, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(grads.weighted([1.0, -2.0, 0.5]).shared, matrix[0] - 2 * matrix[1] + matrix[2] / 2)


@pytest.mark.parametrize("columns", [5, LONG])
def test_weighted_sums_are_exact_to_float32(generator: torch.Generator, columns: int) -> None:
    matrix = torch.randn(4, columns, generator=generator)
    weights = torch.tensor([0.3, -1.7, 2.0, 1e-3], dtype=torch.float64)
    shared = TaskGradients.from_matrix(matrix).weighted(weights).shared
    assert shared.dtype == torch.float32
    scale = (weights.abs()[:, None] * matrix.double().abs()).sum(0)
    assert float(((shared.double() - weights @ matrix.double()).abs() / scale).max()) < 5e-7


def test_blocks_follow_names_and_cover_all_columns(generator: torch.Generator) -> None:
    layout = GradientLayout(("a.weight", "a.bias", "b.c.weight", "d"), (6, 2, LONG, 3))
    assert [(b.name, b.start, b.stop) for b in layout.blocks("layer")] == [
        ("a", 0, 8),
        ("b.c", 8, 8 + LONG),
        ("", 8 + LONG, 11 + LONG),
    ]
    assert [b.name for b in layout.blocks("matrix")] == list(layout.names)
    matrix = torch.randn(3, layout.columns, generator=generator)
    grads = TaskGradients.from_matrix(matrix, blocks=dict(zip(layout.names, layout.sizes, strict=True)))
    torch.testing.assert_close(grads.grams("layer").sum(0), grads.gram(), rtol=1e-6, atol=1e-6)


def test_a_second_direction_does_not_write_over_the_first(generator: torch.Generator) -> None:
    matrix = torch.randn(2, 9, generator=generator)
    grads = TaskGradients(
        matrix,
        tasks=["a", "b"],
        task_ids=[0, 1],
        losses=torch.ones(2),
        layout=GradientLayout(("p",), (9,)),
        result=torch.empty(9),
    )
    first = grads.weighted([1, 0])
    grads.weighted([0, 1])
    torch.testing.assert_close(first.shared, matrix[0])


def test_rows_outside_the_shared_parameters_get_their_plain_sum() -> None:
    own = [{"head": torch.tensor([1.0])}, {"head": torch.tensor([2.0]), "other": torch.tensor([3.0])}]
    grads = TaskGradients(
        torch.ones(2, 3),
        tasks=["a", "b"],
        task_ids=[0, 1],
        losses=torch.ones(2),
        layout=GradientLayout(("p",), (3,)),
        own=own,
    )
    assert {name: part.tolist() for name, part in grads.weighted([5, 5]).own.items()} == {"head": [3.0], "other": [3.0]}
    assert grads.weighted([5, 5], own=[1, 10]).own["head"].tolist() == [21.0]


@pytest.mark.parametrize("columns", [40, 200_000])
def test_conflicting_rows_of_very_different_size_give_a_finite_direction(
    generator: torch.Generator, columns: int
) -> None:
    small = torch.randn(columns, generator=generator) * 1e-20
    matrix = torch.stack([small, -small * 1e38 * 1e2])
    gram = TaskGradients.from_matrix(matrix).gram()
    grads = TaskGradients.from_matrix(matrix)
    direction = grads.weighted([1.0 - float(gram[1, 0] / gram[0, 0]), 1.0]).shared  # row 1 without row 0
    assert bool(torch.isfinite(direction).all())


@pytest.mark.parametrize("factor", [-1 / 3, -0.7, 1.0, 2.5])
def test_what_is_left_of_a_parallel_row_is_nothing_even_in_long_rows(generator: torch.Generator, factor: float) -> None:
    row = torch.randn(500_000, generator=generator)
    gram = TaskGradients.from_matrix(torch.stack([row, factor * row])).gram()
    left = gram[1, 1] - gram[0, 1] ** 2 / gram[0, 0]
    assert abs(float(left / gram[1, 1])) < 1e-12
