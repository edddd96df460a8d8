from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mtlbench.interface import SuiteContext
from mtlbench.testing.short_run import Setup
from mtlbench.testing.toy_suite import ToySuite
from mtlbench_methods.mtl import MTL
from mtlbench_methods.pcgrad import PCGrad
from mtlbench_methods.stl import STL


@dataclasses.dataclass
class OneTask(ToySuite):
    """The toy suite with its first task alone."""

    def tasks(self):
        return super().tasks()[:1]


def setup(method, suite_class, **protocol):
    suite, context = suite_class(), SuiteContext()
    suite.open(context)
    return Setup(method, suite, dataclasses.replace(suite.protocol, **protocol), context)


def test_stl_trains_every_task_alone():
    assert STL().groups(["a", "b", "c"]) == [["a"], ["b"], ["c"]]
    assert MTL().groups(["a", "b", "c"]) == [["a", "b", "c"]]


def test_stl_on_one_task_is_mtl_on_it_bit_for_bit():
    assert setup(STL, OneTask).run() == setup(MTL, OneTask).run()


@pytest.mark.parametrize("field", sorted(STL.unused_protocol))
def test_what_stl_says_it_does_not_use_has_no_effect(field):
    other = {"rows": 1, "draws": "independent", "reduction": "sum", "q": 1.0}[field]
    assert setup(STL, ToySuite, **{field: other}).run() == setup(STL, ToySuite).run()


def test_a_row_alone_is_the_same_step_summed_or_averaged():
    one = {"rows": 1, "clip": None}
    summed, averaged = (setup(MTL, ToySuite, reduction=way, **one).run() for way in ("sum", "mean"))
    assert summed == averaged


def test_without_conflicts_pcgrad_and_mtl_take_the_same_step_through_the_engine():
    # One row has nobody to conflict with; the two paths through the engine round alike up to float32.
    first, second = setup(MTL, OneTask).run(), setup(PCGrad, OneTask).run()
    mine, theirs = (np.frombuffer(run.values, dtype=np.float32) for run in (first, second))
    assert mine == pytest.approx(theirs, abs=1e-6)


def test_the_sum_is_linear_and_does_not_depend_on_the_order_of_rows(as_gradients):
    rows = np.random.default_rng(0).standard_normal((5, 40))
    plain = as_gradients(rows, torch.float64).weighted([1.0] * 5).shared
    assert torch.allclose(as_gradients(rows[::-1].copy(), torch.float64).weighted([1.0] * 5).shared, plain, rtol=1e-14)
    assert torch.allclose(as_gradients(3 * rows, torch.float64).weighted([1.0] * 5).shared, 3 * plain, rtol=1e-14)
