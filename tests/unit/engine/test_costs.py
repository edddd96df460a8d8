"""What a step may cost, in things that can be counted: backward passes of layers, and bytes beyond the rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mtlbench import GradientLayout, Method, TaskGradients
from mtlbench.engine.accounts import PeakMemory
from mtlbench.plugins import load_registry

JOINT = ("mtl", "pcgrad", "gradvac", "gradnorm", "recadam")
MIB = 1 << 20


class _Operations(TorchDispatchMode):
    """Counts torch's operations, those of backward passes too."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def _method(name: str, **settings: Any) -> Method:
    return load_registry().method(name).cls(**settings)


@pytest.mark.parametrize("rows", [2, 4])
@pytest.mark.parametrize("name", JOINT)
def test_a_joint_step_goes_back_through_each_layer_once_a_task(oracle_of: Any, name: str, rows: int) -> None:
    method = _method(name)
    oracle = oracle_of(method, training=True, rows=rows)
    method.step(oracle)
    with _Operations() as operations:
        method.step(oracle)
    backwards = [count for name, count in operations.counts.items() if "batch_norm_backward" in name]
    assert backwards == [rows]  # rows ** 2 where the losses of all tasks are differentiated for each
    assert operations.counts["tanh_backward"] == rows
    assert operations.counts["tanh"] == rows


@dataclass
class _Started:
    """What the methods ask of an oracle before their first step, for rows that no model made."""

    count: int

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.tasks = [object()] * self.count


@pytest.mark.parametrize(
    ("name", "settings"),
    [("pcgrad", {}), ("gradvac", {"groups_by": "whole"}), ("gradvac", {"groups_by": "matrix"})],
    ids=["pcgrad", "gradvac", "gradvac-per-matrix"],
)
def test_surgery_holds_the_rows_once_and_the_direction(name: str, settings: dict[str, Any]) -> None:
    tasks, columns = 8, 1 << 22
    rows = torch.randn(tasks, columns, generator=torch.Generator().manual_seed(0))  # 128 MiB
    method = _method(name, **settings)
    method.start(_Started(tasks))  # type: ignore[arg-type]
    layout = GradientLayout(("embedding", "linear.weight", "linear.bias"), (columns // 2, columns // 2 - 64, 64))

    def combine() -> None:
        names = [f"task-{row}" for row in range(tasks)]
        losses = torch.ones(tasks, dtype=torch.float64)
        method.combine(TaskGradients(rows, tasks=names, task_ids=range(tasks), losses=losses, layout=layout))

    combine()
    peak = PeakMemory()
    combine()
    taken = peak.read()
    if taken is None:
        pytest.skip("this system tells no peak of memory")
    assert taken <= rows[0].nbytes + 16 * MIB
