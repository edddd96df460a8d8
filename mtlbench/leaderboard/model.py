"""A board: every method's records on one suite with one set of options at one budget."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from typing import Any, Generic, TypeVar

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.settings import parse_spec, spec_text
from mtlbench.leaderboard.entries import Entry, Failure, TaskColumn

__all__ = ["REFERENCE", "SINGLE", "Board", "Row", "boards_of", "differing_settings", "once_a_board"]

T = TypeVar("T")

REFERENCE = "mtl"
"""The variant that others are measured against."""
SINGLE = "stl"
"""The variant that transfer is measured against."""


@dataclass
class Row:
    """One method with its settings; ``entries`` are sorted by seed."""

    name: str
    variant: str
    asked: str
    entries: list[Entry] = field(default_factory=list)
    failed: int = 0

    @cached_property
    def done(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.status == "done"]

    @property
    def diverged(self) -> int:
        return len(self.entries) - len(self.done)

    @property
    def lost(self) -> int:
        """Runs that came to nothing."""
        return self.diverged + self.failed

    @cached_property
    def by_seed(self) -> dict[int, Entry]:
        """The finished runs."""
        return {entry.seed: entry for entry in self.done}

    @cached_property
    def averages(self) -> dict[int, float]:
        """Seed to the average over tasks; seeds that lack a score, or whose run diverged, are absent."""
        return {entry.seed: entry.average for entry in self.done if entry.average is not None}

    def values(self, read: Callable[[Entry], float | None]) -> list[float]:
        """What ``read`` finds in the finished runs, without those where it finds nothing."""
        return [value for value in map(read, self.done) if value is not None]

    @cached_property
    def unseen_averages(self) -> list[float]:
        """The zero-shot averages of the finished runs that have one."""
        return self.values(lambda entry: entry.average_unseen)

    def task_scores(self, task: str) -> dict[int, float]:
        """Seed to the test score of one task."""
        if task not in self._by_task:
            self._by_task[task] = {entry.seed: entry.scores[task] for entry in self.done if task in entry.scores}
        return self._by_task[task]

    @cached_property
    def _by_task(self) -> dict[str, dict[int, float]]:
        return {}


@dataclass
class Board:
    """Rows that may be compared: same suite, options, data and budget. Rows are sorted best average first."""

    label: str
    """The suite, with what tells this board from its others."""
    slug: str
    """The same as part of a file name."""
    suite: str
    budget: int
    tasks: tuple[TaskColumn, ...]
    unseen: tuple[str, ...]
    rows: list[Row]

    @property
    def sign(self) -> float:
        """+1 where a higher average is better, else -1."""
        return self.tasks[0].sign if self.tasks else 1.0

    @cached_property
    def reference(self) -> Row | None:
        """The row of plain MTL."""
        return self.called(REFERENCE)

    @cached_property
    def single(self) -> Row | None:
        """The row of plain STL."""
        return self.called(SINGLE)

    @property
    def metric(self) -> str:
        """What the average is of; tasks may differ."""
        return " / ".join(sorted({task.metric for task in self.tasks}))

    def called(self, variant: str) -> Row | None:
        """The row of a variant. Where several settings stand under that name: the one with the most runs at seeds that
        other methods have as well, then the one whose protocol the others share most, then the first as a text."""
        rows = self.named(variant)
        if len(rows) < 2:
            return rows[0] if rows else None
        others = [row for row in self.rows if row.variant != variant]
        seeds = {seed for row in others for seed in row.by_seed} or {seed for row in rows for seed in row.by_seed}
        protocols = [json.loads(row.asked)["protocol"] for row in others]

        def standing(row: Row) -> tuple[int, int, int, str]:
            own = json.loads(row.asked)["protocol"].items()
            shared = sum(other.get(name) == value for other in protocols for name, value in own)
            return -len(row.by_seed.keys() & seeds), -shared, -len(row.done), row.asked

        return min(rows, key=standing)

    def named(self, variant: str) -> list[Row]:
        """All rows of a variant: one, unless somebody ran it with other settings that are no part of its name."""
        return self._named.get(variant, [])

    @cached_property
    def _named(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row.variant].append(row)
        return dict(found)

    @cached_property
    def known(self) -> dict[str, Any]:
        """What ``once_a_board`` remembers."""
        return {}


class once_a_board(Generic[T]):  # noqa: N801 a decorator
    """A function of a board that is worked out once for each: what takes long is shared. Nobody may change results."""

    def __init__(self, make: Callable[[Board], T]) -> None:
        self._make = make
        self._name = f"{make.__module__}.{make.__qualname__}"
        update_wrapper(self, make)

    def __call__(self, board: Board) -> T:
        if self._name not in board.known:
            self.keep(board, self._make(board))
        found: T = board.known[self._name]
        return found

    def keep(self, board: Board, result: T) -> None:
        """Remember what somebody else has worked out."""
        board.known[self._name] = result


def boards_of(entries: Iterable[Entry], failures: Iterable[Failure] = ()) -> list[Board]:
    """All boards, sorted by label. Which records may stand there is ``checks.sifted``' business, not this one's."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    entries = sorted(entries, key=lambda entry: (entry.setting, entry.asked, entry.seed, entry.key))
    one_data = _settings_with_one_data(entries)
    for entry in entries:
        groups[entry.setting, "" if entry.setting in one_data else entry.fingerprint].append(entry)
    failed: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in failures:
        place = (failure.setting, "" if failure.setting in one_data else failure.fingerprint)
        if place in groups:
            failed[place].append(failure)
    labels = _labels(groups)
    boards = [_board(labels[place], place, group, failed[place]) for place, group in groups.items()]
    return sorted(boards, key=lambda board: (board.label, board.slug))


