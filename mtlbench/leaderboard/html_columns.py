"""What stands behind a column of a table: the quantity that runs have each, and the row that it is held against."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mtlbench.leaderboard.html_runs import plain_text
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board, Row

__all__ = ["behind"]

_HEADS: Mapping[str, Mapping[str, str]] = {
    "scores": {"Average": "average", "Zero-shot": "zero-shot"},
    "zero-shot": {"Average": "zero-shot"},
    "intervals": {"Zero-shot": "zero-shot"},
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
    "further-metrics": {"Average": "extras"},
    "analysis": {
        "Cosine": "cosine",
        "L2": "l2",
        "Masked-LM loss, seen": "masked-seen",
        "Masked-LM loss, unseen": "masked-unseen",
    },
}
_BY_TASK = ("scores", "intervals", "transfer", "further-metrics")
_OF_METRIC = "further-metrics"
"""A table with a line for every method and metric: there, a quantity is of the metric of its line."""
_HOLM = ("Holm p", "Holm flip p")
_AGAINST_REFERENCE = {
    "comparison": ("Shared", f"To {REFERENCE}", "p", "Flip p"),
    "standing": (f"Against {REFERENCE}", *(f"{name} ({REFERENCE})" for name in _HOLM)),
    "cost": ("Seconds ratio", "Step", "Memory"),
    "efficiency": (
        f"Gradients to {REFERENCE}",
        f"Seconds to {REFERENCE}",
        f"At {REFERENCE}'s seconds",
        f"At {REFERENCE}'s memory",
    ),
}
_AGAINST_SINGLE = {
    "comparison": (f"To {SINGLE}", f"p ({SINGLE})", "Δm %"),
    "standing": tuple(f"{name} ({SINGLE})" for name in _HOLM),
}
_TOGETHER: Mapping[str, Collection[str]] = {
    "comparison": ("Δm %",),
    "transfer": ("Below", "Tasks below"),
    "standing": ("Place", "Rank", "95 % interval", "First", "Wins"),
    "efficiency": (*_AGAINST_REFERENCE["efficiency"], "At half budget"),
    "cost": _AGAINST_REFERENCE["cost"],
    "further-metrics": ("Zero-shot",),
}
"""Columns that no quantity of single runs has the mean of."""
_ALL_TOGETHER = ("profile", "tape")


def behind(board: Board, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """For each column ``{"of": quantity}``, with ``"to": row index`` where the column holds it against another row, and
    ``"together": true`` where its numbers are made of runs' curves, tasks or ranks, and are no mean of the quantity.

    A column that is not known here rests on the runs' averages, as ranks and verdicts do.
    """
    unseen = len(board.unseen) if name in ("zero-shot", "intervals", "further-metrics") else 0
    tasks = len(board.tasks) if name in _BY_TASK else 0
    found = []
    for place, head in enumerate(columns):
        own = place - _first_task(board, name, columns) if tasks else -1
        other_task = place - (len(columns) - unseen)
        together = False
        if other_task >= 0:
            quantity = f"unseen:{plain_text(board.unseen[other_task])}"
            together = name == _OF_METRIC
        elif 0 <= own < tasks:
            quantity = f"extra:{own}" if name == _OF_METRIC else f"task:{own}"
        else:
            quantity = _HEADS.get(name, {}).get(head, "average")
            together = (name in _ALL_TOGETHER and place > 0) or head in _TOGETHER.get(name, ())
        other = _other(board, name, head, own)
        told: dict[str, Any] = {"of": quantity}
        if other is not None:
            told["to"] = board.rows.index(other)
        if together:
            told["together"] = True
        found.append(told)
    return found


def _first_task(board: Board, name: str, columns: Sequence[str]) -> int:
    """The column of the first trained task."""
    if name == "intervals":
        return 2
    behind_them = len(board.unseen) if name == _OF_METRIC else 0
    return len(columns) - len(board.tasks) - behind_them


def _other(board: Board, name: str, head: str, own: int) -> Row | None:
    if name == "profile" or head in _AGAINST_REFERENCE.get(name, ()):
        return board.reference
    if head in _AGAINST_SINGLE.get(name, ()) or (name == "transfer" and own >= 0):
        return board.single
    return None
