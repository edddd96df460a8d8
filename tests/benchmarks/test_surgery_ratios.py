"""Surgery alone: what PCGrad and GradVac make of rows that are there already, beside reading those rows twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from paired_timing import Ratio, paired

from mtlbench import GradientLayout, TaskGradients
from mtlbench.plugins import load_registry

pytestmark = pytest.mark.benchmark_suite

COLUMNS = 10_000_000


class _Started:
    """What a gradient method asks of an oracle before its first step."""

    def __init__(self, names: tuple[str, ...], layout: GradientLayout) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.tasks = [type("Task", (), {"name": name}) for name in names]
        self.layout = layout
        self.params: list[Any] = []


def _rows(count: int) -> torch.Tensor:
    return torch.randn(count, COLUMNS, generator=torch.Generator().manual_seed(0))


def _surgeon(name: str, rows: torch.Tensor, layout: GradientLayout, **settings: Any) -> Any:
    method = load_registry().method(name).cls(**settings)
    names = tuple(f"task-{row}" for row in range(len(rows)))
    method.start(_Started(names, layout))
    buffer = torch.empty(rows.shape[1])

    def surgery() -> Any:
        grads = TaskGradients(
            rows,
            tasks=names,
            task_ids=range(len(rows)),
            losses=torch.ones(len(rows), dtype=torch.float64),
            layout=layout,
            result=buffer,
        )
        return method.combine(grads)

    return surgery


@pytest.mark.parametrize(("tasks", "goal"), [(8, 2.2), (12, 2.7)])
@pytest.mark.parametrize("name", ["pcgrad", "gradvac"])
def test_surgery_beside_two_reads(board: Any, name: str, tasks: int, goal: float) -> None:
    rows, layout = _rows(tasks), GradientLayout(("all",), (COLUMNS,))
    settings = {"groups_by": "whole"} if name == "gradvac" else {}
    found = paired(_surgeon(name, rows, layout, **settings), lambda: (rows.sum(), rows.sum()), rounds=11)
    board.add(f"{name} surgery / two reads, T = {tasks}, d = 1e7", found, goal)


def test_surgery_per_matrix_beside_two_reads(board: Any) -> None:
    sizes = [100_000] * 80 + [1_000_000] * 2  # a hundred matrices or so, as encoders have them
    rows, layout = _rows(8), GradientLayout(tuple(f"layer{n}.weight" for n in range(len(sizes))), tuple(sizes))
    surgery = _surgeon("gradvac", rows, layout, groups_by="matrix")
    found = paired(surgery, lambda: (rows.sum(), rows.sum()), rounds=11)
    board.add("gradvac surgery per matrix / two reads, T = 8", found, 2.3)


def test_error_of_gram_matrices(board: Any) -> None:
    rows = _rows(8)
    exact = rows.double() @ rows.double().T
    error = float((TaskGradients.from_matrix(rows).gram() - exact).abs().max() / exact.diagonal().mean())
    board.add("error of a Gram matrix / mean squared norm, d = 1e7", Ratio(error, error, error, 1), 1e-6)


def test_beside_torchjd(board: Any) -> None:
    """On rows that lie in memory; that both go the same way is checked where the order of visits does not matter."""
    torchjd = pytest.importorskip("torchjd.aggregation", reason="pip install torchjd")
    rows, layout = _rows(8), GradientLayout(("all",), (COLUMNS,))
    ours, theirs = _surgeon("pcgrad", rows, layout), torchjd.PCGrad()
    two = torch.tensor([[1.0, 2.0, 0.5], [-1.0, 0.25, 0.0]])  # two rows: each visits the other, in no other order
    mine = _surgeon("pcgrad", two, GradientLayout(("all",), (3,)))().shared
    torch.testing.assert_close(mine, theirs(two), rtol=1e-5, atol=1e-6)
    board.add("pcgrad surgery / TorchJD's, T = 8, d = 1e7", paired(ours, lambda: theirs(rows), rounds=7), 0.5)
