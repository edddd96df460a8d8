"""Claims held against boards: the effect, the verdict, and what the controls make of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.leaderboard.comparison import interval_cell
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.statistics import LEVEL, Estimate, holm

if TYPE_CHECKING:
    from mtlbench.leaderboard.claims import Claim

__all__ = ["ALL", "Judgement", "control_text", "judged", "verdict_of"]

ALL = "all"
"""What a claim is ``against`` that is about every other method of the board."""


@dataclass(frozen=True)
class Judgement:
    """A claim on a board that has runs to judge it by."""

    claim: Claim
    board: Board
    effect: Estimate
    """The paired difference to ``against``, positive in the claimed direction."""
    against: Row
    """The row that the claim names; of a claim against all, the one over which the difference is the smallest."""
    rivals: int
    """How many rows ``against`` was chosen from."""
    plain: str
    """``holds``, ``fails`` or ``undecided``, whatever the controls say."""
    controls: tuple[tuple[str, Estimate | None], ...]
    """The effect over each control; None without runs of it."""

    @property
    def verdict(self) -> str:
        """With what takes from a claim that holds: controls that are not beaten, or were not run."""
        unbeaten = [name for name, found in self.controls if found and verdict_of(found) != "holds"]
        missing = [name for name, found in self.controls if not found]
        if self.plain != "holds" or not (unbeaten or missing):
            return self.plain
        but = [f"but not against {', '.join(unbeaten)}"] if unbeaten else []
        lacks = [f"controls not run: {', '.join(missing)}"] if missing else []
        return f"holds, {'; '.join(but + lacks)}"

    def effect_text(self) -> str:
        """The effect as tables show it."""
        found = interval_cell(self.effect, plus=True)
        return found if self.claim.against != ALL else f"{found} (to {self.against.name}, least of {self.rivals})"


def verdict_of(effect: Estimate) -> str:
    """``holds``, ``fails`` (the opposite is significant) or ``undecided``; by a paired t test at 5 %."""
    return _verdict(effect.mean, effect.p)


def _verdict(mean: float, p: float | None) -> str:
    if p is None or p >= LEVEL:
        return "undecided"
    return "holds" if mean > 0 else "fails"


def judged(claims: Sequence[Claim], boards: Sequence[Board]) -> list[Judgement]:
    """Each claim with each board that it speaks of and that has runs to judge it by."""
    found = [_judgement(claim, board) for board in boards for claim in claims]
    return [one for one in found if one is not None]


def _judgement(claim: Claim, board: Board) -> Judgement | None:
    if claim.suites and board.suite not in claim.suites:
        return None
    rivals = _rivals(claim, board)
    if not rivals:
        return None
    if claim.against == ALL:
        adjusted = holm([effect.p for _, effect in rivals])
        verdicts = [_verdict(effect.mean, p) for (_, effect), p in zip(rivals, adjusted, strict=True)]
        plain = "fails" if "fails" in verdicts else "undecided" if "undecided" in verdicts else "holds"
    else:
        plain = verdict_of(rivals[0][1])
    row, effect = min(rivals, key=lambda one: (one[1].mean, one[0].name))
    controls = tuple((control, claim.effect(board, board.called(control))) for control in claim.controls)
    return Judgement(claim, board, effect, row, len(rivals), plain, controls)


def _rivals(claim: Claim, board: Board) -> list[tuple[Row, Estimate]]:
    """The rows that the claim is against, with its effect over each.

    All: other methods than the claim's, whatever their settings, but for its controls, which are judged apart, and
    for rows that share fewer than two seeds with it, of which nothing can be said.
    """
    if claim.against != ALL:
        row = board.called(claim.against)
        effect = claim.effect(board, row)
        return [(row, effect)] if row is not None and effect is not None else []
    own = board.called(claim.method)
    if own is None:
        return []
    method = _method(own)
    others = [row for row in board.rows if row.variant not in claim.controls and _method(row) != method]
    effects = [(row, claim.effect(board, row)) for row in others]
    return [(row, effect) for row, effect in effects if effect is not None and effect.n > 1]


def _method(row: Row) -> str:
    return str(json.loads(row.asked)["method"])


def control_text(control: str, found: Estimate | None) -> str:
    """How a claim stands against one of its controls; found: the effect there, None without runs to judge by."""
    return f"{control}: {verdict_of(found)} ({interval_cell(found, plus=True)})" if found else f"{control}: no runs"
