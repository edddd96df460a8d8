"""What data costs beside training, on samples of the real data sets and with the smallest encoder that is of any use.

``pytest tests/benchmarks/test_data_overhead.py -m benchmark_suite -s``; the shares are printed, and stored by
``--benchmark-json FILE``. Time is the process's own (all its threads), so that other work on the machine does not
count. With a larger encoder every share is smaller: these are upper bounds of what a user meets.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlbench import Method, SuiteContext
from mtlbench.engine.accounts import Clock
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.sampling import BatchStream, task_probabilities
from mtlbench.engine.streams import Streams
from mtlbench.interface.oracle import TaskInfo
from mtlbench.plugins import load_registry
from mtlbench_tasks.cldr.encoder import load_encoder
from mtlbench_tasks.glue import GLUE
from mtlbench_tasks.tydiqa import TyDiQA
from mtlbench_tasks.vision import Vision
from mtlbench_tasks.wikiann import WikiAnn

pytestmark = pytest.mark.benchmark_suite

SHARED = Path(os.environ.get("MTLBENCH_SHARED", Path(__file__).parents[3] / "shared"))
RUN = 1600
"""Gradients of the run that preprocessing is held against."""
STEPS = 40
ROUNDS = 5
MOST_OUTSIDE = 0.03
"""Share of a step that may lie outside model, surgery and optimizer."""

SUITES: dict[str, Any] = {
    "tydiqa": lambda: TyDiQA(encoder_name="cldr-mini", max_length=128, stride=96, max_question=32),
    "wikiann": lambda: WikiAnn(encoder_name="cldr-mini"),
    "glue": lambda: GLUE(encoder_name="cldr-mini", max_length=64),
    "vision": lambda: Vision(encoder_name="tiny-random:resnet", image_size=32),
}


class ProcessClock(Clock):
    """Counts the process's own seconds: on a shared machine the wall clock charges a phase with other people's work."""

    def enter(self, phase: str | None) -> str | None:
        now = time.process_time()
        last, since = self._phase, self._since
        if last is not None:
            self.seconds[last] += now - since
        self._phase, self._since = phase, now
        return last


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    torch.set_num_threads(1)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    if not (SHARED / "data" / "nyu-mll" / "glue").is_dir():
        pytest.skip(f"no real data in {SHARED / 'data'}; set MTLBENCH_SHARED to the folder that holds data/")


def _context(cache: Path) -> SuiteContext:
    return SuiteContext(data_root=SHARED / "data", cache_dir=cache, load_encoder=load_encoder)


def _oracle(suite: Any, method: Method) -> Oracle:
    protocol = dataclasses.replace(suite.protocol, budget=1_000_000, batch_size=16)
    tasks = list(suite.tasks())
    names = [task.name for task in tasks]
    shares = task_probabilities([task.size for task in tasks], protocol.q)
    oracle = Oracle(
        suite=suite,
        model=suite.model(0).train(),
        method=method,
        tasks=[TaskInfo(task.name, task.size, share) for task, share in zip(tasks, shares, strict=True)],
        sampler=BatchStream(suite, names, shares, protocol.batch_size, Streams(suite.name, 0)),
        protocol=protocol,
        budget=protocol.budget,
        generator=torch.Generator().manual_seed(0),
        clock=ProcessClock(),
    )
    method.start(oracle)
    return oracle


def _train(oracle: Oracle, method: Method, steps: int) -> None:
    for _ in range(steps):
        with oracle.clock.phase("combine"):
            method.step(oracle)


@pytest.mark.parametrize("method", ["mtl", "pcgrad"])
@pytest.mark.parametrize("name", SUITES)
def test_share_of_a_step_outside_model_surgery_and_optimizer(
    benchmark: Any, tmp_path: Path, name: str, method: str
) -> None:
    """Drawing tasks, making batches, and what lies between the steps."""
    suite = SUITES[name]()
    suite.open(_context(tmp_path))
    trained = load_registry().method(method).cls()
    oracle = _oracle(suite, trained)
    _train(oracle, trained, 3)
    before = dict(oracle.clock.seconds)
    begun = time.process_time()
    benchmark.pedantic(lambda: _train(oracle, trained, STEPS), rounds=1, iterations=1)
    whole = time.process_time() - begun
    inside = sum(oracle.clock.seconds[phase] - before[phase] for phase in ("gradients", "combine", "update"))
    outside = 1 - inside / whole
    benchmark.extra_info.update(outside=outside)
    print(f"\n{benchmark.name}: {outside:.2%} outside model, surgery and optimizer, of {whole / STEPS * 1000:.1f} ms")
    assert outside < MOST_OUTSIDE


@pytest.mark.parametrize("name", SUITES)
def test_preprocessing_beside_a_run(benchmark: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time, as a share of the training of 1600 gradients; the second time nothing may be made anew.

    The share is told and not held to a limit: with encoders as small as these it says more of them than of the data.
    Medians of ``ROUNDS``, each with an empty cache, in turns with the gradients, because the machine's speed varies.
    The suite is opened once before: what its modules import, and its files' digests, no cache saves the next process.
    """
    SUITES[name]().open(_context(tmp_path / "before"))
    made: list[str] = []

    import mtlbench_tasks.text.store as store

    keep = store.stored

    def counted(home: Path, digest: str, make: Any) -> Any:
        def told() -> Any:
            made.append(digest)
            return make()

        return keep(home, digest, told)

    monkeypatch.setattr(store, "stored", counted)

    def seconds_to_open(suite: Any, cache: Path) -> tuple[float, int]:
        """What that took, and how many arrays were made for it."""
        before, begun = len(made), time.process_time()
        suite.open(_context(cache))
        return time.process_time() - begun, len(made) - before

    rounds: list[tuple[float, float, float]] = []

    def one_round() -> None:
        cache = tmp_path / str(len(rounds))
        first, once = seconds_to_open(SUITES[name](), cache)
        suite = SUITES[name]()
        second, again = seconds_to_open(suite, cache)
        assert once > 0
        assert again == 0, "the second time something was made anew"
        trained = load_registry().method("mtl").cls()
        oracle = _oracle(suite, trained)
        _train(oracle, trained, 2)
        begun, spent = time.process_time(), oracle.meter.gradients
        _train(oracle, trained, STEPS // 4)
        run = (time.process_time() - begun) / (oracle.meter.gradients - spent) * RUN
        rounds.append((first, second, run))

    benchmark.pedantic(one_round, rounds=ROUNDS, iterations=1)
    first, second, run = (statistics.median(column) for column in zip(*rounds, strict=True))
    share = statistics.median((first - second) / run for first, second, run in rounds)
    benchmark.extra_info.update(first=first, second=second, run=run, share=share)
    print(
        f"\n{benchmark.name}: {first:.2f} s the first time, {second:.2f} s the second; preprocessing is "
        f"{share:.1%} of the {run:.0f} s of {RUN} gradients"
    )
