"""A record cut down to what boards need, so that ten thousand of them fit in memory."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, NamedTuple

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.bounds import impossible
from mtlbench.leaderboard.html_course import CURVES, course_of, course_rows
from mtlbench.leaderboard.html_runs import Shown, shown_of
from mtlbench.study.json_text import listed, text_of
from mtlbench.study.keys import canonical_json
from mtlbench.study.probes import FinalProbes, final_probes
from mtlbench.study.quantiles import quantile
from mtlbench.study.tape import LOOKS, Agreement, agreement, tape_of
from mtlbench.study.values import mapping, part, real, reals, sequence, text, whole

__all__ = ["RANGE", "Entry", "Failure", "Point", "TaskColumn", "entry_of", "failure_of", "machine_make"]

RANGE = (0.05, 0.25, 0.5, 0.75, 0.95)
_CLOCKS = ("step_seconds", "evaluation_seconds", "total_seconds")
_PATH_POINTS = 200
"""Points that are kept of a way through a plane."""


class TaskColumn(NamedTuple):
    """A task as a table's column."""

    name: str
    label: str
    metric: str
    higher_is_better: bool

    @property
    def sign(self) -> float:
        """+1 where more is better, else -1."""
        return 1.0 if self.higher_is_better else -1.0


class Point(NamedTuple):
    """An evaluation point: gradients spent and the mean dev score over all tasks, None when one is missing.

    loss: mean training loss since the point before. cosine: mean over the pairs of tasks' gradients. agreement: of
    the Gram matrix that the record keeps, of one draw of batches; at the points that are nearest to ``LOOKS`` alone.
    """

    gradients: int
    dev: float | None
    loss: float | None = None
    cosine: float | None = None
    agreement: Agreement | None = None


class Failure(NamedTuple):
    """A cell that raised and has no record; fields as in ``Entry``."""

    variant: str
    asked: str
    setting: str
    fingerprint: str


class Entry(NamedTuple):  # ten thousand are sent between processes, which takes dataclasses twice as long
    """One record. What is None was not measured."""

    key: str
    variant: str
    method: str
    suite: str
    asked: str
    """Canonical JSON of method, its version, its settings and the protocol without its budget: a row of a board."""
    setting: str
    """Canonical JSON of suite, its version, its options and the budget: a board."""
    fingerprint: str
    seed: int
    budget: int
    status: str
    tasks: tuple[TaskColumn, ...]
    scores: Mapping[str, float]
    """Task name to its final test score; tasks without one are absent."""
    average: float | None
    """The mean test score over all tasks; None when one is missing or tasks differ in direction."""
    unseen_names: tuple[str, ...]
    unseen: Mapping[str, float]
    average_unseen: float | None
    """The mean zero-shot score; None when one is missing or there is nothing unseen."""
    curve: tuple[Point, ...]
    counts: Mapping[str, int]
    disagreement: str | None
    """What the audit objects to, or None."""
    digest: str
    """sha256 over scores and curve: equal where two runs came out bitwise the same."""
    cosine: float | None
    distance: float | None
    masked_seen: float | None
    masked_unseen: float | None
    seconds: Mapping[str, float]
    """Training seconds by phase, and all of them as ``train``."""
    step_seconds: float | None
    peak_bytes: float | None
    clocks: Mapping[str, float]
    """Other times in seconds: ``step_seconds``, and those that no table shows."""
    machine: str
    """Fingerprint of the machine; empty when unknown."""
    machine_label: str
    cosine_range: tuple[float, ...] = ()
    """Of the pairwise cosines at the end, over pairs and draws: the quantiles of ``RANGE``. Empty where there are
    none, and where the suite tells a cosine of the whole path."""
    start_seen: float | None = None
    """Masked-LM loss before training."""
    start_unseen: float | None = None
    paths: Mapping[str, array[float]] = {}
    """Model to its way through a plane, thinned: gradients, x, y, gradients, x, y ..."""
    extras: Mapping[str, Mapping[str, float]] = {}
    """Further metric to task, trained or unseen, to its final test value."""
    shown: Shown | None = None
    """What the page shows of the run."""
    sha256: str = ""
    """Of the record's file; empty where it was read from none."""
    outcome: str = ""
    """The record's own digest: sha256 of all that came out."""


def _average(scores: Mapping[str, float], names: Collection[str]) -> float | None:
    """None when one is missing, or there is none."""
    found = [scores[name] for name in names if name in scores]
    return math.fsum(found) / len(found) if found and len(found) == len(names) else None


