"""What a training step of a method costs beside plain MTL's, and MTL's own beside a loop written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from paired_timing import Ratio, paired
from words_suite import Words, bare_step, oracle_of, shape_of, stepper

from mtlbench import SuiteContext
from mtlbench.plugins import Registry, load_registry
from mtlbench_methods._visiting import visiting_orders
from mtlbench_methods.pcgrad import project

pytestmark = pytest.mark.benchmark_suite

ROUNDS = {"mini": 3}
SEEDS = 64
"""Runs in the plane, each with a generator of its own."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.mark.parametrize(
    ("name", "shape", "tasks"),
    [
        *((name, "tiny128", tasks) for name in ("pcgrad", "gradvac") for tasks in (4, 8, 12)),
        ("gradnorm", "tiny128", 8),
        ("pcgrad", "mini", 8),
        ("gradvac", "mini", 8),
    ],
)
def test_step_of_a_method_beside_mtl(board: Any, registry: Registry, name: str, shape: str, tasks: int) -> None:
    """Beside MTL as a person would write it, and beside our own, which is faster: tables are gathered there too."""
    suite = Words.of(shape_of(shape), tasks)
    method, plain = registry.method(name).cls(), registry.method("mtl").cls()
    ours, rounds = stepper(suite, method), ROUNDS.get(shape, 9)
    board.add(f"{name} step / MTL by hand, {shape}, T = {tasks}", paired(ours, bare_step(suite), rounds=rounds), 1.02)
    board.add(f"{name} step / mtl step, {shape}, T = {tasks}", paired(ours, stepper(suite, plain), rounds=rounds), None)


@pytest.mark.parametrize("shape", ["tiny128", "mini"])
def test_one_pass_for_all_tasks(board: Any, shape: str) -> None:
    """In a process of its own, because one pass has another way with freed memory, by hand as well as ours."""
    program = Path(__file__).with_name("one_pass.py")
    command = (sys.executable, str(program), shape, str(ROUNDS.get(shape, 9)))
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    goals = {"pcgrad step / mtl step, one pass each": 1.05}
    if shape == "tiny128":
        goals["pcgrad step in one pass / MTL by hand"] = 0.90
    for name, found in told.items():
        board.add(f"{name}, {shape}, T = 8", Ratio(**found), goals.get(name))


def test_surgery_over_a_wide_vocabulary_beside_a_loop_by_hand(board: Any, registry: Registry) -> None:
    suite = Words.of(shape_of("wide-vocabulary"), 8)
    found = paired(stepper(suite, registry.method("pcgrad").cls()), bare_step(suite), rounds=7)
    board.add("pcgrad step / MTL by hand, 120 000 rows, T = 8", found, 0.60)


@pytest.mark.parametrize(("shape", "goal"), [("mini", 1.01), ("tiny128", 1.03)])
def test_mtl_beside_a_loop_by_hand(board: Any, registry: Registry, shape: str, goal: float) -> None:
    suite = Words.of(shape_of(shape), 8)
    found = paired(stepper(suite, registry.method("mtl").cls()), bare_step(suite), rounds=ROUNDS.get(shape, 9))
    board.add(f"mtl step / MTL by hand, {shape}, T = 8", found, goal)


@pytest.mark.parametrize("name", ["mtl", "pcgrad", "gradvac", "gradnorm", "recadam", "swep"])
def test_steps_on_the_digits(board: Any, registry: Registry, name: str) -> None:
    suite = registry.suite("digits").cls()
    suite.open(SuiteContext())
    step = stepper(suite, registry.method(name).cls())
    if name == "mtl":
        board.add("mtl step / MTL by hand, digits", paired(step, bare_step(suite), rounds=40), 1.08)
    else:
        found = paired(step, stepper(suite, registry.method("mtl").cls()), rounds=40)
        board.add(f"{name} step / mtl step, digits", found, None)


