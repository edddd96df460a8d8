"""Suites whose model is a point in the plane: the surface, and each method's way over it (Figs. 3 and 9 to 11)."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import MtlbenchError
from mtlbench.interface.settings import build
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import mean_of

if TYPE_CHECKING:
    from mtlbench.interface.suite import Suite
    from mtlbench.plugins import Registry

__all__ = ["in_the_plane", "plane"]

_SIDE = 51
"""Points of the surface along each axis."""
_MARGIN = 0.05
"""Of the paths' extent, left free around them."""
_SHORTEST = 0.008
"""Of the extent: points of a path that lie closer to the one before are left out."""


def plane(boards: Sequence[Board], registry: Registry | None) -> Iterator[Figure]:
    """The surface and the paths of every suite whose records hold ways through a plane.

    Boards of one suite are the starts of one picture. The surface is the suite's own function of the point
    (``Suite.surface``), which is asked for through the registry; where the suite is not installed, or is another
    version than the records', paths are drawn without it.
    """
    groups: dict[str, list[Board]] = defaultdict(list)
    for board in boards:
        if in_the_plane(board):
            groups[board.suite].append(board)
    taken: set[str] = set()
    for suite, members in sorted(groups.items()):
        stem = re.sub(r"[^a-z0-9]+", "-", suite.lower()).strip("-")[:40] or "suite"
        if stem in taken:
            continue
        taken.add(stem)
        found = [(board, _suite(board, registry)) for board in members]
        ways = _ways(members)
        if not ways:
            continue
        slugs = tuple(board.slug for board in members)
        behind = _surface(next((one for _, one in found if one is not None), None), members[0], _frame(ways))
        if behind is not None:
            yield _heat(stem, suite, slugs, behind)
        yield Figure(
            stem=f"{stem}-paths",
            kind="paths",
            form="paths",
            title=f"{suite}: paths of the methods",
            note="Rings: starts. Filled: where a path ends. The lowest seed of every method"
            + ("; single-task learning has a path a task" if any(way[3] != "all" for way in ways) else "")
            + (". Grey: contours of the sum of the losses." if behind is not None else "."),
            x="first coordinate",
            y="second coordinate",
            boards=slugs,
            sheet=Sheet.of(["start", "method", "seed", "model", "gradients", "x", "y"], ways),
            behind=behind,
        )


def in_the_plane(board: Board) -> bool:
    """Whether the board's models were followed through a plane."""
    return any(_first(row) is not None for row in board.rows)


def _heat(stem: str, suite: str, slugs: tuple[str, ...], behind: Sheet) -> Figure:
    return Figure(
        stem=f"{stem}-surface",
        kind="surface",
        form="heat",
        title=f"{suite}: losses, and the cosine between their gradients",
        note="Left: the sum of the losses; crosses: the lowest point of each task. Right: mean cosine over pairs of "
        "tasks' gradients.",
        x="first coordinate",
        y="second coordinate",
        boards=slugs,
        sheet=behind,
    )


def _first(row: Row) -> Any:
    return next((entry for entry in row.done if entry.paths), None)


def _suite(board: Board, registry: Registry | None) -> Suite | None:
    """The board's suite with its options, if what is installed is what the records were made with."""
    offered = registry.suites.get(board.suite) if registry else None
    entries = [entry for row in board.rows for entry in row.entries]
    if offered is None or not entries:
        return None
    asked = json.loads(entries[0].setting)
    if offered.cls.version != asked["suite_version"]:
        return None
    try:
        built: Suite = build(offered.cls, asked["options"], f"suite {board.suite}")
    except MtlbenchError:  # options of another release
        return None
    return built


def _ways(boards: Sequence[Board]) -> list[list[Cell]]:
    """Rows start, method, seed, model, gradients, x, y of the first seed of every row of every board."""
    found = [(board, row, _first(row)) for board in boards for row in board.rows]
    paths = [(board, row, entry, *path) for board, row, entry in found if entry for path in entry.paths.items()]
    reach = max((max(map(abs, numbers[place::3])) for *_, numbers in paths for place in (1, 2)), default=0.0)
    ways: list[list[Cell]] = []
    for board, row, entry, model, numbers in paths:
        last: tuple[float, float] | None = None
        steps = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
        for place, (gradients, x, y) in enumerate(steps):
            if last is None or place == len(steps) - 1 or math.dist(last, (x, y)) >= _SHORTEST * reach:
                last = (x, y)
                ways.append([_start(board), row.name, entry.seed, model, int(gradients), x, y])
    return ways


def _start(board: Board) -> str:
    """What tells the board from the suite's others."""
    return board.label.removeprefix(board.suite).strip("[]") or board.label


def _frame(ways: Sequence[Sequence[Any]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """(low, high) of x and of y: the paths with a margin, on whole numbers."""
    sides = []
    for place in (-2, -1):
        low, high = min(way[place] for way in ways), max(way[place] for way in ways)
        margin = _MARGIN * ((high - low) or 1.0)
        unit = 10.0 ** math.floor(math.log10(margin * 4))
        sides.append((math.floor((low - margin) / unit) * unit, math.ceil((high + margin) / unit) * unit))
    return sides[0], sides[1]


def _surface(suite: Suite | None, board: Board, frame: tuple[tuple[float, float], tuple[float, float]]) -> Sheet | None:
    """Losses, their sum and the mean cosine on a grid; None where the suite has no such function."""
    if suite is None:
        return None
    tasks = [task.name for task in board.tasks]
    (left, right), (bottom, top) = frame
    rows: list[list[Cell]] = []
    for down in range(_SIDE):
        for along in range(_SIDE):
            x = left + (right - left) * along / (_SIDE - 1)
            y = bottom + (top - bottom) * down / (_SIDE - 1)
            losses = suite.surface((x, y))
            if losses is None or set(losses) != set(tasks):
                return None
            cosine = _mean_cosine(suite, x, y, tasks, 1e-4 * (right - left))
            rows.append([x, y, math.fsum(losses.values()), f"{cosine:.3f}", *(float(losses[name]) for name in tasks)])
    return Sheet.of(["x", "y", "sum", "cosine", *tasks], rows)


def _mean_cosine(suite: Suite, x: float, y: float, tasks: Sequence[str], step: float) -> float:
    """Over the pairs of tasks, of gradients by central differences; a gradient that vanishes has cosine 0."""

    def losses(*point: float) -> Mapping[str, float]:
        return suite.surface(point) or {}

    sides = [(losses(x - step, y), losses(x + step, y)), (losses(x, y - step), losses(x, y + step))]
    slopes = [[high[name] - low[name] for low, high in sides] for name in tasks]
    lengths = [math.hypot(*slope) for slope in slopes]
    units = [
        [part / length if length > 0 else 0.0 for part in slope] for slope, length in zip(slopes, lengths, strict=True)
    ]
    cosines = [
        math.fsum(a * b for a, b in zip(one, other, strict=True))
        for place, one in enumerate(units)
        for other in units[place + 1 :]
    ]
    return round(mean_of(cosines), 3) + 0.0 if cosines else 0.0
