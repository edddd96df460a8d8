"""Methods that are another method at certain settings take the same path, bit for bit."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mtlbench import Cell, Method, SuiteContext, values_of
from mtlbench.engine.training import train_cell
from mtlbench_methods.gradvac import GradVac
from mtlbench_methods.lookahead import LookaheadMTL
from mtlbench_methods.mtl import MTL
from mtlbench_methods.pcgrad import PCGrad
from mtlbench_methods.sequential_reptile import SequentialReptile

ONE_ROW = {"rows": 1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((MTL(), ONE_ROW), (SequentialReptile(inner_steps=1, eta=1.0), {})),
        ((LookaheadMTL(inner_steps=5, eta=0.3), ONE_ROW), (SequentialReptile(inner_steps=5, eta=0.3), {})),
        ((GradVac(beta=0.0, groups_by="whole"), {}), (PCGrad(), {})),
    ],
    ids=["mtl is sequential reptile without an outer loop", "look-ahead over single rows", "gradvac without memory"],
)
def test_two_methods_are_one(
    cell_of: Any, registry_of: Any, one: tuple[Method, dict[str, Any]], other: tuple[Method, dict[str, Any]]
) -> None:
    outcomes = [_outcome(cell_of, registry_of, *asked) for asked in (one, other)]
    assert outcomes[0] == outcomes[1]


def _outcome(cell_of: Any, registry_of: Any, method: Method, protocol: dict[str, Any]) -> str:
    cell: Cell = dataclasses.replace(cell_of(type(method), **protocol), settings=values_of(method))
    outcome = train_cell(cell, registry_of(type(method)), SuiteContext())["outcome"]
    return json.dumps({name: outcome[name] for name in ("scores", "curve", "counts")}, sort_keys=True)
