"""The claims for the page: their table, and of each effect the two rows that it is between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtlbench.leaderboard.claims import Claim, claims_table
from mtlbench.leaderboard.html_data import table_data
from mtlbench.leaderboard.html_runs import plain_text
from mtlbench.leaderboard.model import Board

__all__ = ["claims_data"]

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
    rows = [[plain_text(cell) for cell in row] for row in table.rows]
    return {**table_data(table), "rows": rows, "behind": behind}


def _behind(claim: Claim, place: int, board: Board) -> dict[str, Any] | None:
    first, second = board.called(claim.method), board.called(claim.against)
    if first is None or second is None:
        return None
    quantity = claim.quantity if claim.quantity in _QUANTITIES else "average"
    return {"board": place, "row": board.rows.index(first), "of": quantity, "to": board.rows.index(second)}
