"""The tables of all boards for the page, claims and the paper's values, with the rows that their numbers are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtlbench.interface.run import Table
from mtlbench.leaderboard.claims import Claim, claims_table
from mtlbench.leaderboard.html_data import table_data
from mtlbench.leaderboard.html_runs import long_text
from mtlbench.leaderboard.model import Board

__all__ = ["beside_data", "claims_data"]

_QUANTITIES = ("average", "zero-shot", "cosine", "l2", "masked-seen", "masked-unseen")
"""Those that single runs have; what else a claim is about rests on their averages."""


def claims_data(claims: Sequence[Claim], boards: Sequence[Board]) -> dict[str, Any] | None:
    """None where there are no claims."""
    table = claims_table(claims, boards)
    if table is None:
        return None
    places = {board.label: place for place, board in enumerate(boards)}
    told = {claim.text: claim for claim in claims}
    behind = []
    for label, text, *_ in table.rows:
        place, claim = places.get(label), told.get(text)
        behind.append(None if place is None or claim is None else _behind(claim, place, boards[place]))
    return {**_whole(table), "opens": "Effect", "behind": behind}


def beside_data(table: Table | None, boards: Sequence[Board]) -> dict[str, Any] | None:
    """The paper's values beside ours; None where there is no such table."""
    if table is None:
        return None
    places = {board.label: place for place, board in enumerate(boards)}
    behind = []
    for label, method, quantity, task, *_ in table.rows:
        board = boards[places[label]]
        row = board.called(method)
        trained = [column.name for column in board.tasks]
        of = (
            f"task:{trained.index(task)}" if task in trained else f"unseen:{task}" if task in board.unseen else quantity
        )
        behind.append(row and {"board": places[label], "row": board.rows.index(row), "of": of})
    return {**_whole(table), "opens": "Ours", "behind": behind}


def _whole(table: Table) -> dict[str, Any]:
    return {**table_data(table), "rows": [[long_text(cell) for cell in row] for row in table.rows]}


def _behind(claim: Claim, place: int, board: Board) -> dict[str, Any] | None:
    first, second = board.called(claim.method), board.called(claim.against)
    if first is None or second is None:
        return None
    quantity = claim.quantity if claim.quantity in _QUANTITIES else "average"
    return {"board": place, "row": board.rows.index(first), "of": quantity, "to": board.rows.index(second)}
