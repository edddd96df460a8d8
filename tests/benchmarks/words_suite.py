"""The shapes that steps are timed on: a BERT-like encoder of plain torch modules under one linear head a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench import Method, Score, Suite, SuiteContext, Task, TrainingProtocol
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.sampling import BatchStream
from mtlbench.engine.streams import Streams
from mtlbench.interface.oracle import TaskInfo

__all__ = ["Shape", "Words", "bare_step", "oracle_of", "shape_of", "stepper"]


@dataclass(frozen=True)
class Shape:
    """Layers, width and rows of the embedding table; examples and tokens in a batch."""

    layers: int
    hidden: int
    vocabulary: int = 30_522
    batch: int = 12
    length: int = 64


_SHAPES = {
    "tiny128": Shape(2, 128),
    "mini": Shape(6, 384),
    "wide-vocabulary": Shape(2, 128, vocabulary=120_000),
}


def shape_of(name: str) -> Shape:
    """``tiny128``, ``mini`` or ``wide-vocabulary``."""
    return _SHAPES[name]


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.heads = max(1, width // 64)

    def forward(self, states: Tensor) -> Tensor:
        q, k, v = (
            map_(states).unflatten(2, (self.heads, -1)).transpose(1, 2) for map_ in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        states = self.norms[0](states + self.out(seen))
        normed: Tensor = self.norms[1](states + self.down(functional.gelu(self.up(states))))
        return normed


class _Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.vocabulary, shape.hidden)
        self.places = nn.Embedding(shape.length, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden)
        self.layers = nn.ModuleList(_Layer(shape.hidden) for _ in range(shape.layers))

    def forward(self, ids: Tensor) -> Tensor:
        states = self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])[None]))
        for layer in self.layers:
            states = layer(states)
        return states[:, 0]


@dataclass
class Words(Suite):
    """Tasks over random tokens whose ranks follow Zipf's law; every task has its own batches."""

    name = "words"
    shape: ClassVar[Shape]
    count: ClassVar[int]

    @classmethod
    def of(cls, shape: Shape, tasks: int) -> Words:
        """An open suite."""
        suite: Words = type("Words", (cls,), {"shape": shape, "count": tasks})()
        suite.open(SuiteContext())
        return suite

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(
            budget=10_000_000, batch_size=self.shape.batch, rows=self.count, reduction="mean", clip=1.0, lr=1e-4
        )

    def open(self, context: SuiteContext) -> None:
        generator = torch.Generator().manual_seed(0)
        size = (self.count, 8 * self.shape.batch, self.shape.length)
        ranks = self.shape.vocabulary ** torch.rand(size, generator=generator)  # P(rank) falls like 1 / rank
        self._ids = ranks.long().clamp_max(self.shape.vocabulary - 1)
        self._labels = torch.randint(2, size[:2], generator=generator)

    def tasks(self) -> Sequence[Task]:
        return [Task(f"task-{place}", 8 * self.shape.batch) for place in range(self.count)]

    def model(self, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = nn.Module()
        model.encoder = _Encoder(self.shape)
        model.heads = nn.ModuleDict({task.name: nn.Linear(self.shape.hidden, 2) for task in self.tasks()})
        return model

    def examples(self, task: str, split: Any) -> Sequence[Any]:
        return range(8 * self.shape.batch)

    def batch(self, task: str, split: Any, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        place = int(task.removeprefix("task-"))
        return self._ids[place, indices], self._labels[place, indices]

    def tokens(self, batch: tuple[Tensor, Tensor]) -> int:
        return batch[0].numel()

    def loss(self, model: Any, batch: tuple[Tensor, Tensor], task: str) -> Tensor:
        return functional.cross_entropy(model.heads[task](model.encoder(batch[0])), batch[1])

    def score(self, model: Any, task: str, split: Any) -> Score:
        return Score(0.0, 1)


def _sampler(suite: Suite, protocol: TrainingProtocol) -> BatchStream:
    names = [task.name for task in suite.tasks()]
    return BatchStream(suite, names, [1 / len(names)] * len(names), protocol.batch_size, Streams(suite.name, 0))


def oracle_of(suite: Suite, method: Method, **protocol_fields: Any) -> Oracle:
    """An oracle with a budget that no benchmark spends."""
    protocol = replace(suite.protocol, budget=10_000_000, **protocol_fields)
    torch.manual_seed(0)
    return Oracle(
        suite=suite,
        model=suite.model(0).train(),
        method=method,
        tasks=[TaskInfo(task.name, task.size, 1 / len(suite.tasks())) for task in suite.tasks()],
        sampler=_sampler(suite, protocol),
        protocol=protocol,
        budget=protocol.budget,
        generator=torch.Generator().manual_seed(0),
    )


def bare_step(suite: Suite, *, tasks: int | None = None, one_pass: bool = False) -> Callable[[], None]:
    """MTL as a person would write it without this project: torch's AdamW, one backward a task, clipping.

    tasks: how many of them a step takes, the first ones; all when None. one_pass: all batches through the encoder at
    once, and one backward for the sum of their losses.
    """
    protocol = suite.protocol
    model = suite.model(0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=protocol.lr, weight_decay=0.0, fused=True)
    names = [task.name for task in suite.tasks()][:tasks]
    sampler = _sampler(suite, protocol)

    def step() -> None:
        optimizer.zero_grad()
        if one_pass:
            ids, labels = zip(*(sampler.batch(index).payload for index in range(len(names))), strict=True)
            states = model.encoder(torch.cat(ids)).chunk(len(names))
            parts = zip(names, states, labels, strict=True)
            loss = sum(functional.cross_entropy(model.heads[name](part), right) for name, part, right in parts)
            (loss / len(names)).backward()
            float(loss.detach())
        for index, name in enumerate([] if one_pass else names):
            loss = suite.loss(model, sampler.batch(index).payload, name) / len(names)
            loss.backward()  # type: ignore[no-untyped-call]
            float(loss.detach())
        torch.nn.utils.clip_grad_norm_(model.parameters(), protocol.clip or float("inf"))
        optimizer.step()

    return step


def stepper(suite: Any, method: Method, passes: str = "task") -> Callable[[], None]:
    """A step of a method over a suite. passes: joint for one pass of all tasks, never compared with single ones."""
    oracle = oracle_of(suite, method, passes=passes)
    if oracle.passes.joint is not None:
        method.step(oracle)
        oracle.passes.joint.steps = 2**20 + 1  # of a million steps, twenty compare the passes: none of these
    return lambda: method.step(oracle)
