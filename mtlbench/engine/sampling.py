"""Which task comes next, and which of its examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from mtlbench.engine.micro_batches import cut_batch
from mtlbench.engine.streams import Streams

if TYPE_CHECKING:
    from mtlbench.interface.oracle import Batch
    from mtlbench.interface.suite import Suite

__all__ = ["BatchStream", "DrawStream", "Sampler", "TaskDraws", "task_probabilities"]


def task_probabilities(sizes: Sequence[float], q: float) -> list[float]:
    """p_t = N_t^q / sum_s N_s^q.

    sizes: N_t > 0 per task. q: 0 draws all tasks alike, 1 in proportion to their sizes; the paper's value is 1/5.
    """
    try:
        powers = [float(size) ** q for size in sizes]
    except OverflowError:
        powers = [math.inf]
    total = sum(powers)
    if not 0.0 < total < math.inf:  # beyond a float's range: only the ratios of sizes matter
        largest = max(sizes)
        powers = [(size / largest) ** q for size in sizes]
        total = sum(powers)
    return [power / total for power in powers]


class Sampler(Protocol):
    """Answers ``pick`` and hands out batches; what the oracle draws from."""

    def pick(self, n: int, distinct: bool) -> list[int]:
        """Indices of n tasks."""

    def batch(self, task: int) -> Batch:
        """The next batch of a task."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class TaskDraws:
    """Draws of tasks by p_t, from one stream."""

    def __init__(self, probabilities: Sequence[float], generator: torch.Generator) -> None:
        self._probabilities = torch.tensor(probabilities, dtype=torch.float64)
        self._generator = generator

    def pick(self, n: int, distinct: bool) -> list[int]:
        """n task indices; distinct ones are drawn one after the other without replacement, and all tasks at most."""
        count = len(self._probabilities)
        if distinct and n >= count:
            return list(range(count))
        drawn = torch.multinomial(self._probabilities, n, replacement=not distinct, generator=self._generator)
        return [int(index) for index in drawn]

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._generator.set_state(state["generator"])


class DrawStream:
    """One task's endless stream of example indices: shuffled pass after shuffled pass.

    Pass e is a permutation seeded by (stream, task, e), so a position says all there is to know. A batch may run
    over the end of a pass into the next one; a task smaller than a batch gives batches of its own size.
    """

    def __init__(self, size: int, batch_size: int, streams: Streams, name: str) -> None:
        self._size = size
        self._batch_size = min(size, batch_size)
        self._streams = streams
        self._name = name
        self._passes: dict[int, list[int]] = {}
        self.position = 0

    def next(self) -> list[int]:
        """The next batch's example indices."""
        taken: list[int] = []
        while len(taken) < self._batch_size:
            number, offset = divmod(self.position, self._size)
            part = self._pass(number)[offset : offset + self._batch_size - len(taken)]
            taken += part
            self.position += len(part)
        return taken

    def _pass(self, number: int) -> list[int]:
        if number not in self._passes:
            generator = self._streams.generator("data", self._name, number)
            self._passes = {number: torch.randperm(self._size, generator=generator).tolist()}
        return self._passes[number]


class BatchStream:
    """A suite's tasks as a ``Sampler``: task draws by p_t, batches from each task's own stream.

    accumulate: parts of a batch, whose examples are the same however many these are.
    """

    def __init__(
        self,
        suite: Suite,
        tasks: Sequence[str],
        probabilities: Sequence[float],
        batch_size: int,
        streams: Streams,
        accumulate: int = 1,
    ) -> None:
        self._suite = suite
        self._accumulate = accumulate
        self._tasks = list(tasks)
        self._draws = TaskDraws(probabilities, streams.generator("tasks"))
        sizes = {task.name: task.size for task in suite.tasks()}
        self._streams = [DrawStream(sizes[name], batch_size, streams, name) for name in self._tasks]

    def pick(self, n: int, distinct: bool) -> list[int]:
        return self._draws.pick(n, distinct)

    def batch(self, task: int) -> Batch:
        indices = self._streams[task].next()
        return cut_batch(self._suite, self._tasks[task], task, "train", indices, self._accumulate)

    def state_dict(self) -> dict[str, Any]:
        return {"draws": self._draws.state_dict(), "positions": [stream.position for stream in self._streams]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._draws.load_state_dict(state["draws"])
        for stream, position in zip(self._streams, state["positions"], strict=True):
            stream.position = position
