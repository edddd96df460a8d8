"""Ratios on a board: measured, held against the committed baseline, printed as a table, stored as JSON.

The baseline is ``leaderboard/ratios.json``, which the leaderboard shows. ``MTLBENCH_BASELINE=write`` writes it anew
instead of holding the ratios against it; ratios of another machine, or with other versions, are dropped from it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))  # the modules beside this one; workers inherit the path

from paired_timing import Ratio  # noqa: E402 - found by the line above

from mtlbench.leaderboard.ratios import FILE, ratio_of  # noqa: E402

BASELINE = HERE.parents[1] / "leaderboard" / FILE
GROWTH = 1.25
"""A ratio that grows by more against the baseline is a failure."""

_rows: dict[str, dict[str, Any]] = {}


class Board:
    """Takes ratios; fails the test of one that has grown."""

    def __init__(self) -> None:
        self._known = json.loads(BASELINE.read_text("utf-8"))["rows"] if BASELINE.is_file() else {}
        self._writing = os.environ.get("MTLBENCH_BASELINE") == "write"

    def add(self, row: str, found: Ratio, goal: float | None, *, at_least: bool = False) -> None:
        """goal: what the ratio should be at most, or at least; None where it is there for comparison alone."""
        _rows[row] = {**found.as_json(), "goal": goal, "at_least": at_least}
        known = self._known.get(row)
        if known is None or self._writing or goal is None:
            return
        grown = known["ratio"] / found.ratio if at_least else found.ratio / known["ratio"]
        assert grown <= GROWTH, f"{row}: {found.ratio:.3f}, and {known['ratio']:.3f} when the baseline was made"


@pytest.fixture(scope="session")
def board() -> Board:
    return Board()


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _rows:
        return
    write = terminalreporter.write_line
    write("")
    write(f"{'ratio of':58} {'median':>8} {'quartiles':>17} {'goal':>8}  met  rounds")
    for row, found in sorted(_rows.items()):
        goal, sign = found["goal"], ">=" if found["at_least"] else "<="
        met = {None: "", True: "yes", False: "no"}[ratio_of(row, found).met]
        spread = f"{found['low']:.3g} to {found['high']:.3g}"
        aim = "" if goal is None else f"{sign} {goal:g}"
        write(f"{row:58} {found['ratio']:8.4g} {spread:>17} {aim:>8}  {met:3}  {found['rounds']:.0f}")


def pytest_sessionfinish(session: Any) -> None:
    out = os.environ.get("MTLBENCH_RATIOS")
    if _rows and out:
        Path(out).write_text(_as_text(_rows), "utf-8")
    if _rows and os.environ.get("MTLBENCH_BASELINE") == "write":
        BASELINE.write_text(_as_text({**_of_this_machine(), **_rows}), "utf-8")


def _of_this_machine() -> dict[str, Any]:
    """The baseline's rows; none where it was made on another machine or with other versions."""
    from mtlbench.engine.machine import machine, versions

    told = json.loads(BASELINE.read_text("utf-8")) if BASELINE.is_file() else {"rows": {}}
    alike = (told.get("machine"), told.get("versions")) == (machine("cpu"), versions())
    return told["rows"] if alike else {}


def _as_text(rows: dict[str, Any]) -> str:
    from mtlbench.engine.machine import machine, versions

    told = {"machine": machine("cpu"), "versions": versions(), "rows": dict(sorted(rows.items()))}
    return json.dumps(told, indent=1) + "\n"
