"""Operations of one gradient: torch's counts, and those of attention, worked out by hand."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mtlbench.engine.flops import _Counter


def test_the_counts_are_those_of_torch() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 25, 7)
    )
    images = torch.randn(2, 3, 5, 5)
    with _Counter() as ours:
        network(images).sum().backward()
    with FlopCounterMode(display=False) as theirs:
        network(images).sum().backward()
    assert ours.total == theirs.get_total_flops() > 0


def test_attention_costs_two_products_forward_and_five_backward() -> None:
    batch, heads, length, width = 2, 3, 5, 4
    query = torch.randn(batch, heads, length, width, requires_grad=True)
    with _Counter() as counter:
        functional.scaled_dot_product_attention(query, query, query).sum().backward()
    product = 2 * batch * heads * length * length * width
    assert counter.total == 7 * product


def test_counting_does_not_import_the_compiler() -> None:
    script = (
        "import sys, torch; from mtlbench.engine.flops import _Counter; c = _Counter();\n"
        "with c: torch.nn.Linear(3, 4)(torch.randn(2, 3)).sum().backward()\n"
        "assert c.total == 96; print(*{'sympy', 'torch._dynamo'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.strip() == ""
