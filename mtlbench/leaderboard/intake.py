"""Records from elsewhere: each is looked at as the gate would, before a single one is written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadRecord, BadSetting, MtlbenchError, UnknownName
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import build, values_of
from mtlbench.leaderboard.checks import LONGEST_NAME, Problem, cell_text, problem_of, sifted
from mtlbench.leaderboard.entries import Entry, entry_of
from mtlbench.leaderboard.reading import read_entries
from mtlbench.study.compare import first_difference
from mtlbench.study.form import check_form
from mtlbench.study.records import FIELDS, check_record, load_record, record_bytes
from mtlbench.study.store import Store, is_folder_name
from mtlbench.study.tape import tape_of
from mtlbench.study.values import real

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["MOST_BYTES", "Arrival", "Intake", "look_at"]

MOST_BYTES = 8 * 2**20
"""Of one record's file; real ones have a hundredth of it."""
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_STRAY = ("README.md", "manifest.json")


@dataclass(frozen=True)
class Arrival:
    """A record that may join. path: below the folder that it came in."""

    path: Path
    entry: Entry
    is_known: bool
    """Whether the same record is there already."""
    note: str = ""
    """What could not be checked here."""


@dataclass(frozen=True)
class Intake:
    """What a folder of records holds, each file in one of the two lists; both are sorted."""

    arrivals: list[Arrival]
    refused: list[Problem]
    there: Sequence[Entry] = ()
    """The records that they were judged beside, in any order."""


def look_at(
    folder: Path,
    registry: Registry,
    results: Path | None = None,
    *,
    digests: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
    most_bytes: int = MOST_BYTES,
) -> Intake:
    """All files below ``folder``, judged one by one and then beside each other and the records in ``results``.

    digests: path to the sha256 of its bytes, where a manifest came along. chosen: beginnings of paths (``digits``,
    ``digits/pcgrad``) or of keys that alone count; none for all. Raises BadSetting when there is no such folder, and
    UnknownName when one of ``chosen`` fits no file.
    """
    if not folder.is_dir():
        raise BadSetting(f"there is no folder {folder} of records")
    store = Store(results) if results is not None and results.is_dir() else None
    arrivals: list[Arrival] = []
    refused: list[Problem] = []
    for path in _chosen(folder, chosen):
        cell = ""
        try:
            record = _loaded(folder, path, digests, most_bytes)
            cell = cell_text(record["cell"]["suite"], record["variant"], record["cell"]["seed"])
            arrivals.append(_judged(record, path, registry, store))
        except MtlbenchError as wrong:
            refused.append(Problem(path.as_posix(), str(wrong), cell))
    for missing in sorted(set(digests or ()) - {path.as_posix() for path in _files(folder)}):
        refused.append(Problem(missing, "the manifest names it, and it is not there"))
    there = read_entries(store.folder)[0] if store is not None else []
    strangers = _strangers(arrivals, there)
    kept = [arrival for arrival in arrivals if arrival.entry.key not in strangers]
    refused += [
        problem_of(arrival.entry, strangers[arrival.entry.key], arrival.path.as_posix())
        for arrival in arrivals
        if arrival.entry.key in strangers
    ]
    return Intake(sorted(kept, key=lambda arrival: arrival.path), sorted(refused), there)


def _chosen(folder: Path, chosen: Sequence[str]) -> list[Path]:
    paths = list(_files(folder))
    if not chosen:
        return paths
    wanted = []
    for text in chosen:
        parts, is_key = Path(text).parts, re.fullmatch(r"[0-9a-f]{4,64}", text)
        found = [
            path
            for path in paths
            if parts and (path.parts[: len(parts)] == parts or (is_key and path.stem.startswith(text)))
        ]
        if not found:
            raise UnknownName(f"no record in {folder} has a path or key that begins with {text!r}")
        wanted += found
    return sorted(set(wanted))


