"""The board as one HTML file that holds its data, its style and its scripts, and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.alarms import alarms
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.claims import Claim
from mtlbench.leaderboard.escaping import for_html
from mtlbench.leaderboard.html_data import Shares, board_data, compact, path_lines, run_lines, with_courses
from mtlbench.leaderboard.html_overall import overall_data
from mtlbench.leaderboard.html_runs import long_text
from mtlbench.leaderboard.model import Board

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["HTML", "html_page"]

HTML = "index.html"
_ASSETS = Path(__file__).parent / "page_assets"
_SCRIPTS = ("text", "store", "theme", "columns", "record", "tables", "curves", "plane", "filters", "main")
"""Of ours, in the order in which they are joined; they share one scope."""
_ROOM = 9_000_000
"""Bytes that runs and paths may take; else curves of single runs, then paths of later seeds, then runs are left out."""
_LISTED = 500
"""Lines of a list of alarms or problems."""


def html_page(
    reading: Reading,
    tables: Sequence[Sequence[tuple[str, Table]]],
    overall: Mapping[str, Table],
    claims: Sequence[Claim] = (),
    registry: Registry | None = None,
) -> str:
    """The page. tables: of each board in turn, by name. overall: those of no single board, by name."""
    controls = frozenset(control for claim in claims for control in claim.controls)
    boards = [board_data(board, named, controls, registry) for board, named in zip(reading.boards, tables, strict=True)]
    runs, paths, shared, cut = _fitted(reading)
    front = {
        "boards": len(boards),
        "overall": overall_data(overall, claims, reading.boards),
        "alarms": _listed(alarms(reading.boards)),
        "problems": _listed([problem.line() for problem in reading.problems]),
        "cut": cut,
        "library": {name: _vendored()[name] for name in ("package", "version", "licence")},
    }
    blocks = [_block("front", compact(front)), _block("shared", _list(shared))]
    for place, board in enumerate(boards):
        blocks += [
            _block(f"board-{place}", _by_line(board)),
            _block(f"runs-{place}", _list(runs[place])),
            _block(f"paths-{place}", _list(paths[place])),
        ]
    return _filled(blocks)


def _fitted(reading: Reading) -> tuple[list[list[str]], list[list[str]], list[str], list[str]]:
    """Runs and paths of every board, what they share, and what had to be left out, in words."""
    shares = Shares()
    runs = [run_lines(board, shares) for board in reading.boards]
    paths, all_paths = _paths(reading.boards, _ROOM - _size(runs))
    cut = []
    whole = _with_courses(reading.boards, runs, _ROOM - _size(paths)) if all_paths else None
    if whole is None:
        cut.append("Curves of single runs; the means over seeds are all here.")
    else:
        runs = whole
    if not all_paths:
        cut.append("Paths through the plane" + (", but for the first seeds of each row." if any(paths) else "."))
    if _size(runs) > _ROOM:
        room = _ROOM // max(1, len(runs))
        kept = [_head(lines, room) for lines in runs]
        lost = sum(map(len, runs)) - sum(map(len, kept))
        runs = kept
        cut.append(f"Details of {lost} runs; mtlbench show KEY and mtlbench explain KEY tell them.")
    return runs, paths, list(shares.texts), cut


def _paths(boards: Sequence[Board], room: int) -> tuple[list[list[str]], bool]:
    """Each board's paths of as many finished runs of each row as there is room for, and whether those are all."""
    kept: list[list[tuple[int, str]]] = [[] for _ in boards]
    for nth in range(max((len(row.done) for board in boards for row in board.rows), default=0)):
        more = [[*path_lines(board, nth)] for board in boards]
        room -= sum(len(line) for lines in more for _, line in lines)
        if room < 0 and any(more):
            return _by_row(kept), False
        for lines, new in zip(kept, more, strict=True):
            lines += new
    return _by_row(kept), True


def _by_row(paths: Sequence[Sequence[tuple[int, str]]]) -> list[list[str]]:
    """Row by row and seed by seed, from seed by seed and row by row."""
    return [[line for _, line in sorted(lines, key=itemgetter(0))] for lines in paths]


def _with_courses(boards: Sequence[Board], runs: Sequence[Sequence[str]], room: int) -> list[list[str]] | None:
    """The lines of all runs with their courses; None, soon, where they do not fit."""
    room -= _size(runs)
    whole: list[list[str]] = []
    for board, lines in zip(boards, runs, strict=True):
        whole.append([])
        for line, longer in zip(lines, with_courses(board, lines), strict=True):
            room -= len(longer) - len(line)
            if room < 0:
                return None
            whole[-1].append(longer)
    return whole


def _size(lists: Sequence[Sequence[str]]) -> int:
    return sum(len(line) for lines in lists for line in lines)


def _head(lines: Sequence[str], room: int) -> list[str]:
    """The first lines that fit."""
    kept = []
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return kept


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return [long_text(line) for line in lines[:_LISTED]] + more


def _by_line(board: dict[str, Any]) -> str:
    """A board's JSON with a line for each row and each table, so that a change shows as one."""
    lists = ("rows", "tables")
    rest = compact({name: value for name, value in board.items() if name not in lists})
    return rest[:-1] + "".join(f',\n"{name}":{_list([compact(one) for one in board[name]])}' for name in lists) + "}"


def _list(lines: Sequence[str]) -> str:
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def _block(name: str, text: str) -> str:
    """JSON inside a script that is no program; no ``<`` in it, so that nothing can end it or open another."""
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="{name}">{safe}</script>'


def _filled(blocks: Sequence[str]) -> str:
    style, library, program = _style(), _asset("uPlot.iife.min.js"), _program()
    policy = (
        f"default-src 'none'; script-src {_source(library)} {_source(program)}; style-src {_source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    filled, rest = "", _asset("page.html")
    for mark, text in {
        "{{policy}}": for_html(policy),
        "{{style}}": f"<style>{style}</style>",
        "{{data}}": "\n".join(blocks),
        "{{library}}": f"<script>{library}</script>",
        "{{program}}": f"<script>{program}</script>",
    }.items():
        before, _, rest = rest.partition(mark)
        filled += before + text
    return filled + rest


@lru_cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _vendored() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_asset("vendored.json"))
    return told


def _style() -> str:
    return _asset("uPlot.min.css") + "\n" + _asset("page.css")


def _program() -> str:
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _source(text: str) -> str:
    """A policy's name for an inline text: its digest."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
