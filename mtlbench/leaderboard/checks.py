"""Which records may stand on a board, and why the others may not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtlbench.leaderboard.entries import Entry, TaskColumn

__all__ = ["LONGEST_NAME", "Problem", "cell_text", "problem_of", "sifted"]

LONGEST_NAME = 200
"""Characters of a task, label, metric, method or suite; a variant is as long as its settings are."""
_LONGEST_CELL = 20_000
"""Characters of JSON that say which cell a record is of: a hundred settings with names as long as may be."""
_STATUSES = ("done", "diverged")
_LEFT_OVER = 32
"""Gradients that a finished run may leave: no whole batch (of two passes, for each of a dozen models) fits in them."""


@dataclass(frozen=True, order=True)
class Problem:
    """A record that no board shows. where: its key, or its file when it has none. cell: suite, variant and seed."""

    where: str
    text: str
    cell: str = ""

    def line(self) -> str:
        return f"{self.where}{f' ({self.cell})' if self.cell else ''}: {self.text}"


def cell_text(suite: object, variant: object, seed: object) -> str:
    """A cell in words, each cut short: what is wrong may be its length."""
    return f"{suite!s:.40}, {variant!s:.120}, seed {seed!s:.20}"


def sifted(entries: Iterable[Entry]) -> tuple[list[Entry], list[Problem]]:
    """The entries that may be shown, sorted by key, and a problem for every other one."""
    kept: list[Entry] = []
    problems: list[Problem] = []
    ordered = sorted(entries, key=lambda entry: (entry.key, entry.digest))
    to_tasks = {place: _objection_to(tasks) for place, tasks in _distinct(ordered).items()}
    for entry in ordered:
        reason = _objection(entry) or to_tasks[id(entry.tasks)]
        if reason is None and kept and kept[-1].key == entry.key:
            same = kept[-1].digest == entry.digest
            reason = f"a second record of this key, with {'the same' if same else 'another'} outcome"
        if reason is None:
            kept.append(entry)
        else:
            problems.append(problem_of(entry, reason))
    kept, strangers = _without_strangers(kept)
    return kept, sorted(problems + strangers)


def _objection(entry: Entry) -> str | None:
    """What is wrong with a record in itself, or None."""
    if entry.status not in _STATUSES:
        return f"status {entry.status!r} is none of {', '.join(_STATUSES)}"
    if entry.disagreement is not None:
        return f"the audit counted otherwise than the meter: {entry.disagreement}"
    spent = entry.counts.get("gradients")
    if spent is None:
        return "does not say how many gradients were spent"
    if spent > entry.budget:
        return f"spent {spent} gradients of a budget of {entry.budget}"
    if entry.status == "done" and entry.budget - spent > max(_LEFT_OVER, entry.budget // 10):
        return f"spent only {spent} gradients of a budget of {entry.budget}"
    if entry.curve and entry.curve[-1].gradients != spent and entry.status == "done":
        return f"the curve ends at {entry.curve[-1].gradients} gradients, the counts say {spent}"
    cell = len(entry.asked) + len(entry.setting) + len(entry.variant) + len(entry.fingerprint)
    if cell > _LONGEST_CELL:
        return f"has a cell of {cell} characters, and {_LONGEST_CELL} are allowed"
    return _too_long(
        (entry.method, entry.suite, entry.machine_label, *entry.unseen_names, *entry.extras, *entry.counts)
    )


def _objection_to(tasks: Sequence[TaskColumn]) -> str | None:
    """What is wrong with a record's tasks, or None."""
    if not tasks:
        return "names no task"
    if len({task.name for task in tasks}) < len(tasks):
        return "names a task twice"
    return _too_long([text for task in tasks for text in (task.name, task.label, task.metric)])


def _too_long(names: Sequence[str]) -> str | None:
    """names: what becomes text of tables, of their rows, columns and titles."""
    longest = max(map(len, names))
    return f"has a name of {longest} characters, and {LONGEST_NAME} are allowed" if longest > LONGEST_NAME else None


def _without_strangers(entries: Sequence[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Suite, options and data fix the tasks: where records differ on them, the ones in the minority go."""
    numbers: dict[tuple[TaskColumn, ...], int] = {}
    kind = {place: numbers.setdefault(tasks, len(numbers)) for place, tasks in _distinct(entries).items()}
    met: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for entry in entries:
        met[entry.setting, entry.fingerprint][kind[id(entry.tasks)]] += 1
    usual = {place: found.most_common(1)[0][0] for place, found in met.items()}
    kept, problems = [], []
    for entry in entries:
        if kind[id(entry.tasks)] == usual[entry.setting, entry.fingerprint]:
            kept.append(entry)
        else:
            problems.append(problem_of(entry, "its tasks are not those of other records with the same suite and data"))
    return kept, problems


def problem_of(entry: Entry, reason: str, where: str = "") -> Problem:
    """What is wrong with an entry; where: its key, unless its file is given."""
    return Problem(where or entry.key, reason, cell_text(entry.suite, entry.variant, entry.seed))


def _distinct(entries: Sequence[Entry]) -> dict[int, tuple[TaskColumn, ...]]:
    """By identity: entries mostly share their tasks, and to compare them anew for every entry takes long."""
    return {id(entry.tasks): entry.tasks for entry in entries}
