"""What a step costs beside plain MTL's, on the digits: steps run in turn, and the ratio is taken pair by pair.

``pytest tests/benchmarks -m benchmark_suite -s``; the ratios are printed, and stored by ``--benchmark-json FILE``.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from mtlbench import Method, SuiteContext, TrainingProtocol
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.sampling import BatchStream
from mtlbench.engine.streams import Streams
from mtlbench.interface.oracle import TaskInfo
from mtlbench.plugins import Registry, load_registry

pytestmark = pytest.mark.benchmark_suite

ROUNDS = 40


@pytest.fixture(scope="module")
def registry() -> Registry:
    torch.set_num_threads(1)
    return load_registry()


@pytest.fixture(scope="module")
def suite(registry: Registry) -> Any:
    opened = registry.suite("digits").cls()
    opened.open(SuiteContext())
    return opened


def _protocol(suite: Any) -> TrainingProtocol:
    return dataclasses.replace(suite.protocol, budget=1_000_000)


def _oracle(suite: Any, method: Method) -> Oracle:
    protocol = _protocol(suite)
    names = [task.name for task in suite.tasks()]
    share = 1 / len(names)
    return Oracle(
        suite=suite,
        model=suite.model(0).train(),
        method=method,
        tasks=[TaskInfo(task.name, task.size, share) for task in suite.tasks()],
        sampler=BatchStream(suite, names, [share] * len(names), protocol.batch_size, Streams("digits", 0)),
        protocol=protocol,
        budget=protocol.budget,
        generator=torch.Generator().manual_seed(0),
    )


def _stepper(suite: Any, method: Method) -> Callable[[], None]:
    oracle = _oracle(suite, method)
    return lambda: method.step(oracle)


def _bare_loop(suite: Any) -> Callable[[], None]:
    """MTL as a person would write it without this project: torch's AdamW, one backward a task, clipping."""
    protocol = _protocol(suite)
    model = suite.model(0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=protocol.lr, weight_decay=0.0, fused=True)
    names = [task.name for task in suite.tasks()]
    stream = BatchStream(suite, names, [1 / len(names)] * len(names), protocol.batch_size, Streams("digits", 0))

    def step() -> None:
        optimizer.zero_grad()
        for index, name in enumerate(names):
            batch = stream.batch(index).payload
            (suite.loss(model, batch, name) / len(names)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), protocol.clip)
        optimizer.step()

    return step


def _paired(benchmark: Any, step: Callable[[], None], base: Callable[[], None]) -> None:
    """The median over rounds of (step / base), the two run in turn."""
    for _ in range(3):
        step()
        base()
    ratios = []

    def pair() -> None:
        begun = time.perf_counter()
        step()
        middle = time.perf_counter()
        base()
        ratios.append((middle - begun) / (time.perf_counter() - middle))

    benchmark.pedantic(pair, rounds=ROUNDS, iterations=1)
    benchmark.extra_info["ratio"] = statistics.median(ratios)
    print(f"\n{benchmark.name}: ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


@pytest.mark.parametrize("name", ["pcgrad", "gradvac", "gradnorm", "recadam", "swep"])
def test_step_of_a_method_beside_mtl(benchmark: Any, registry: Registry, suite: Any, name: str) -> None:
    method, plain = registry.method(name).cls(), registry.method("mtl").cls()
    _paired(benchmark, _stepper(suite, method), _stepper(suite, plain))


def test_step_of_mtl_beside_a_bare_loop(benchmark: Any, registry: Registry, suite: Any) -> None:
    _paired(benchmark, _stepper(suite, registry.method("mtl").cls()), _bare_loop(suite))
