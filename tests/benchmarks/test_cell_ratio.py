"""What a cell and the runner's loop cost beside a loop written by hand: the same model, draws, batches and scores."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from paired_timing import paired
from words_suite import Words, shape_of

from mtlbench import Cell, Config, SuiteContext, values_of
from mtlbench.engine.group import GroupTraining
from mtlbench.engine.sampling import BatchStream, task_probabilities
from mtlbench.engine.streams import Streams
from mtlbench.engine.suites import open_suite
from mtlbench.engine.training import _between, _Progress, _Saver, train_cell
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.plugins import Registry, load_registry
from mtlbench.study.asks import Ask, Study, SuiteAsk
from mtlbench.study.grid import resolve
from mtlbench.worker import suite_context

pytestmark = pytest.mark.benchmark_suite


def _by_hand(protocol: TrainingProtocol, streams: Streams, suite: Any) -> float:
    """Train as MTL does, and give the mean dev score."""
    tasks = suite.tasks()
    stream = BatchStream(
        suite,
        [task.name for task in tasks],
        task_probabilities([task.size for task in tasks], protocol.q),
        protocol.batch_size,
        streams,
    )
    model = suite.model(streams.seed("init")).train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=protocol.lr, weight_decay=protocol.weight_decay, fused=True)
    for spent in range(0, protocol.budget, protocol.rows):
        for index in stream.pick(protocol.rows, distinct=True):
            batch = stream.batch(index)
            loss = suite.loss(model, batch.payload, batch.task) / protocol.rows
            loss.backward()
            float(loss.detach())  # which a person watches
        torch.nn.utils.clip_grad_norm_(parameters, protocol.clip or torch.inf)
        optimizer.param_groups[0]["lr"] = protocol.rate_at((spent + protocol.rows / 2) / protocol.budget)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        return sum(suite.score(model, task.name, "dev").value for task in tasks) / len(tasks)


def _cell(registry: Registry) -> Cell:
    study = Study(methods=(Ask("mtl"),), suites=(SuiteAsk("cldr-ner"),), seeds=(0,))
    (cell,) = resolve(study, registry, suite_context(Config(), registry)).cells
    return cell


def test_a_cell_of_the_embedded_encoder_beside_a_loop_by_hand(board: Any, tmp_path: Path) -> None:
    """1600 gradients, with the meter, the audit, the clock, progress and checkpoints on; no probes on either side."""
    registry = load_registry()
    cell, context = _cell(registry), suite_context(Config(), registry)
    suite = open_suite(cell, registry, context)
    protocol, streams = TrainingProtocol(**cell.protocol), Streams(cell.suite, cell.seed)
    scores: list[float] = []
    unread: deque[object] = deque(maxlen=1)

    def ours() -> None:
        folder = tmp_path / str(len(scores))  # a checkpoint that is found is continued
        result = train_cell(cell, registry, context, checkpoint=folder, report=unread.append, selecting=True)
        scores.append(result["outcome"]["average"])

    found = paired(ours, lambda: scores.append(_by_hand(protocol, streams, suite)), rounds=3)
    assert max(scores) - min(scores) < 2.0  # both loops train the same
    board.add("cell of cldr-ner, 1600 gradients / the same by hand", found, 1.15)


@pytest.mark.parametrize(("shape", "steps", "rounds", "goal"), [("tiny128", 24, 7, 1.03), ("mini", 3, 5, 1.01)])
def test_the_runners_loop_beside_a_loop_by_hand(
    board: Any, tmp_path: Path, shape: str, steps: int, rounds: int, goal: float
) -> None:
    """From a new model to its score, with the meter, the audit, the clock, hooks, progress and checkpoints on."""
    registry, suite = load_registry(), Words.of(shape_of(shape), 8)
    protocol = replace(suite.protocol, budget=8 * steps)
    method = registry.method("mtl").cls
    cell = Cell("mtl", values_of(method()), suite.name, {}, values_of(protocol), 0, "x", key="0" * 64)
    streams, unread = Streams(suite.name, 0), deque[object](maxlen=1)

    def ours() -> None:
        group = GroupTraining(
            cell=cell,
            suite=suite,
            method=method(),
            tasks=[task.name for task in suite.tasks()],
            budget=protocol.budget,
            protocol=protocol,
            registry=registry,
            context=SuiteContext(),
            streams=streams,
            unseen=[],
            selecting=True,
        )
        saver = _Saver(tmp_path / shape, 20.0, cell, [])
        group.run(partial(_between, group, 0, saver, _Progress(cell.key, protocol.budget, unread.append)))
        group.close()

    found = paired(ours, lambda: _by_hand(protocol, streams, suite), rounds=rounds)
    board.add(f"runner's loop / the same by hand, {shape}, T = 8", found, goal)
