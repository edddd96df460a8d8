"""What the benchmarks measured of the engine: ratios of times and sizes, each of two things that ran in turn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.run import Table
from mtlbench.leaderboard.entries import machine_make
from mtlbench.leaderboard.numbers import DASH, count, number

__all__ = ["FILE", "Ratio", "Ratios", "ratio_of", "ratios_table", "read_ratios"]

FILE = "ratios.json"
"""In the leaderboard's folder; ``tests/benchmarks`` writes it."""


@dataclass(frozen=True)
class Ratio:
    """One row: the median over rounds, its quartiles, and what it should be."""

    name: str
    ratio: float
    low: float
    high: float
    rounds: int
    goal: float | None
    """None where the row is there for comparison alone."""
    at_least: bool
    """Whether the goal is the least that is wanted; else the most."""

    @property
    def met(self) -> bool | None:
        """None without a goal."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


@dataclass(frozen=True)
class Ratios:
    """All rows by name, and where they were measured."""

    machine: str
    versions: str
    rows: tuple[Ratio, ...]


def read_ratios(path: Path) -> Ratios | None:
    """The ratios of a file; None where there is no file. Raises BadSetting that names the file and the row."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise BadSetting(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), dict) for key in _PARTS):
        raise BadSetting(f"{path}: must hold the objects {', '.join(_PARTS)}; tox -e benchmarks writes it")
    machine, versions, rows = (content[key] for key in _PARTS)
    return Ratios(
        _machine(machine),
        ", ".join(f"{name} {versions[name]}" for name in sorted(versions)),
        tuple(ratio_of(name, rows[name], f"{path}: row {name!r:.80}") for name in sorted(rows, key=_by_number)),
    )


_MOST = 1e300
_MOST_ROUNDS = 1_000_000
_PARTS = ("machine", "versions", "rows")


def _by_number(name: str) -> list[tuple[int, str]]:
    """T = 12 comes after T = 4."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d{1,18})", name)]


def _machine(machine: Mapping[str, Any]) -> str:
    make = machine_make(machine) or "of unknown make"
    return f"{make} ({str(machine.get('fingerprint') or 'no fingerprint')[:8]})"


def ratio_of(name: str, told: Any, what: str = "a row") -> Ratio:
    """From a row as JSON. what: names it in errors. Raises BadSetting for what is no row."""
    if not isinstance(told, dict) or not isinstance(told.get("at_least"), bool):
        raise BadSetting(f"{what}: must be an object with ratio, low, high, rounds, goal and at_least")
    values = {key: _number(told.get(key), f"{what}: {key}") for key in ("ratio", "low", "high", "rounds")}
    goal = None if told.get("goal") is None else _number(told["goal"], f"{what}: goal")
    rounds = values.pop("rounds")
    if rounds != int(rounds) or not 1 <= rounds <= _MOST_ROUNDS:
        raise BadSetting(f"{what}: rounds must be a whole number from 1, found {rounds:g}")
    if not values["low"] <= values["ratio"] <= values["high"]:
        raise BadSetting(f"{what}: ratio must lie between low and high, found {values['ratio']:g}")
    return Ratio(name, **values, rounds=int(rounds), goal=goal, at_least=told["at_least"])


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise BadSetting(f"{what} must be a number from 0, found {value!r:.80}")
    return float(value)


def ratios_table(ratios: Ratios | None) -> Table | None:
    """One row for each ratio, with its goal; None where nothing was measured."""
    if ratios is None:
        return None
    return Table(
        title="Compute efficiency of the engine",
        columns=["Ratio of", "Median", "Quartiles", "Goal", "Met", "Rounds"],
        rows=[_cells(row) for row in ratios.rows],
        align="lrrrlr",
        notes=[
            "Measured by tox -e benchmarks, which writes ratios.json.",
            "Both sides of a ratio run in turn, and it is taken within each round.",
            "Processor seconds of one thread, unless the row says otherwise; less is better, but where the goal is ≥.",
            "By hand: torch alone, without this project. mini, tiny128: encoders of 6 layers of width 384, 2 of 128.",
            "What falls short of its goal, and why: docs/performance.md.",
            f"On one machine: {ratios.machine}; {ratios.versions}.",
        ],
    )


def _cells(row: Ratio) -> list[str]:
    goal = DASH if row.goal is None else f"{'≥' if row.at_least else '≤'} {_short(row.goal)}"
    met = DASH if row.met is None else "yes" if row.met else "no"
    return [row.name, _digits(row.ratio), f"{_digits(row.low)} to {_digits(row.high)}", goal, met, count(row.rounds)]


def _digits(value: float) -> str:
    """Three decimals, which is more than the quartiles leave; few digits of what is far from 1."""
    return number(value, 3) if 0.001 <= value < 100 else _short(value)


def _short(value: float) -> str:
    return f"{value:.4g}"