def _settings_with_one_data(entries: Sequence[Entry]) -> set[str]:
    """Settings whose records share their data, or whose data differs with the seed and with nothing else."""
    met: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for entry in entries:
        met[entry.setting].add((entry.seed, entry.fingerprint))
    return {
        setting
        for setting, pairs in met.items()
        if len(pairs) == len({seed for seed, _ in pairs}) and len({data for _, data in pairs}) in (1, len(pairs))
    }


def _board(label: str, place: tuple[str, str], entries: list[Entry], failures: list[Failure]) -> Board:
    by_asked: dict[str, Row] = {}
    for entry in entries:
        row = by_asked.setdefault(entry.asked, Row(entry.variant, entry.variant, entry.asked))
        row.entries.append(entry)
    for failure in failures:
        row = by_asked.setdefault(failure.asked, Row(failure.variant, failure.variant, failure.asked))
        row.failed += 1
    rows = list(by_asked.values())
    _tell_apart(rows)
    board = Board(
        label=label,
        slug=_slug(label, place, entries[0].suite),
        suite=entries[0].suite,
        budget=entries[0].budget,
        tasks=Counter(entry.tasks for entry in entries).most_common(1)[0][0],
        unseen=tuple(sorted({name for entry in entries for name in entry.unseen_names})),
        rows=rows,
    )
    rows.sort(key=lambda row: (*_worst_last(row, board.sign), row.name, row.asked))
    return board


def _worst_last(row: Row, sign: float) -> tuple[bool, float]:
    values = list(row.averages.values())
    return (not values, -sign * sum(values) / len(values) if values else 0.0)


def _tell_apart(rows: Sequence[Row]) -> None:
    """Rows that differ in what was asked but not in name get the settings in which they differ into their name."""
    same: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        same[row.variant].append(row)
    for variant, group in same.items():
        if len(group) > 1:
            plain, given = _parsed(variant)
            for row, values in zip(group, differing_settings([row.asked for row in group]), strict=True):
                row.name = spec_text(plain, {**given, **values})
    taken = Counter(row.name for row in rows)
    for row in rows:
        if taken[row.name] > 1:
            row.name = f"{row.name} {_digest(row.asked)}"


def _parsed(variant: str) -> tuple[str, dict[str, str]]:
    try:
        return parse_spec(variant)
    except BadSetting:
        return variant, {}


def differing_settings(asked: Sequence[str]) -> list[dict[str, Any]]:
    """Of each ``Row.asked``, the version, settings and protocol in which they are not all alike."""
    return _differing([_flat_asked(one) for one in asked])


def _flat_asked(asked: str) -> dict[str, Any]:
    parts = json.loads(asked)
    return {"version": parts["method_version"], **parts["protocol"], **parts["settings"]}


def _differing(values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each mapping, the items that not all share."""
    names = sorted({name for one in values for name in one})
    differ = [name for name in names if any(one.get(name) != values[0].get(name) for one in values)]
    return [{name: one.get(name) for name in differ} for one in values]


def _labels(places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Each suite's plain name, or with the options, budget, version and data in which its boards differ."""
    by_suite: dict[str, list[tuple[tuple[str, str], dict[str, Any]]]] = defaultdict(list)
    for place in places:
        parts = json.loads(place[0])
        flat = {"version": parts["suite_version"], **parts["options"], "budget": parts["budget"], "data": place[1][:8]}
        by_suite[parts["suite"]].append((place, flat))
    labels = {}
    for suite, members in by_suite.items():
        for (place, _), values in zip(members, _differing([flat for _, flat in members]), strict=True):
            labels[place] = spec_text(suite, values)
    return labels


def _slug(label: str, place: tuple[str, str], suite: str) -> str:
    """Safe on any file system; where letters had to go, a digest keeps two boards' files apart."""
    plain = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40].strip("-")
    if plain == suite:
        return plain
    return f"{plain or 'suite'}-{_digest(repr(place))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
