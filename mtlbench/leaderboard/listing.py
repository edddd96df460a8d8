"""The list of records that a board was written of, with the sha256 of each file: a changed byte has a name by it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from mtlbench.leaderboard.checks import Problem
from mtlbench.leaderboard.entries import Entry
from mtlbench.leaderboard.escaping import for_csv, visible
from mtlbench.leaderboard.html_runs import plain_text

__all__ = ["HEAD", "RECORDS", "changed_records", "records_csv"]

RECORDS = "records.csv"
"""Where it is, below the leaderboard's folder."""
_COLUMNS = ("key", "suite", "variant", "seed", "sha256")
HEAD = ",".join(_COLUMNS)
"""Its first line."""
_NAMED = 12
"""Records that a check names; beyond them it counts."""


@dataclass(frozen=True)
class _Line:
    suite: str
    variant: str
    seed: str
    sha256: str

    def order(self) -> tuple[str, str, int, str]:
        return self.suite, self.variant, len(self.seed), self.seed


def records_csv(entries: Iterable[Entry]) -> str:
    """One line for each record that was read, on a board or not; sorted by suite, variant, seed and key."""
    rows = sorted((entry.suite, entry.variant, entry.seed, entry.key, entry.sha256) for entry in entries)
    lines = [f"{key},{_field(suite)},{_field(variant)},{seed},{sha256}" for suite, variant, seed, key, sha256 in rows]
    return "\n".join([HEAD, *lines, ""])


@lru_cache(maxsize=4096)
def _field(text: str) -> str:
    """A cell with its quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([for_csv(plain_text(text))])
    return line.getvalue()


def changed_records(before: str, entries: Sequence[Entry], problems: Iterable[Problem]) -> Iterator[str]:
    """A line for each record that is changed, gone or new since ``before`` was written; a dozen, then how many more.

    One line that says so where there is none.

    problems: why files that lie there were not read.
    """
    then, now = _read(before), _read(records_csv(entries))
    refused = {PurePosixPath(problem.where).stem: problem.text for problem in problems}
    makers = _makers(entries)
    found: list[tuple[str, str, _Line, str]] = []
    for key in then.keys() | now.keys():
        old, new = then.get(key), now.get(key)
        if old is None and new is not None:
            found.append(("new", key, new, "new: the board was written without it"))
        elif old is not None and new is None:
            what = (
                f"changed since the board was written, and refused: {refused[key]}"
                if key in refused
                else "gone since the board was written"
            )
            found.append(("changed" if key in refused else "gone", key, old, what))
        elif old is not None and new is not None and old.sha256 != new.sha256:
            found.append(("changed", key, new, "changed since the board was written"))
    if not found:
        yield "no good record is changed, gone or new since the board was written"
    found.sort(key=lambda one: (one[0], one[2].order(), one[1]))
    for _, key, line, what in found[:_NAMED]:
        maker = makers.get(line.variant.partition("[")[0])
        method = f"{line.variant} of {maker}" if maker else line.variant
        yield visible(f"record {key[:12]} ({line.suite}, {method}, seed {line.seed}): {what}")
    if len(found) > _NAMED:
        kinds = Counter(kind for kind, *_ in found)
        yield f"... {len(found) - _NAMED} more; in all {', '.join(f'{kinds[kind]} {kind}' for kind in sorted(kinds))}"


def _read(text: str) -> dict[str, _Line]:
    """By key; lines of another form are passed over, and make the file differ from what it should be."""
    rows = csv.reader(text.splitlines(), strict=False)
    return {row[0]: _Line(*row[1:]) for row in _sound(rows) if len(row) == len(_COLUMNS) and row[0] != _COLUMNS[0]}


def _sound(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error:  # a field of more than 128 kB
        return


def _makers(entries: Iterable[Entry]) -> Mapping[str, str]:
    """Method to the distribution that brought it, by one of its records."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.shown is not None:
            first.setdefault(entry.method, entry)
    makers = {}
    for method, entry in first.items():
        about = json.loads(entry.shown.about) if entry.shown is not None else {}
        method_maker = (about.get("provenance") or {}).get("method")
        if isinstance(method_maker, dict) and method_maker.get("distribution"):
            makers[method] = str(method_maker["distribution"])
    return makers
