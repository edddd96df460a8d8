"""Counterfactual replay: the weights that a method would have chosen along another method's path.

The path is a record's Gram tape, so neither model nor data is needed. Once a point the method takes its one step; its
state therefore sees as many steps as the tape has points, from a fresh start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from mtlbench.engine.streams import Streams
from mtlbench.interface.errors import BadSetting
from mtlbench.interface.gradients import Direction, TaskGradients
from mtlbench.interface.gram_only import NeedsMoreThanGram, WeightedDirection
from mtlbench.interface.method import Method
from mtlbench.interface.oracle import Batch, TaskInfo
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import build
from mtlbench.study.tape import TapePoint, tape_of

__all__ = ["Choice", "replay"]


@dataclass(frozen=True)
class Choice:
    """What a method chose at one point of the tape; the sum is of the plain task gradients, MTL's direction."""

    point: TapePoint
    weights: tuple[float, ...]
    """One per task."""
    cosine: float | None
    """Between the direction and the sum; None where one of them is zero."""
    length: float | None
    """The direction's length over the sum's; None where the sum is zero."""
    opposed: float
    """Share of tasks whose gradient has a negative inner product with the direction."""


def replay(method: Method, record: Mapping[str, Any], *, equal_losses: bool = False) -> list[Choice]:
    """The choices of a method that has not been started, at every point of the record's tape.

    equal_losses: answer a method that asks for losses with ones; the tape has none. Raises BadSetting where the
    method needs more than inner products, and where the record has no tape.
    """
    tape = tape_of(record)
    if not tape:
        raise BadSetting(
            f"record {record['key'][:12]} ({record['variant']}) has no Gram matrices along its curve: "
            "they are of models that several tasks share"
        )
    tasks = [
        TaskInfo(task["name"], task["size"], task.get("probability") or 0.0) for task in record["outcome"]["tasks"]
    ]
    try:
        _check(method, tasks)
        return list(_choices(method, tape, _TapeOracle(record, tasks, equal_losses)))
    except NeedsMoreThanGram as needed:
        hint = "; --equal-losses takes them as equal" if "losses" in str(needed) else ""
        raise BadSetting(f"{method.name} cannot be replayed from Gram matrices: it needs {needed}{hint}") from None


def _check(method: Method, tasks: Sequence[TaskInfo]) -> None:
    if len(method.groups([task.name for task in tasks])) > 1:
        raise NeedsMoreThanGram("a model for each group of tasks")
    if type(method).objective is not Method.objective:
        raise NeedsMoreThanGram("the gradients of another loss than the tasks'")


def _choices(method: Method, tape: Sequence[TapePoint], oracle: _TapeOracle) -> Iterator[Choice]:
    method.start(oracle)
    for point in tape:
        oracle.gram = torch.tensor(point.gram, dtype=torch.float64)  # (T, T)
        oracle.chosen = []
        method.step(oracle)
        if len(oracle.chosen) != 1:
            raise NeedsMoreThanGram(f"{len(oracle.chosen)} updates a step, and a point of the tape is one")
        yield _choice(point, oracle.gram, oracle.chosen[0])


def _choice(point: TapePoint, gram: Tensor, weights: Tensor) -> Choice:
    onto = gram @ weights  # (T,) inner products of the tasks' gradients with the direction
    length = float(weights @ onto) ** 0.5 if weights @ onto > 0 else 0.0
    plain = float(gram.sum()) ** 0.5 if gram.sum() > 0 else 0.0
    both = length > 0 and plain > 0
    return Choice(
        point,
        tuple(weights.tolist()),
        min(1.0, max(-1.0, float(onto.sum()) / length / plain)) if both else None,
        length / plain if plain > 0 else None,
        float((onto < 0).double().mean()),
    )


class _TapeOracle:
    """As much of a ``GradientOracle`` as a Gram matrix can answer; a step draws one batch of every task."""

    gram: Tensor
    chosen: list[Tensor]

    def __init__(self, record: Mapping[str, Any], tasks: Sequence[TaskInfo], equal_losses: bool) -> None:
        cell = record["cell"]
        self.tasks = tasks
        self.generator = Streams(cell["suite"], cell["seed"]).generator("replay")
        self._protocol = cell["protocol"]
        self._losses = torch.ones(len(tasks), dtype=torch.float64) if equal_losses else None

    @property
    def protocol(self) -> TrainingProtocol:
        return build(TrainingProtocol, self._protocol, "the record's protocol")  # type: ignore[no-any-return]

    def draw(self, n: int | None = None, *, task: str | None = None) -> list[Batch]:
        if n is not None or task is not None:
            raise NeedsMoreThanGram("batches of its own choice")
        return [Batch(task.name, index, 0, None) for index, task in enumerate(self.tasks)]

    def gradients(self, batches: Sequence[Batch]) -> TaskGradients:
        self._check_all(batches)
        return TaskGradients.from_gram(self.gram, tasks=[task.name for task in self.tasks], losses=self._losses)

    def descend(self, batches: Sequence[Batch], weights: Sequence[float] | None = None) -> None:
        self._check_all(batches)
        given = torch.ones(len(batches)) if weights is None else torch.as_tensor(weights)
        self.chosen.append(given.detach().double())

    def apply(self, direction: Direction) -> None:
        if not isinstance(direction, WeightedDirection) or direction.shared is not direction.made:
            raise NeedsMoreThanGram("to edit a direction after its weighted sum")
        self.chosen.append(direction.weights)

    def losses(self, batches: Sequence[Batch]) -> Tensor:
        self._check_all(batches)
        if self._losses is None:
            raise NeedsMoreThanGram("the tasks' losses")
        return self._losses

    def _check_all(self, batches: Sequence[Batch]) -> None:
        if [batch.task_id for batch in batches] != list(range(len(self.tasks))):
            raise NeedsMoreThanGram("batches of its own choice")

    def __getattr__(self, name: str) -> NoReturn:
        what = {
            "branch": "to train on in a copy of the model",
            "take": "to train on in a copy of the model",
            "move": "to move the model without an optimizer",
            "params": "the parameters",
            "segments": "the parameters",
        }
        raise NeedsMoreThanGram(what.get(name, f"the oracle's {name}"))
