"""The bench that golden replays work at: the real engine, on scripted data."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mtlbench.engine.oracle import Oracle
from mtlbench.interface.errors import BadSetting
from mtlbench.interface.golden import GoldenCase, TrainedPath
from mtlbench.interface.oracle import Batch, TaskInfo
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import build
from mtlbench.interface.suite import Suite
from mtlbench.interface.suite_values import Task

if TYPE_CHECKING:
    from mtlbench.engine.branches import OpenBranch
    from mtlbench.interface.method import Method

__all__ = ["Bench"]

_AMPLE = 10**9
"""A budget that no scripted path spends."""

Loss = Callable[[Tensor, int], Tensor]


class Bench:
    """Implements ``GoldenBench``. methods: a method's class by its hyphenated name; may raise UnknownName."""

    def __init__(self, methods: Callable[[str], type[Method]]) -> None:
        self._methods = methods

    def tensor(self, values: Any, case: GoldenCase) -> Tensor:
        return torch.tensor(values, dtype=getattr(torch, case.dtype))

    def method(
        self, name: str, settings: Mapping[str, Any], *, orders: Sequence[Sequence[Sequence[int]]] | None = None
    ) -> Method:
        """As the interface says. orders: put in place of the method's own ``orders(groups, rows)``."""
        method: Method = build(self._methods(name), settings, f"method {name}")
        if orders is not None:
            if not hasattr(method, "orders"):
                raise BadSetting(f"method {name} draws no visiting orders, so none can be given")
            script = iter(orders)
            method.orders = lambda groups, rows: [_checked(next(script, None), rows)] * groups
        return method

    def train(
        self,
        method: Method,
        losses: Mapping[str, Loss],
        start: Sequence[float],
        *,
        steps: int,
        optimizer: Mapping[str, Any],
        picks: Sequence[Sequence[str]] | None = None,
        batches: Mapping[str, Sequence[int]] | None = None,
        budget: int | None = None,
    ) -> TrainedPath:
        suite = _Scripted(losses)
        tasks = [TaskInfo(task.name, task.size, 1.0 / len(losses)) for task in suite.tasks()]
        oracle = _RecordingOracle(
            suite=suite,
            model=_Point(start),
            method=method,
            tasks=tasks,
            sampler=_Script([task.name for task in tasks], picks, batches or {}),
            protocol=_protocol(optimizer, len(tasks), budget or _AMPLE),
            budget=budget or _AMPLE,
            generator=torch.Generator().manual_seed(0),
        )
        phi, ends = [], []
        try:
            for _ in range(steps):
                if not oracle.affordable:
                    break
                oracle.ends = []
                method.step(oracle)
                phi.append(oracle.parameters.values.tolist())
                ends.append(oracle.ends)
        finally:
            oracle.audit.close()
        return TrainedPath(phi, ends, oracle.meter.gradients)


def _checked(orders: Sequence[Sequence[int]] | None, rows: int) -> Sequence[Sequence[int]]:
    """One step's visiting orders, if every row has one that names other rows."""
    if orders is None:
        raise BadSetting("the script of orders has come to its end before the training")
    if len(orders) != rows:
        raise BadSetting(f"orders must have one list for each of the {rows} rows, found {len(orders)}")
    for row, order in enumerate(orders):
        for other in order:
            if other not in range(rows) or other == row:
                raise BadSetting(f"orders[{row}] may name the other rows, 0 to {rows - 1}, found {other!r}")
    return orders


class _Point(nn.Module):
    """A model that is a bare vector."""

    def __init__(self, start: Sequence[float]) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self) -> Tensor:
        return self.x.clone()  # the audit hooks what the encoder gives back, never a leaf


class _Scripted(Suite):
    """Tasks whose batches are numbers and whose losses are functions of the vector and the number."""

    name = "scripted"

    def __init__(self, losses: Mapping[str, Loss]) -> None:
        self._losses = losses

    def tasks(self) -> list[Task]:
        return [Task(name, 1) for name in self._losses]

    def loss(self, model: nn.Module, batch: int, task: str) -> Tensor:
        return self._losses[task](model(), batch)


class _Script:
    """A sampler that answers from a script."""

    def __init__(
        self, tasks: Sequence[str], picks: Sequence[Sequence[str]] | None, batches: Mapping[str, Sequence[int]]
    ) -> None:
        self._tasks = list(tasks)
        self._picks = None if picks is None else iter(picks)
        self._batches = {task: iter(numbers) for task, numbers in batches.items()}

    def pick(self, n: int, distinct: bool) -> list[int]:
        if self._picks is None:
            return list(range(len(self._tasks)))
        answer = next(self._picks, None)
        if answer is None:
            raise BadSetting("the script of picks has come to its end before the training")
        return [self._tasks.index(name) for name in answer]

    def batch(self, task: int) -> Batch:
        name = self._tasks[task]
        number = next(self._batches[name], None) if name in self._batches else 0
        if number is None:
            raise BadSetting(f"the script of batches for {name} has come to its end before the training")
        return Batch(name, task, 1, number)

    def state_dict(self) -> dict[str, Any]:
        return {"picks": copy.copy(self._picks), "batches": copy.copy(self._batches)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._picks, self._batches = state["picks"], state["batches"]


class _RecordingOracle(Oracle):
    """The engine's oracle, which also remembers where branches ended."""

    ends: list[list[float]]
    """theta at the end of every branch since the list was last renewed."""

    @contextmanager
    def branch(self, slot: str | None = None, *, fresh: bool = False) -> Iterator[OpenBranch]:
        with super().branch(slot, fresh=fresh) as branch:
            yield branch
            self.ends.append(self.parameters.values.tolist())


def _protocol(optimizer: Mapping[str, Any], rows: int, budget: int) -> TrainingProtocol:
    known = {"name", "lr", "betas", "eps", "weight_decay"}
    if unknown := sorted(set(optimizer) - known):
        raise BadSetting(f"a scripted optimizer takes {', '.join(sorted(known))}, found {', '.join(unknown)}")
    values: dict[str, Any] = {"optimizer": optimizer["name"], "lr": optimizer["lr"]}
    values |= {key: optimizer[key] for key in ("eps", "weight_decay") if key in optimizer}
    if "betas" in optimizer:
        values["beta1"], values["beta2"] = optimizer["betas"]
    return build(TrainingProtocol, {**values, "rows": rows, "budget": budget}, "scripted training")  # type: ignore[no-any-return]
