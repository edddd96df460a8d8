"""What a whole cell costs beside a loop written by hand: the same model, draws, batches and final scores."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import pytest
import torch
from paired_timing import paired

from mtlbench import Cell, Config
from mtlbench.engine.sampling import BatchStream, task_probabilities
from mtlbench.engine.streams import Streams
from mtlbench.engine.suites import open_suite
from mtlbench.engine.training import train_cell
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.plugins import Registry, load_registry
from mtlbench.study.asks import Ask, Study, SuiteAsk
from mtlbench.study.grid import resolve
from mtlbench.worker import suite_context

pytestmark = pytest.mark.benchmark_suite


def _by_hand(cell: Cell, suite: Any) -> float:
    """Train as MTL does, and give the mean dev score."""
    protocol, streams = TrainingProtocol(**cell.protocol), Streams(cell.suite, cell.seed)
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
            (suite.loss(model, batch.payload, batch.task) / protocol.rows).backward()
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
    scores: list[float] = []
    unread: deque[object] = deque(maxlen=1)

    def ours() -> None:
        folder = tmp_path / str(len(scores))  # a checkpoint that is found is continued
        result = train_cell(cell, registry, context, checkpoint=folder, report=unread.append, selecting=True)
        scores.append(result["outcome"]["average"])

    found = paired(ours, lambda: scores.append(_by_hand(cell, suite)), rounds=3)
    assert max(scores) - min(scores) < 2.0  # both loops train the same
    board.add("cell of cldr-ner, 1600 gradients / the same by hand", found, 1.15)
