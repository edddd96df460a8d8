"""Claims of the literature as data, each held against the records of every board that it speaks of."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadSetting, nearest
from mtlbench.interface.run import Table
from mtlbench.leaderboard.contrasts import paired
from mtlbench.leaderboard.efficiency import first_crossing
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.judging import ALL, Judgement, control_text, judged
from mtlbench.leaderboard.model import Board, Row
from mtlbench.leaderboard.numbers import DASH, mean_of
from mtlbench.leaderboard.statistics import Estimate

__all__ = ["Claim", "claims_table", "read_claims"]

_AVERAGE, _ZERO_SHOT, _COST = "average", "zero-shot", "gradients"
_PROBES: dict[str, Callable[[Entry], float | None]] = {
    "cosine": lambda entry: entry.cosine,
    "l2": lambda entry: entry.distance,
    "masked-seen": lambda entry: entry.masked_seen,
    "masked-unseen": lambda entry: entry.masked_unseen,
}
_DIRECTIONS = dict.fromkeys([_AVERAGE, _ZERO_SHOT], ("better", "worse")) | dict.fromkeys(
    [*_PROBES, _COST], ("higher", "lower")
)

_OPPOSITES = {"worse": "better", "lower": "higher"}


@dataclass(frozen=True)
class Claim:
    """On ``quantity``, ``method`` is better (worse, higher, lower) than ``against``."""

    text: str
    method: str
    against: str
    """Another method, or ``all`` for every other one on the board."""
    quantity: str
    direction: str
    source: str = ""
    """Where it is claimed."""
    suites: tuple[str, ...] = ()
    """Names of the suites that it speaks of; none for all."""
    tasks: tuple[str, ...] = ()
    """The tasks that an average is over; none for all. Boards without one of them are not spoken of."""
    controls: tuple[str, ...] = ()
    """Methods that must be beaten as well before the claim may be put down to what is new in ``method``."""
    name: str = ""
    """What change logs call it: lower case, digits, hyphens."""

    @property
    def id(self) -> str:
        """Its name, or its text in the form of one."""
        return self.name or re.sub(r"[^a-z0-9]+", "-", self.text.lower()).strip("-")

    @property
    def says(self) -> str:
        """What is compared, and how: the same for a claim in other words, and for one that is turned round."""
        tasks = f" of {', '.join(sorted(self.tasks))}" if self.tasks else ""
        more, less, direction = self.method, self.against, self.direction
        if direction in _OPPOSITES and less != ALL:
            more, less, direction = less, more, _OPPOSITES[direction]
        return f"{self.quantity}{tasks}: {more} {direction} than {less}"

    def sign(self, board: Board) -> float:
        """+1 where the claim says that the number itself is higher."""
        if self.quantity in (_AVERAGE, _ZERO_SHOT):
            return board.sign if self.direction == "better" else -board.sign
        return 1.0 if self.direction == "higher" else -1.0

    def effect(self, board: Board, against: Row | None) -> Estimate | None:
        """The paired difference in the claimed direction; None without shared seeds."""
        own = board.called(self.method)
        if own is None or against is None:
            return None
        return paired(self._values(board, own), self._values(board, against), self.sign(board))

    def _values(self, board: Board, row: Row) -> dict[int, float]:
        found = {entry.seed: self._value(board, entry) for entry in row.done}
        return {seed: value for seed, value in found.items() if value is not None}

    def _value(self, board: Board, entry: Entry) -> float | None:
        if self.quantity == _COST:
            return _gradients_to_reference(board, entry)
        if self.quantity == _ZERO_SHOT:
            return entry.average_unseen
        if self.quantity != _AVERAGE:
            return _PROBES[self.quantity](entry)
        if not self.tasks:
            return entry.average
        scores = [entry.scores[task] for task in self.tasks if task in entry.scores]
        return mean_of(scores) if len(scores) == len(self.tasks) else None


def _gradients_to_reference(board: Board, entry: Entry) -> float | None:
    """Gradients until the dev curve is as good as the end of the reference's at the same seed; all of the budget for
    a run that never is, so that effects err towards none."""
    goal = board.reference.by_seed.get(entry.seed) if board.reference else None
    if goal is None or not goal.curve or goal.curve[-1].dev is None or not entry.curve:
        return None
    found = first_crossing(entry.curve, goal.curve[-1].dev, board.sign)
    return float(entry.budget) if found is None else found


def claims_table(claims: Sequence[Claim], boards: Sequence[Board]) -> Table | None:
    """One row for each claim and board that has runs to judge it by; None where there are no claims."""
    if not claims:
        return None
    found = judged(claims, boards)
    with_runs = {one.claim.id for one in found}
    unjudged = [claim.text for claim in claims if claim.id not in with_runs]
    return Table(
        title="Claims",
        columns=["Board", "Claim", "Source", "n", "Effect", "Verdict", "Against controls"],
        rows=[_row(one) for one in found],
        align="lllrrll",
        notes=[
            "Effect: mean paired difference in the claimed direction; ± is half of its 95 % t interval, over n seeds.",
            "Holds, fails: the effect or its opposite is significant at 5 %, not adjusted. Undecided: neither is.",
            "Where all differences are equal there is no spread to judge by, which few seeds leave undecided.",
            "Against all: the effect over the method that comes closest, of those with two shared seeds.",
            "It holds where every effect is significant, fails where the opposite of one is (Holm over the methods).",
            "A claim that holds, but not against a control, is one that the control explains as well.",
            *([f"No runs to judge by: {'; '.join(unjudged)}."] if unjudged else []),
        ],
    )


def _row(one: Judgement) -> list[str]:
    return [
        one.board.label,
        one.claim.text,
        one.claim.source or DASH,
        str(one.effect.n),
        one.effect_text(),
        one.verdict,
        "; ".join(control_text(control, found) for control, found in one.controls) or DASH,
    ]


def read_claims(path: Path) -> list[Claim]:
    """The claims of a TOML file; none where there is no file. Raises BadSetting that names the file and the claim."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise BadSetting(f"{path}: cannot be read as TOML: {error}") from None
    unknown = [name for name in content if name != "claim"]
    if unknown or not isinstance(content.get("claim", []), list):
        raise BadSetting(f"{path}: holds [[claim]] tables and nothing else, found {', '.join(unknown) or 'no list'}")
    claims = [_claim(table, f"{path}, claim {n}") for n, table in enumerate(content.get("claim", []), start=1)]
    twice = [name for name, count in Counter(claim.id for claim in claims).items() if count > 1]
    if twice:
        raise BadSetting(f"{path}: two claims are called {twice[0]!r}; give one of them another name")
    return claims


