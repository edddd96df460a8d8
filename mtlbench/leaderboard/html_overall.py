"""The tables of no single board for the page, with the rows that their numbers are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.claims import Claim
from mtlbench.leaderboard.html_data import table_data
from mtlbench.leaderboard.html_runs import long_text
from mtlbench.leaderboard.judging import control_text, judged
from mtlbench.leaderboard.model import Board, Row

__all__ = ["overall_data"]

_QUANTITIES = ("average", "zero-shot", "cosine", "l2", "masked-seen", "masked-unseen")
"""Those that single runs have; what else a claim is about rests on their averages."""


def overall_data(tables: Mapping[str, Table], claims: Sequence[Claim], boards: Sequence[Board]) -> list[dict[str, Any]]:
    """Each table with its name and what is behind its numbers. claims: those of the table of that name."""
    behind: dict[str, Callable[[Table], dict[str, Any]]] = {
        "claims": lambda _: _behind_claims(claims, boards),
        "beside": lambda table: _behind_values(table, boards),
        "ratios": _behind_nothing,
    }
    return [{"name": name, **_whole(table), **behind[name](table)} for name, table in tables.items()]


def _behind_nothing(table: Table) -> dict[str, Any]:
    """Of numbers that no record holds."""
    return {"opens": [], "behind": [{"opens": None}] * len(table.rows)}


def _behind_claims(claims: Sequence[Claim], boards: Sequence[Board]) -> dict[str, Any]:
    places = {id(board): place for place, board in enumerate(boards)}
    behind = []
    for one in judged(claims, boards):
        board, place = one.board, places[id(one.board)]
        parts = [
            [long_text(control_text(control, found)), _behind(one.claim, place, board, board.called(control))]
            for control, found in one.controls
        ]
        behind.append({"opens": _behind(one.claim, place, board, one.against), "parts": parts})
    return {"opens": ["n", "Effect", "Verdict"], "parts": "Against controls", "behind": behind}


def _behind_values(table: Table, boards: Sequence[Board]) -> dict[str, Any]:
    places = {board.label: place for place, board in enumerate(boards)}
    behind = []
    for label, method, quantity, task, *_ in table.rows:
        board = boards[places[label]]
        row = board.called(method)
        trained = [column.name for column in board.tasks]
        of = (
            f"task:{trained.index(task)}" if task in trained else f"unseen:{task}" if task in board.unseen else quantity
        )
        behind.append({"opens": row and {"board": places[label], "row": board.rows.index(row), "of": of}})
    return {"opens": ["Paper", "Ours", "n", "Difference", "Verdict"], "behind": behind}


def _whole(table: Table) -> dict[str, Any]:
    return {**table_data(table), "rows": [[long_text(cell) for cell in row] for row in table.rows]}


def _behind(claim: Claim, place: int, board: Board, second: Row | None) -> dict[str, Any] | None:
    """The two rows and the quantity that an effect is of; None where one of the rows is not there."""
    first = board.called(claim.method)
    if first is None or second is None:
        return None
    quantity = claim.quantity if claim.quantity in _QUANTITIES else "average"
    if claim.tasks:
        trained = [task.name for task in board.tasks]
        quantity = f"tasks:{','.join(str(trained.index(task)) for task in claim.tasks)}"
    return {"board": place, "row": _index(board, first), "of": quantity, "to": _index(board, second)}


def _index(board: Board, wanted: Row) -> int:
    return next(place for place, row in enumerate(board.rows) if row is wanted)
