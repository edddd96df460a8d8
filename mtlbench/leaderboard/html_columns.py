"""What stands behind a column of a table: the quantity that runs have each, and the row that it is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.leaderboard.html_runs import plain_text
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board, Row

__all__ = ["behind"]

_HEADS: Mapping[str, Mapping[str, str]] = {
    "scores": {"Average": "average", "Zero-shot": "zero-shot"},
    "zero-shot": {"Average": "zero-shot"},
    "cost": {
        "Gradients": "count:gradients",
        "Updates": "count:optimizer_steps",
        "Extra forwards": "count:extra_forwards",
        "Examples": "count:examples",
        "Tokens": "count:tokens",
        "Seconds": "seconds:train",
        "Seconds ratio": "seconds:train",
        "Step": "step_seconds",
        "Memory": "peak_bytes",
    },
    "efficiency": {
        "Gradients s": "seconds:gradients",
        "Combine s": "seconds:combine",
        "Update s": "seconds:update",
        "Other s": "seconds:other",
        f"Seconds to {REFERENCE}": "seconds:train",
        f"At {REFERENCE}'s seconds": "seconds:train",
        f"At {REFERENCE}'s memory": "peak_bytes",
    },
    "analysis": {
        "Cosine": "cosine",
        "L2": "l2",
        "Masked-LM loss, seen": "masked-seen",
        "Masked-LM loss, unseen": "masked-unseen",
    },
}
_OTHERWISE = {"tape": "cosine"}
_BY_TASK = ("scores", "transfer")
_AGAINST_REFERENCE = {
    "comparison": ("Shared", f"To {REFERENCE}", "p", "Flip p"),
    "standing": (f"Against {REFERENCE}", "Adjusted p"),
    "cost": ("Seconds ratio", "Step", "Memory"),
    "efficiency": (f"At {REFERENCE}'s seconds", f"At {REFERENCE}'s memory"),
}
_AGAINST_SINGLE = {"comparison": (f"To {SINGLE}", f"p ({SINGLE})", "Δm %")}


def behind(board: Board, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """For each column ``{"of": quantity}``, with ``"to": row index`` where the column holds it against another row.

    A column that is not known here rests on the runs' averages, as ranks and verdicts do.
    """
    tasks = len(board.tasks) if name in _BY_TASK else 0
    unseen = len(board.unseen) if name == "zero-shot" else 0
    first_own = len(columns) - tasks - unseen
    found = []
    for place, head in enumerate(columns):
        own = place - first_own
        if own >= 0:
            quantity = f"task:{own}" if tasks else f"unseen:{plain_text(board.unseen[own])}"
        else:
            quantity = _HEADS.get(name, {}).get(head, _OTHERWISE.get(name, "average"))
        other = _other(board, name, head, own)
        found.append({"of": quantity} if other is None else {"of": quantity, "to": board.rows.index(other)})
    return found


def _other(board: Board, name: str, head: str, own: int) -> Row | None:
    if name == "profile" or head in _AGAINST_REFERENCE.get(name, ()):
        return board.reference
    if head in _AGAINST_SINGLE.get(name, ()) or (name == "transfer" and own >= 0):
        return board.single
    return None