def _claim(table: Mapping[str, Any], where: str) -> Claim:
    known = {field.name: field for field in fields(Claim)}
    for name, value in table.items():
        if name not in known:
            hint = nearest(name, known)
            raise BadSetting(f"{where}: no key {name!r}" + (f"; did you mean {hint!r}?" if hint else ""))
        listed = name in ("suites", "tasks", "controls")
        texts = value if listed else [value]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadSetting(f"{where}: {name} must be {'a list of texts' if listed else 'text'}, found {value!r}")
    missing = [name for name in ("text", "method", "against", "quantity", "direction") if name not in table]
    if missing:
        raise BadSetting(f"{where}: lacks {', '.join(missing)}")
    if table["method"] == table["against"]:
        raise BadSetting(f"{where}: method and against are both {table['method']!r}; a claim is about two methods")
    if table["quantity"] not in _DIRECTIONS:
        raise BadSetting(f"{where}: quantity must be one of {', '.join(_DIRECTIONS)}, found {table['quantity']!r}")
    ways = _DIRECTIONS[table["quantity"]]
    if table["direction"] not in ways:
        raise BadSetting(
            f"{where}: direction of {table['quantity']} must be {' or '.join(ways)}, found {table['direction']!r}"
        )
    if table.get("tasks") and table["quantity"] != _AVERAGE:
        raise BadSetting(f"{where}: tasks go with the quantity {_AVERAGE}, found {table['quantity']!r}")
    if not re.fullmatch(r"[a-z0-9-]*", table.get("name", "")):
        raise BadSetting(f"{where}: a name has lower-case letters, digits and hyphens, found {table['name']!r}")
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return Claim(**given)
