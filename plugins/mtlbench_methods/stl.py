"""STL: one model per task."""

from __future__ import annotations

from collections.abc import Sequence

from mtlbench.interface import Method, hookimpl

__all__ = ["STL"]


class STL(Method):
    """Single-task learning: every task trains a model of its own, from the same start, on its share of the budget.

    On a suite of one task it is MTL, bit for bit.
    """

    name = "stl"
    label = "STL"
    paper = "Baseline of Lee et al., Sequential Reptile: Inter-Task Gradient Alignment for Multilingual Learning, 2022"
    unused_protocol = frozenset({"rows", "draws", "reduction", "q"})

    def groups(self, tasks: Sequence[str]) -> list[list[str]]:
        return [[task] for task in tasks]


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [STL]
