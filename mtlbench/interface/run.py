"""What hooks see of a run: plain, read-only descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Cell", "RunView", "Table"]


@dataclass(frozen=True)
class Cell:
    """What was asked: one method with settings on one suite with options, one seed, one protocol (budget included).

    All that is here, and the data fingerprint, is hashed into ``key``; nothing else is.
    """

    method: str
    settings: Mapping[str, Any]
    suite: str
    options: Mapping[str, Any]
    protocol: Mapping[str, Any]
    seed: int
    fingerprint: str
    method_version: str = "1"
    suite_version: str = "1"
    variant: str = ""
    """How boards name it: the method with what was overridden, as in ``mtl[rows=1]``; not hashed."""
    key: str = ""
    """sha256 (64 hex digits) of the canonical JSON of the rest."""


@dataclass(frozen=True)
class RunView:
    """A running cell."""

    cell: Cell
    meter: Mapping[str, int]
    """Counts so far: gradients, forwards, backwards, extra_forwards, examples, tokens, optimizer_steps."""
    seconds: Mapping[str, float]
    """Training seconds so far, by phase."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Task name to its score at the last evaluation point."""


@dataclass(frozen=True)
class Table:
    """A table of finished text cells. align: "l", "r" or "c" per column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str = ""
    notes: Sequence[str] = ()
