"""Suites that stay open between the cells of one process: data and encoders are loaded once."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from mtlbench.interface.settings import build

if TYPE_CHECKING:
    from mtlbench.interface.run import Cell
    from mtlbench.interface.suite import Suite
    from mtlbench.interface.suite_values import SuiteContext
    from mtlbench.plugins import Registry

__all__ = ["open_suite"]

_KEPT = 3
"""Suites (with options and seed) that stay open; the least recently used one goes first."""

_open: OrderedDict[str, Suite] = OrderedDict()


def open_suite(cell: Cell, registry: Registry, context: SuiteContext) -> Suite:
    """The cell's suite, opened for its seed."""
    entry = registry.suite(cell.suite)
    place = [entry.source, cell.suite, cell.options, cell.fingerprint, context.seed, context.device]
    name = json.dumps([*place, str(context.data_root), str(context.cache_dir)], sort_keys=True)
    if name not in _open:
        suite: Suite = build(entry.cls, cell.options, f"suite {cell.suite}")
        suite.open(context)
        _open[name] = suite
        while len(_open) > _KEPT:
            _open.popitem(last=False)
    _open.move_to_end(name)
    return _open[name]