def entry_of(record: Mapping[str, Any], sha256: str = "") -> Entry:
    """The entry of a whole record as JSON. sha256: of its file.

    Raises BadRecord where a field has another form than the schema's, or a number that no run can have.
    """
    with _as_bad_record():
        entry = _entry(record, sha256)
    nonsense = impossible(entry)
    if nonsense is not None:
        raise BadRecord(nonsense)
    return entry


def failure_of(failure: Mapping[str, Any]) -> Failure:
    """From what a run leaves of a failed cell. Raises BadRecord where that does not say which cell it was."""
    with _as_bad_record():
        asked, setting, _ = _asked(mapping(failure["cell"]))
        return Failure(text(failure["variant"]), asked, setting, text(failure["cell"]["fingerprint"]))


@contextmanager
def _as_bad_record() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as wrong:
        detail = f"no {wrong.args[0]!r}" if isinstance(wrong, KeyError) else str(wrong)
        if isinstance(wrong, OverflowError):
            detail = f"a number in it is too large ({detail})"
        raise BadRecord(f"not a record that a board can read: {detail}") from None


def _asked(cell: Mapping[str, Any]) -> tuple[str, str, int]:
    """A cell without its seed and data in two parts: what makes the row, what makes the board; and its budget."""
    protocol = dict(mapping(cell["protocol"]))
    budget = whole(protocol.pop("budget"), "budget")
    settings, options = mapping(cell["settings"]), mapping(cell["options"])
    method, suite = [[text(cell[name]), text(cell[f"{name}_version"])] for name in ("method", "suite")]
    row = {"method": method[0], "method_version": method[1], "settings": settings, "protocol": protocol}
    board = {"suite": suite[0], "suite_version": suite[1], "options": options, "budget": budget}
    nulls = [*settings.values(), *protocol.values()].count(None)
    return _canonical(text_of(row, nulls)), _canonical(text_of(board)), budget


@lru_cache(maxsize=4096)
def _canonical(plain: bytes) -> str:
    """Canonical JSON of JSON: what many records share is written once."""
    return sys.intern(canonical_json(json.loads(plain)))


def _entry(record: Mapping[str, Any], sha256: str) -> Entry:
    cell, outcome, measured = mapping(record["cell"]), mapping(record["outcome"]), mapping(record["measured"])
    asked, setting, budget = _asked(cell)
    tasks = _shared(tuple(_task(task) for task in sequence(outcome["tasks"])))
    names = [task.name for task in tasks]
    comparable = len({task.higher_is_better for task in tasks}) < 2
    tests, unseen = (_tests(part(outcome, block)) for block in ("scores", "unseen"))
    scores, zero_shot = _scores(tests, names), _scores(unseen, unseen)
    probes = final_probes(outcome)
    audit = mapping(outcome["audit"])
    machine = part(measured, "machine")
    counts = {sys.intern(name): whole(value, name) for name, value in part(outcome, "counts").items()}
    course = course_of(outcome, names)
    tape = {point.gradients: agreement(point.gram) for point in tape_of(record, LOOKS)}
    return Entry(
        key=text(record["key"]),
        variant=sys.intern(text(record["variant"]) or text(cell["method"])),
        method=sys.intern(text(cell["method"])),
        suite=sys.intern(text(cell["suite"])),
        asked=asked,
        setting=setting,
        fingerprint=sys.intern(text(cell["fingerprint"])),
        seed=whole(cell["seed"], "seed"),
        budget=budget,
        status=sys.intern(text(record["status"])),
        tasks=tasks,
        scores=scores,
        average=_average(scores, names) if comparable else None,
        unseen_names=tuple(sorted(unseen)),
        unseen=zero_shot,
        average_unseen=_average(zero_shot, unseen) if comparable else None,
        curve=_points(course, len(names), comparable, tape),
        counts=counts,
        disagreement=_disagreement(audit, counts),
        digest=_digest(outcome, course, len(names)),
        cosine=real(probes.cosine),
        distance=real(probes.distance),
        masked_seen=real(probes.masked_seen),
        masked_unseen=real(probes.masked_unseen),
        seconds=reals(part(measured, "seconds")),
        step_seconds=real(measured.get("step_seconds")),
        peak_bytes=real(measured.get("peak_bytes")),
        clocks={name: value for name in _CLOCKS if (value := real(measured.get(name))) is not None},
        machine=sys.intern(str(machine.get("fingerprint") or "")),
        machine_label=sys.intern(machine_make(machine)),
        cosine_range=_cosine_range(part(part(outcome, "probes"), "cosine"), probes),
        start_seen=real(probes.start_seen),
        start_unseen=real(probes.start_unseen),
        paths=dict(_paths(part(outcome, "trace"))),
        extras=_extras(tests, unseen),
        shown=shown_of(record, tests, unseen, course),
        sha256=sha256,
        outcome=str(record.get("digest") or ""),
    )


