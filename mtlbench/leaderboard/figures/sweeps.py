"""One setting at several values, all others equal: the score and the cosine against it (Figs. 7b and 8b)."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.figures.model import Cell, Figure, Sheet, interval_cells, is_wide
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.statistics import estimate
from mtlbench.study.keys import canonical_json

__all__ = ["sweeps"]

_LEAST = 3
"""Values that make a sweep: two are a comparison."""


def sweeps(board: Board) -> Iterator[Figure]:
    """A figure for each method and numeric setting that was run at three values or more, all else equal."""
    taken: set[str] = set()
    for (method, name), rows in sorted(_families(board).items()):
        values = [float(value) for value, _ in rows]
        stem = f"{board.slug}-sweep-{_plain(method)}-{_plain(name)}"
        if stem in taken:
            continue
        taken.add(stem)
        wide = is_wide(values)
        yield Figure(
            stem=stem,
            kind="sweep",
            form="lines",
            title=f"{board.label}: {method} at several values of {name}",
            note="All other settings are equal. Bars: 95 % t intervals over seeds, cut at the edges.",
            x=f"{name} (log scale)" if wide else name,
            boards=(board.slug,),
            sheet=Sheet.of(["panel", "series", "seeds", "x", "y", "low", "high"], list(_points(board, rows))),
            style={"line": "settings", "panels": "own", **({"log": "x"} if wide else {})},
        )


def _families(board: Board) -> dict[tuple[str, str], list[tuple[float, Row]]]:
    """(method, setting) to its values with their rows, rising: of several families the one with most values."""
    by_method: dict[str, list[tuple[dict[str, Any], Row]]] = defaultdict(list)
    for row in board.rows:
        asked = json.loads(row.asked)
        by_method[asked["method"]].append((asked, row))
    groups: dict[tuple[str, str, str], list[tuple[float, Row]]] = defaultdict(list)
    for asked, row in [pair for pairs in by_method.values() if len(pairs) >= _LEAST for pair in pairs]:
        for block in ("settings", "protocol"):
            for name, value in asked[block].items():
                if isinstance(value, (int, float)) and not isinstance(value, bool) and row.averages:
                    rest = {**asked, block: {key: other for key, other in asked[block].items() if key != name}}
                    groups[asked["method"], name, canonical_json(rest)].append((value, row))
    best: dict[tuple[str, str], list[tuple[float, Row]]] = {}
    for (method, name, _), rows in sorted(groups.items(), key=lambda item: item[0]):
        if len(rows) >= _LEAST and len(rows) > len(best.get((method, name), ())):
            best[method, name] = sorted(rows, key=lambda pair: pair[0])
    return best


def _points(board: Board, rows: list[tuple[float, Row]]) -> Iterator[list[Cell]]:
    def average(entry: Entry) -> float | None:
        return entry.average

    def cosine(entry: Entry) -> float | None:
        return entry.cosine

    for panel, read in ((f"average test {board.metric}", average), ("pairwise cosine", cosine)):
        for value, row in rows:
            found = estimate(row.values(read))
            if found is not None:
                n, *cells = interval_cells(found)
                yield [panel, panel, n, value, *cells]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "setting"
