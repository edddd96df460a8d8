"""A suite that is as small as a suite can be, and everything needed to train on it without a command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlbench import Cell, Method, Score, Suite, SuiteContext, Task, TrainingProtocol, values_of
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.probes import CosineProbe, DistanceProbe
from mtlbench.engine.sampling import BatchStream, task_probabilities
from mtlbench.engine.streams import Streams
from mtlbench.engine.training import train_cell
from mtlbench.interface.oracle import TaskInfo
from mtlbench.plugins import Registry, build_registry, of_object

SIZES = (20, 21, 22, 23)


@dataclass
class Regressions(Suite):
    """Four linear regressions on one tanh layer with dropout; a head a task; batch normalisation for its buffers."""

    name = "regressions"

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=60, batch_size=4, rows=3, lr=1e-2, evaluations=3)

    def fingerprint(self, context: SuiteContext) -> str:
        return "regressions"

    def open(self, context: SuiteContext) -> None:
        generator = torch.Generator().manual_seed(context.seed)
        self.inputs = torch.randn(4, 60, 6, generator=generator)
        self.weights = torch.randn(4, 6, generator=generator)

    def tasks(self) -> Sequence[Task]:
        return [Task(f"t{place}", size, "mse", higher_is_better=False) for place, size in enumerate(SIZES)]

    def model(self, seed: int) -> nn.Module:
        model = nn.Module()
        model.encoder = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.2))
        model.neck = nn.Linear(5, 5)
        model.heads = nn.ModuleDict({f"t{place}": nn.Linear(5, 1) for place in range(4)})
        return model

    def examples(self, task: str, split: str) -> Sequence[Any]:
        return range(SIZES[int(task[1])]) if split == "train" else range(30, 45)

    def batch(self, task: str, split: str, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        place = int(task[1])
        offset = 0 if split == "train" else 30
        inputs = self.inputs[place, [index + offset for index in indices]]
        return inputs, inputs @ self.weights[place]

    def loss(self, model: nn.Module, batch: Any, task: str) -> Tensor:
        outputs = model.heads[task](model.neck(model.encoder(batch[0])))
        return ((outputs[:, 0] - batch[1]) ** 2).mean()

    def score(self, model: nn.Module, task: str, split: str) -> Score:
        return Score(float(self.loss(model, self.batch(task, split, range(15)), task)), 15)


class _Offers:
    """A plugin made of classes."""

    def __init__(self, methods: Sequence[type], suites: Sequence[type], probes: Sequence[type]) -> None:
        from mtlbench import hookimpl

        self.mtlbench_methods = hookimpl(lambda: list(methods))
        self.mtlbench_suites = hookimpl(lambda: list(suites))
        self.mtlbench_probes = hookimpl(lambda: list(probes))


@dataclass
class Joint(Method):
    """MTL as the interface has it."""

    name = "joint"


@pytest.fixture(autouse=True)
def _closed_suites() -> Any:
    from mtlbench.engine import suites

    yield
    suites._open.clear()


@pytest.fixture
def registry_of() -> Callable[..., Registry]:
    def made(*methods: type, suites: Sequence[type] = (Regressions,), probes: Sequence[type] | None = None) -> Registry:
        offers = _Offers(methods or (Joint,), suites, (CosineProbe, DistanceProbe) if probes is None else probes)
        return build_registry([of_object(offers, name="fake", distribution="mtlbench")])

    return made


@pytest.fixture
def cell_of() -> Callable[..., Cell]:
    def made(method: type[Method] = Joint, suite: type[Suite] = Regressions, seed: int = 0, **overrides: Any) -> Cell:
        protocol = dataclasses.asdict(dataclasses.replace(suite().protocol, **overrides))
        settings = values_of(method())
        return Cell(method.name, settings, suite.name, values_of(suite()), protocol, seed, "x", key="0" * 64)

    return made


@pytest.fixture
def train(registry_of: Any, cell_of: Any) -> Callable[..., dict[str, Any]]:
    """Train a method class on the small suite: ``train(Method, seed=..., **protocol)``."""

    def made(method: type[Method] = Joint, *, suite: type[Suite] = Regressions, **kwargs: Any) -> dict[str, Any]:
        return train_cell(cell_of(method, suite, **kwargs), registry_of(method, suites=(suite,)), SuiteContext())

    return made


@pytest.fixture
def oracle_of() -> Callable[..., Oracle]:
    """An oracle on the small suite, in evaluation mode unless told otherwise (no dropout).

    prepare: may change the model before the oracle takes it.
    """

    def made(
        method: Method | None = None,
        *,
        training: bool = False,
        seed: int = 0,
        prepare: Callable[[nn.Module], None] | None = None,
        **overrides: Any,
    ) -> Oracle:
        suite = Regressions()
        suite.open(SuiteContext(seed=seed))
        protocol = dataclasses.replace(suite.protocol, **overrides)
        torch.manual_seed(seed)
        names = [task.name for task in suite.tasks()]
        probabilities = task_probabilities(SIZES, protocol.q)
        model = suite.model(seed).train(training)
        if prepare is not None:
            prepare(model)
        return Oracle(
            suite=suite,
            model=model,
            method=method or Joint(),
            tasks=[TaskInfo(n, s, p) for n, s, p in zip(names, SIZES, probabilities, strict=True)],
            sampler=BatchStream(suite, names, probabilities, protocol.batch_size, Streams("regressions", seed)),
            protocol=protocol,
            budget=protocol.budget,
            generator=torch.Generator().manual_seed(seed),
        )

    return made
