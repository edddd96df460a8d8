"""Which records may stand on a board, and why the others may not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mtlbench.leaderboard.entries import Entry

__all__ = ["LONGEST_NAME", "Problem", "sifted"]

LONGEST_NAME = 200
"""Characters of a task, label, metric, method or suite; a variant is as long as its settings are."""
_STATUSES = ("done", "diverged")
_LEFT_OVER = 32
"""Gradients that a finished run may leave: no whole batch (of two passes, for each of a dozen models) fits in them."""


@dataclass(frozen=True, order=True)
class Problem:
    """A record that no board shows. where: its key, or its file when it has none."""

    where: str
    text: str

    def line(self) -> str:
        return f"{self.where}: {self.text}"


def sifted(entries: Iterable[Entry]) -> tuple[list[Entry], list[Problem]]:
    """The entries that may be shown, sorted by key, and a problem for every other one."""
    kept: list[Entry] = []
    problems: list[Problem] = []
    for entry in sorted(entries, key=lambda entry: (entry.key, entry.digest)):
        reason = _objection(entry)
        if reason is None and kept and kept[-1].key == entry.key:
            same = kept[-1].digest == entry.digest
            reason = f"a second record of this key, with {'the same' if same else 'another'} outcome"
        if reason is None:
            kept.append(entry)
        else:
            problems.append(Problem(entry.key, reason))
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
    longest = max(map(len, _names(entry)), default=0)
    if longest > LONGEST_NAME:
        return f"has a name of {longest} characters, and {LONGEST_NAME} are allowed"
    if not entry.tasks:
        return "names no task"
    if len({task.name for task in entry.tasks}) < len(entry.tasks):
        return "names a task twice"
    return None


def _names(entry: Entry) -> Iterator[str]:
    """What becomes text of tables: their rows, columns and titles."""
    yield from (entry.method, entry.suite, entry.machine_label)
    yield from entry.unseen_names
    for task in entry.tasks:
        yield from (task.name, task.label, task.metric)


def _without_strangers(entries: Sequence[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Suite, options and data fix the tasks: where records differ on them, the ones in the minority go."""
    met: dict[tuple[str, str], Counter[tuple[object, ...]]] = defaultdict(Counter)
    for entry in entries:
        met[entry.setting, entry.fingerprint][entry.tasks] += 1
    kept, problems = [], []
    for entry in entries:
        if entry.tasks == met[entry.setting, entry.fingerprint].most_common(1)[0][0]:
            kept.append(entry)
        else:
            problems.append(Problem(entry.key, "its tasks are not those of other records with the same suite and data"))
    return kept, problems