def test_recadam_beside_the_fused_kernel(board: Any, registry: Registry) -> None:
    suite, method = Words.of(shape_of("mini"), 8), registry.method("recadam").cls()
    oracle = oracle_of(suite, method)
    gradients = [torch.randn_like(segment.values) for segment in oracle.segments]
    ours = method.optimizer(oracle)
    parameters = [torch.nn.Parameter(segment.values.clone()) for segment in oracle.segments]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    theirs = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.0, fused=True)
    found = paired(lambda: ours.step(gradients, 1e-4), theirs.step, rounds=9)
    board.add("recadam update / torch's fused AdamW update, mini", found, 1.3)
    values, starts = [one.detach() for one in parameters], [segment.start.clone() for segment in oracle.segments]

    def pulled() -> None:
        theirs.step()
        torch._foreach_lerp_(values, starts, 1e-4)

    board.add("torch's fused AdamW and its lerp_ / the former alone, mini", paired(pulled, theirs.step, rounds=9), None)


def test_inner_steps_of_sequential_reptile_beside_plain_fine_tuning(board: Any, registry: Registry) -> None:
    """K inner steps and one outer step, put together from their parts: a thousand steps would say the same later."""
    suite = Words.of(shape_of("tiny128"), 8)
    oracle = oracle_of(suite, registry.method("mtl").cls())

    def outer() -> None:
        with oracle.branch("inner") as branch:
            pass
        oracle.move(branch.delta, 0.1)

    plain = bare_step(suite, tasks=1)
    inner = paired(lambda: oracle.descend(oracle.draw(task="task-0")), plain, rounds=15)
    share = paired(outer, plain, rounds=15)
    for steps, goal in ((10, 1.02), (100, 1.002), (1000, 1.001)):
        low, middle, high = (
            step + part / steps
            for step, part in ((inner.low, share.low), (inner.ratio, share.ratio), (inner.high, share.high))
        )
        whole = Ratio(middle, low, high, share.rounds)
        board.add(f"K inner steps + a move / K AdamW steps, from the rows of each, K = {steps}", whole, goal)
    board.add("a move (branch, delta, outer step) / one AdamW step by hand, tiny128", share, None)
    board.add("one inner step / one AdamW step by hand, tiny128", inner, None)


def test_step_in_the_plane_beside_an_eager_loop(board: Any, registry: Registry) -> None:
    """Three wells over two numbers: all that can be measured here is what stands between the operations."""
    suite = registry.suite("synthetic").cls()
    suite.open(SuiteContext())
    model = suite.model(0)
    [point] = model.parameters()
    tasks = [task.name for task in suite.tasks()]
    batches = [suite.batch(task, "train", [0]) for task in tasks]
    optimizer = torch.optim.SGD([point], lr=suite.protocol.lr)

    def eager() -> None:
        losses = [suite.loss(model, batch, task) for task, batch in zip(tasks, batches, strict=True)]
        rows = [torch.autograd.grad(loss, point)[0] for loss in losses]
        edited = []
        for place, row in enumerate(rows):
            for other in torch.randperm(len(rows)).tolist():
                product = torch.dot(row, rows[other])
                if other != place and product < 0:
                    row = row - product / torch.dot(rows[other], rows[other]) * rows[other]
            edited.append(row)
        point.grad = torch.stack(edited).sum(0)
        optimizer.step()

    found = paired(stepper(suite, registry.method("pcgrad").cls()), eager, rounds=200)
    board.add("pcgrad step / an eager loop by hand, synthetic", found, None)
    gram = [[1.0, -0.3, 0.2], [-0.3, 1.0, -0.5], [0.2, -0.5, 1.0]]
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]

    def surgeries() -> None:
        for generator in generators:
            (orders,) = visiting_orders(1, len(tasks), generator)
            project(gram, orders)

    many = paired(surgeries, eager, rounds=200)
    each = Ratio(many.ratio / SEEDS, many.low / SEEDS, many.high / SEEDS, many.rounds)
    board.add("pcgrad's orders and projections alone / an eager loop by hand, synthetic", each, None)
