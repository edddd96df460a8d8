"""Whole processes: how commands and workers start, what a step takes in memory, how cells are handed out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from paired_timing import Ratio, paired, ratio_of

from mtlbench.interface.job import Job
from mtlbench.plugins import load_registry

pytestmark = pytest.mark.benchmark_suite

HERE = Path(__file__).parent
# Byte code is cached, as it is after the first start of an installation.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

FIRST_STEP = """
import os, sys, time
os.environ["OMP_NUM_THREADS"] = "1"
import torch
imported = time.process_time()
from mtlbench import Cell, hookimpl, values_of
from mtlbench.engine.training import train_cell
from mtlbench.interface.config import Config
from mtlbench.plugins import load_registry
from mtlbench.worker import suite_context
import dataclasses, pathlib

class Watch:
    @hookimpl
    def mtlbench_train_started(self, run):
        print(imported, time.process_time(), sep="\\n", flush=True)
        os._exit(0)

torch.set_num_threads(1)
registry = load_registry()
registry.add(Watch(), "watch")
suite = registry.suite(sys.argv[1]).cls()
protocol = dataclasses.asdict(dataclasses.replace(suite.protocol, budget=16))
method = registry.method("mtl").cls()
cell = Cell("mtl", values_of(method), suite.name, values_of(suite), protocol, 0, "x", key="0" * 64)
train_cell(cell, registry, suite_context(Config(cache_dir=pathlib.Path(sys.argv[2])), registry))
"""

BERT = """
import os, time
os.environ["OMP_NUM_THREADS"] = "1"
import torch
imported = time.process_time()
from transformers import BertModel, PreTrainedTokenizerFast
print(imported, time.process_time(), sep="\\n")
"""

PEAK = """
import os, sys
from pathlib import Path
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, sys.argv[2])
import torch
from mtlbench.plugins import load_registry
from words_suite import Words, oracle_of, shape_of
torch.set_num_threads(1)
method = load_registry().method(sys.argv[1]).cls()
def peak():  # getrusage's counts the parent before this program was started
    [line] = [it for it in Path("/proc/self/status").read_text().splitlines() if it.startswith("VmHWM")]
    return int(line.split()[1])
base = peak()
oracle = oracle_of(Words.of(shape_of("mini"), 8), method)
for _ in range(2):
    method.step(oracle)
print(peak() - base)
"""


def _cpu_seconds(*command: str) -> float:
    """Processor time of a process from its start to its end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT, cwd=HERE)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(("command", "goal"), [("--help", 3.0), ("list", 5.0), ("plugins", 5.0)])
def test_start_of_a_command_beside_the_interpreters(board: Any, command: str, goal: float) -> None:
    script = f"import sys; from mtlbench.cli import main; sys.exit(main([{command!r}]))"
    ours, bare = (sys.executable, "-c", script), (sys.executable, "-c", "pass")
    _cpu_seconds(*ours)
    found = ratio_of([(_cpu_seconds(*ours), _cpu_seconds(*bare)) for _ in range(21)])
    board.add(f"mtlbench {command} / python -c pass", found, goal)


@pytest.mark.parametrize(("suite", "goal"), [("synthetic", 1.2), ("digits", 1.2), ("cldr-ner", 2.2)])
def test_start_of_a_worker_beside_importing_torch(board: Any, tmp_path: Path, suite: str, goal: float) -> None:
    """Up to the model, its data and one gradient to warm up with; what the suite caches is there."""

    command = (FIRST_STEP, suite, str(tmp_path))
    _beside_importing_torch(*command)
    found = ratio_of([_beside_importing_torch(*command) for _ in range(5)])
    board.add(f"start of training, {suite} / import torch", found, goal)


def test_importing_transformers_bert_beside_importing_torch(board: Any) -> None:
    """The floor of suites whose encoder is a model of transformers."""
    _beside_importing_torch(BERT)
    found = ratio_of([_beside_importing_torch(BERT) for _ in range(5)])
    board.add("import torch and transformers' BERT / import torch", found, None)


def _beside_importing_torch(program: str, *arguments: str) -> tuple[float, float]:
    """Processor time of a process until it ends, and until it has imported torch, both of which it prints."""
    command = (sys.executable, "-c", program, *arguments)
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd=HERE).stdout
    imported, ended = map(float, told.split())
    return ended, imported


def test_peak_memory_of_surgery_beside_mtl(board: Any) -> None:
    def peak(method: str) -> int:
        command = (sys.executable, "-c", PEAK, method, str(HERE))
        return int(subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout)

    board.add("peak memory of pcgrad / of mtl, mini, T = 8", ratio_of([(peak("pcgrad"), peak("mtl"))] * 2), 1.4)


def _hand_out(executor: Any, count: int, seconds: float) -> None:
    jobs = [Job(str(number), "waiting_job:wait", {"seconds": seconds}) for number in range(count)]
    assert all(outcome.status == "done" for outcome in executor.run(jobs, lambda _: None))


def test_two_workers_beside_one_warm_process(board: Any) -> None:
    registry = load_registry()

    def two() -> None:
        executor = registry.executor("processes").cls(workers=2)
        try:
            _hand_out(executor, 64, 0.25)
        finally:
            executor.close()

    began = time.perf_counter()
    _hand_out(registry.executor("serial").cls(), 64, 0.25)
    middle = time.perf_counter()
    two()
    speed = (middle - began) / (time.perf_counter() - middle)
    found = Ratio(speed, speed, speed, 1)
    board.add("64 waits of 0.25 s, one process / two workers", found, 1.85, at_least=True)


def test_scheduling_of_a_cell_beside_a_millisecond(board: Any) -> None:
    executor = load_registry().executor("processes").cls(workers=2)
    try:
        _hand_out(executor, 4, 0.0)
        found = paired(
            lambda: _hand_out(executor, 100, 0.0), lambda: time.sleep(0.1), rounds=5, clock=time.perf_counter
        )
    finally:
        executor.close()
    board.add("handing out a cell / 1 ms", found, 1.0)