def _disagreement(audit: Mapping[str, Any], counts: Mapping[str, int]) -> str | None:
    """What the audit objects to; also where it says that it agrees and has other numbers than the meter."""
    if audit["agrees"] is not True:
        return f"{audit.get('difference') or 'no difference is named'!s:.200}"
    for name in ("forwards", "backwards"):
        if audit.get(name) != counts.get(name):
            metered, seen = (f"{one[name]!r:.40}" if name in one else "none" for one in (counts, audit))
            return f"{name}: {metered} metered, {seen} seen, and it says that both agree"
    return None


def _cosine_range(found: Mapping[str, Any], probes: FinalProbes) -> tuple[float, ...]:
    values = sorted(found.get("values") or found.get("pairs") or ())
    if not values or probes.is_over_path or real(values[0]) is None or real(values[-1]) is None:
        return ()
    return tuple(quantile(values, share) for share in RANGE)


def _paths(traces: Mapping[str, Any]) -> Iterable[tuple[str, array[float]]]:
    """Of every model that was followed through a plane; what is traced in other spaces has no picture."""
    for name in sorted(traces):
        rows = sequence(traces[name])
        stride = math.ceil(len(rows) / _PATH_POINTS) or 1
        kept = [row for row in listed([*rows[:-1:stride], *rows[-1:]]) if len(row) == 3]
        if kept:
            yield sys.intern(text(name)), array("d", [*chain.from_iterable(kept)])  # faster than from an iterator


def _task(task: Mapping[str, Any]) -> TaskColumn:
    name = text(task["name"])
    return _column(name, text(task.get("label") or name), text(task["metric"]), task["higher_is_better"] is True)


@lru_cache(maxsize=4096)
def _column(name: str, label: str, metric: str, higher_is_better: bool) -> TaskColumn:
    """The same object for the same task of many records."""
    return TaskColumn(sys.intern(name), label, metric, higher_is_better)


@lru_cache(maxsize=1024)
def _shared(tasks: tuple[TaskColumn, ...]) -> tuple[TaskColumn, ...]:
    """The same object for the same tasks of many records."""
    return tasks


def _tests(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What was scored on each task's test split."""
    return {sys.intern(task): part(part(scores, task), "test") for task in scores}


def _scores(tests: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> Mapping[str, float]:
    return reals({name: tests[name].get("value") for name in names if name in tests})


def _extras(*by_task: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for tests in by_task:
        for task, test in tests.items():
            extra = part(test, "extra")
            for name, value in reals(extra).items() if extra else ():
                found.setdefault(name, {})[task] = value
    return found


def _points(
    course: array[float], tasks: int, comparable: bool, tape: Mapping[int, Agreement | None]
) -> tuple[Point, ...]:
    """comparable: whether dev scores may be averaged over tasks."""
    if not course:
        return ()
    spent, losses, cosines, *rest = course_rows(course, tasks)
    gradients = [*map(int, spent)]
    averages = [_mean(scores) for scores in zip(*rest[-tasks:], strict=True)] if comparable and tasks else ()
    columns = averages or repeat(None), map(_present, losses), map(_present, cosines), map(tape.get, gradients)
    return tuple(map(Point, gradients, *columns))


def _mean(scores: Sequence[float]) -> float | None:
    """None when one is NaN."""
    return _present(math.fsum(scores) / len(scores))


def _present(number: float) -> float | None:
    return None if math.isnan(number) else number


def _digest(outcome: Mapping[str, Any], course: array[float], tasks: int) -> str:
    """Over what training decides; settings, names and probes stay out, lest they hide that two runs are one."""
    spent, losses, *rest = course_rows(course, tasks) or [course, course]
    digest = hashlib.sha256(text_of([outcome.get("scores"), outcome.get("unseen")]))
    for row in (spent, losses, *rest[len(CURVES) - 1 :]):
        digest.update(row.tobytes())
    return digest.hexdigest()


def machine_make(machine: Mapping[str, Any]) -> str:
    """The make of the machine, never its name."""
    parts = [str(machine[name]) for name in ("device", "cpu") if machine.get(name)]
    cores = machine.get("cores")
    return ", ".join([*parts, *([f"{cores} cores"] if isinstance(cores, int) else [])])
