"""How costs grow: each at one, two and four times a size, as ratios to the smallest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from paired_timing import Clock, paired
from words_suite import Shape, Words, oracle_of

from mtlbench import TaskGradients
from mtlbench.interface.job import Job
from mtlbench.leaderboard.board import read_boards
from mtlbench.plugins import load_registry
from mtlbench.testing.records import made_up_record, store_records

pytestmark = pytest.mark.benchmark_suite

PROPORTION = 1.15
"""Growth beyond proportion to the size that is still put down to caches and noise."""


def _grow(
    board: Any, what: str, make: Callable[[int], Callable[[], object]], *, clock: Clock = time.thread_time
) -> None:
    smallest = make(1)
    for factor in (2, 4):
        found = paired(make(factor), smallest, rounds=7, clock=clock)
        board.add(f"growth: {what}, {factor} times as many", found, factor * PROPORTION)


def _surgery(tasks: int, columns: int) -> Callable[[], object]:
    rows = torch.randn(tasks, columns, generator=torch.Generator().manual_seed(0))
    method = load_registry().method("pcgrad").cls()
    method.start(type("Started", (), {"generator": torch.Generator().manual_seed(0)})())
    names, losses, buffer = [f"t{row}" for row in range(tasks)], torch.ones(tasks), torch.empty(columns)
    layout = TaskGradients.from_matrix(rows).layout

    def surgery() -> object:
        grads = TaskGradients(rows, tasks=names, task_ids=range(tasks), losses=losses, layout=layout, result=buffer)
        return method.combine(grads)

    return surgery


def test_surgery_over_parameters(board: Any) -> None:
    _grow(board, "surgery over d (from 1e6, T = 8)", lambda factor: _surgery(8, factor * 1_000_000))


def test_surgery_over_tasks(board: Any) -> None:
    _grow(board, "surgery over T (from 4, d = 1e6)", lambda factor: _surgery(4 * factor, 1_000_000))


def _step(tasks: int, batch: int) -> Callable[[], object]:
    suite = Words.of(Shape(1, 64, vocabulary=2000, batch=batch, length=32), tasks)
    method = load_registry().method("pcgrad").cls()
    oracle = oracle_of(suite, method)
    return lambda: method.step(oracle)


def test_steps_over_tasks(board: Any) -> None:
    _grow(board, "pcgrad step over T (from 4)", lambda factor: _step(4 * factor, 12))


def test_steps_over_batches(board: Any) -> None:
    _grow(board, "pcgrad step over the batch (from 8 x 32)", lambda factor: _step(4, 8 * factor))


def test_handing_out_cells(board: Any) -> None:
    executor = load_registry().executor("processes").cls(workers=2)

    def hand_out(count: int) -> None:
        jobs = [Job(str(number), "waiting_job:wait", {"seconds": 0.0}) for number in range(count)]
        assert all(outcome.status == "done" for outcome in executor.run(jobs, lambda _: None))

    try:
        hand_out(4)
        _grow(
            board,
            "handing out cells (from 50)",
            lambda factor: lambda: hand_out(50 * factor),
            clock=time.perf_counter,
        )
    finally:
        executor.close()


def test_reading_records(board: Any, tmp_path: Path) -> None:
    def reader(factor: int) -> Callable[[], object]:
        results = tmp_path / f"results-{factor}"
        records = [
            made_up_record(method, {f"task-{task}": 70.0 + task for task in range(8)}, seed=seed)
            for method in ("mtl", "stl", "pcgrad", "gradvac")
            for seed in range(25 * factor)
        ]
        store_records(records, results)
        return lambda: read_boards(results)

    _grow(board, "reading a results folder (from 100 records)", reader, clock=time.process_time)