def _files(folder: Path) -> Iterator[Path]:
    """Every file below ``folder`` but what begins with a dot, relative to it; links are told as they are."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _STRAY:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from (Path(path.name) / inner for inner in _files(path))
        else:
            yield Path(path.name)


def _loaded(folder: Path, path: Path, digests: Mapping[str, str] | None, most_bytes: int) -> dict[str, Any]:
    """The record in a file; raises BadRecord with the reason when it holds none."""
    whole = folder / path
    if whole.is_symlink() or not whole.is_file():
        raise BadRecord("is a link or no plain file")
    if path.suffix != ".json" or len(path.parts) != 3:
        raise BadRecord("is no record: records are SUITE/METHOD/KEY.json")
    if not all(is_folder_name(name) for name in path.parts):
        raise BadRecord("its path has other characters than letters, digits, '.', '_' and '-'")
    size = whole.stat().st_size
    if size > most_bytes:
        raise BadRecord(f"has {size} bytes, and a record may have {most_bytes}")
    if digests is not None:
        _check_manifest(whole, digests.get(path.as_posix()))
    return check_record(load_record(whole))  # also by the canonical outcome, where the file has it otherwise


def _judged(record: Mapping[str, Any], path: Path, registry: Registry, store: Store | None) -> Arrival:
    """Raises MtlbenchError with the reason when the record may not join."""
    foreign = sorted(set(record) - set(FIELDS))
    if foreign:
        raise BadRecord(f"has fields that no record has: {', '.join(map(repr, foreign)):.200}")
    try:
        record_bytes(record)
    except ValueError as wrong:  # 1e999 is read as infinite
        raise BadRecord(f"cannot be written again: {wrong}") from None
    _check_names(record)
    entry = entry_of(record)
    tape_of(record)  # all of it: boards look at a few points
    _check_averages(record["outcome"], entry)
    check_form(record)
    spare = sorted({*(record["outcome"].get("scores") or ())} - {task.name for task in entry.tasks})
    if spare:
        raise BadRecord(f"has scores of {spare[0]!r:.80}, which is none of its tasks")
    if entry.status == "done" and not entry.curve:
        raise BadRecord("has no curve, which every run has")
    _, problems = sifted([entry])
    if problems:
        raise BadRecord(problems[0].text)
    return Arrival(path, entry, _is_known(record, store), _check_settings(record["cell"], registry))


def _check_manifest(path: Path, digest: str | None) -> None:
    if digest is None:
        raise BadRecord("the manifest does not name it")
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise BadRecord("is not the file that the manifest names: its sha256 differs")


def _check_averages(outcome: Mapping[str, Any], entry: Entry) -> None:
    """Boards make averages of the scores; a record that says another one contradicts itself."""
    comparable = len({task.higher_is_better for task in entry.tasks}) < 2  # else boards make none
    for name, made in (("average", entry.average), ("average_unseen", entry.average_unseen)):
        try:
            told = real(outcome.get(name))
        except (TypeError, OverflowError) as wrong:
            raise BadRecord(f"its {name}: {wrong}") from None
        if not comparable or (told is None and made is None):
            continue
        if told is None or made is None or not isclose(told, made):
            raise BadRecord(f"its {name} is {told}, and its scores make {made}")


def _check_names(record: Mapping[str, Any]) -> None:
    """Boards render any text harmlessly; what comes from elsewhere need not bring such text in."""
    outcome = {name: value for name, value in record["outcome"].items() if name != "divergence"}  # a message, no name
    for name in _texts({**record, "outcome": outcome}):
        if len(name) > LONGEST_NAME:
            raise BadRecord(f"a name of {len(name)} characters, beginning {name[:20]!r}; {LONGEST_NAME} are allowed")
        if any(unicodedata.category(char) in _UNSEEN for char in name):
            raise BadRecord(f"a name with characters that do not show: {name!a}")


def _texts(value: Any) -> Iterator[str]:
    """All texts inside, names of fields too, however deep they lie."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            yield from map(str, found)
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _check_settings(cell: Mapping[str, Any], registry: Registry) -> str:
    """Raises where an installed method or suite of that very version knows no such settings; else a note."""
    notes = []
    for kind, given in (("method", "settings"), ("suite", "options")):
        try:
            cls = (registry.method if kind == "method" else registry.suite)(cell[kind]).cls
        except UnknownName:
            notes.append(f"{kind} {cell[kind]} is not installed here")
            continue
        if cls.version != cell[f"{kind}_version"]:
            notes.append(f"{kind} {cell[kind]} is version {cls.version} here")
            continue
        _check_values(cls, cell[given], f"{kind} {cell[kind]}")
    _check_values(TrainingProtocol, cell["protocol"], "the protocol")
    return "; ".join(notes)


def _check_values(cls: type, given: Mapping[str, Any], what: str) -> None:
    """A value that is missing is none that the record's mtlbench had, and stands at its default."""
    built = build(cls, given, what)
    values, written = values_of(built, late=True), values_of(built)
    other = [name for name in given if values[name] != given[name]]
    spare = [name for name in given if name not in written]
    if spare:
        raise BadRecord(f"{what}: {spare[0]} stands at its default, where a run leaves it out")
    if other:
        raise BadRecord(f"{what}: {other[0]} is {given[other[0]]!r:.80}, where a run writes {values[other[0]]!r:.80}")


def _is_known(record: Mapping[str, Any], store: Store | None) -> bool:
    """Whether the same outcome is there; raises BadRecord where another one is."""
    if store is None:
        return False
    path = store.folder / record["cell"]["suite"] / record["cell"]["method"] / f"{record['key']}.json"
    try:
        there = load_record(path)
    except FileNotFoundError:
        return False
    except BadRecord as bad:
        raise BadRecord(f"the file that is there is no good record: {bad}") from None
    if there["digest"] == record["digest"]:
        return True
    raise BadRecord(f"another record of this key is there: {first_difference(there['outcome'], record['outcome'])}")


def _strangers(arrivals: Sequence[Arrival], there: Sequence[Entry]) -> dict[str, str]:
    """Key to the reason, for records that contradict the others of their suite, options and data on the tasks."""
    tasks = {(entry.setting, entry.fingerprint): entry.tasks for entry in there}
    found = {}
    for arrival in arrivals:
        entry = arrival.entry
        if tasks.get((entry.setting, entry.fingerprint), entry.tasks) != entry.tasks:
            found[entry.key] = "its tasks are not those of the records here with the same suite and data"
    _, problems = sifted(arrival.entry for arrival in arrivals if arrival.entry.key not in found)
    return found | {problem.where: problem.text for problem in problems}
