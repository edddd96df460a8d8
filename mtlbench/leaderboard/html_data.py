"""A board as JSON texts for the page: what it says at once, and the runs and paths that it loads when asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import MtlbenchError
from mtlbench.interface.run import Table
from mtlbench.interface.settings import build
from mtlbench.leaderboard.commands import row_command
from mtlbench.leaderboard.cost import Yardstick
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.html_columns import behind
from mtlbench.leaderboard.html_course import course_text
from mtlbench.leaderboard.html_curves import board_curves
from mtlbench.leaderboard.html_numbers import numbers, short
from mtlbench.leaderboard.html_runs import Shown, clipped, long_text, plain_text
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.scores import direction

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["Shares", "board_data", "compact", "path_lines", "run_lines", "table_data", "with_courses"]

_GRID = 48
"""Points of a surface along each side."""


@dataclass
class Shares:
    """Texts that many runs share, each once; runs hold their number."""

    texts: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))


def board_data(
    board: Board, tables: Iterable[tuple[str, Table]], controls: frozenset[str], registry: Registry | None
) -> dict[str, Any]:
    """All of a board but its single runs."""
    yard = Yardstick(board)
    setting = json.loads(_any_entry(board).setting)
    return {
        "label": plain_text(board.label),
        "suite": plain_text(board.suite),
        "version": plain_text(setting["suite_version"]),
        "options": clipped(setting["options"]),
        "budget": board.budget,
        "metric": plain_text(board.metric),
        "direction": plain_text(direction(board)),
        "machine": plain_text(yard.machine or ""),
        "tasks": [
            {"name": plain_text(task.name), "label": plain_text(task.label), "metric": plain_text(task.metric)}
            for task in board.tasks
        ],
        "unseen": [plain_text(name) for name in board.unseen],
        "rows": [
            _row_data(board, row, curve, controls) for row, curve in zip(board.rows, board_curves(board), strict=True)
        ],
        "tables": [{"name": name, **table_data(table), **_cells(board, name, table)} for name, table in tables],
        "surface": _surface(board, registry),
    }


def table_data(table: Table) -> dict[str, Any]:
    """Head and notes of a table."""
    return {
        "title": plain_text(table.title),
        "columns": [plain_text(head) for head in table.columns],
        "align": table.align or "l" + "r" * (len(table.columns) - 1),
        "notes": [long_text(note) for note in table.notes],
    }


def _cells(board: Board, name: str, table: Table) -> dict[str, Any]:
    place = {row.name: index for index, row in enumerate(board.rows)}
    return {
        "behind": behind(board, name, table.columns),
        "rows": [[place[row[0]], *(long_text(cell) for cell in row[1:])] for row in table.rows],
    }


def _row_data(board: Board, row: Row, curve: Mapping[str, Any] | None, controls: frozenset[str]) -> dict[str, Any]:
    asked, setting = json.loads(row.asked), json.loads(_any_entry(board).setting)
    protocol = {**asked["protocol"], "budget": board.budget}
    return {
        "name": plain_text(row.name),
        "method": plain_text(asked["method"]),
        "version": plain_text(asked["method_version"]),
        "control": row.variant in controls,
        "done": len(row.done),
        "diverged": row.diverged,
        "failed": row.failed,
        "settings": clipped(asked["settings"]),
        "protocol": clipped(protocol),
        "command": row_command(setting["suite"], setting["options"], asked["method"], asked["settings"], protocol),
        "curve": curve,
    }


def _any_entry(board: Board) -> Entry:
    return next(entry for row in board.rows for entry in row.entries)


def run_lines(board: Board, shares: Shares) -> list[str]:
    """For each run, row by row and seed by seed, one JSON text.

    A list of row, seed, key, status, average, zero-shot average, cosine, the numbers of the texts that it shares
    (about, shape), and its values.
    """
    lines = []
    for place, entry, shown in _runs(board):
        told = [entry.average, entry.average_unseen, entry.cosine]
        shared = [shares.number(shown.about), shares.number(shown.shape)]
        head = compact([place, clipped(entry.seed), plain_text(entry.key), entry.status, *told, *shared])
        lines.append(f"{head[:-1]},{shown.values}]")
    return lines


def with_courses(board: Board, lines: Iterable[str]) -> Iterator[str]:
    """``run_lines`` with each run's course at the end of its list."""
    for line, (_, entry, shown) in zip(lines, _runs(board), strict=True):
        yield f"{line[:-1]},{course_text(shown.course, len(entry.tasks))}]"


def _runs(board: Board) -> Iterator[tuple[int, Entry, Shown]]:
    for place, row in enumerate(board.rows):
        for entry in row.entries:
            if entry.shown is not None:
                yield place, entry, entry.shown


def path_lines(board: Board, nth: int) -> Iterator[tuple[int, str]]:
    """The paths of every row's ``nth`` finished run, from 0 on: the row's place, and one JSON text.

    A list of row, seed, model, and gradients, x, y, gradients, x, y ...
    """
    for place, row in enumerate(board.rows):
        for entry in row.done[nth : nth + 1]:
            for model, path in sorted(entry.paths.items()):
                yield place, f"{compact([place, clipped(entry.seed), plain_text(model)])[:-1]},{numbers(path)}]"


def _surface(board: Board, registry: Registry | None) -> dict[str, Any] | None:
    """Each task's loss on a grid around all paths, row by row from the lowest y; None where nobody knows it."""
    paths = [path for row in board.rows for entry in row.done for path in entry.paths.values()]
    suite = _suite(board, registry) if paths else None
    if suite is None:
        return None
    spans = [_span([value for path in paths for value in path[axis::3]]) for axis in (1, 2)]
    wide, high = ([low + (top - low) * step / (_GRID - 1) for step in range(_GRID)] for low, top in spans)
    try:
        losses = [suite.surface((x, y)) for y in high for x in wide]
        if losses[0] is None:
            return None
        tasks = {plain_text(name): [short(float(loss[name])) for loss in losses] for name in losses[0]}
    except Exception:  # a plugin's mistake: the paths are drawn without their surface
        return None
    return {"x": [wide[0], wide[-1]], "y": [high[0], high[-1]], "side": _GRID, "tasks": tasks}


def _suite(board: Board, registry: Registry | None) -> Any:
    setting = json.loads(_any_entry(board).setting)
    if registry is None or setting["suite"] not in registry.suites:
        return None
    cls = registry.suites[setting["suite"]].cls
    if cls.version != setting["suite_version"]:
        return None
    try:
        return build(cls, setting["options"], f"suite {setting['suite']}")
    except MtlbenchError:
        return None


def _span(values: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest with a margin, in few digits."""
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 1.0
    return float(f"{low - margin:.4g}"), float(f"{high + margin:.4g}")


def compact(value: Any) -> str:
    """JSON in ASCII without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
