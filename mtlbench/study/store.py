"""The result store: one folder, one file a cell, and what runs leave beside them for a while."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadPlugin, BadRecord, BadSetting, MtlbenchError, UnknownName
from mtlbench.interface.run import Cell
from mtlbench.study import atomic
from mtlbench.study.claims import Claim, holder, sweep_claims
from mtlbench.study.json_text import JsonText, json_of
from mtlbench.study.keys import cell_content
from mtlbench.study.records import FutureRecord, load_record, record_bytes

__all__ = ["Problem", "Store", "is_folder_name", "read_records", "record_paths", "records_at"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Problem:
    """A file among the records that is none. path: relative to the results folder."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def read_records(
    folder: Path, check: Callable[[dict[str, Any]], object] | None = None
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """All good records below ``folder``, by path, and what is wrong with the others.

    check: see ``records_at``. Raises BadSetting when there is no such folder.
    """
    records: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for found in records_at(record_paths(folder), folder, check=check):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            records.append(found)
    return records, problems


def record_paths(folder: Path) -> list[Path]:
    """All files below ``folder`` that should be records, sorted. Raises BadSetting when there is no such folder."""
    if not folder.is_dir():
        raise BadSetting(f"there is no results folder {folder}; mtlbench run --results {folder} makes one")
    return list(_record_paths(folder))


def records_at(
    paths: Iterable[Path],
    folder: Path,
    look: Callable[[bytes], object] | None = None,
    outcome_of: Callable[[JsonText], Any] = json_of,
    check: Callable[[dict[str, Any]], object] | None = None,
) -> Iterator[dict[str, Any] | Problem]:
    """The good records of ``folder`` at some paths, or what is wrong there, one by one: memory may not hold them all.

    look, outcome_of: see ``load_record``. check: may raise BadRecord for a record that is good as far as that goes.
    """
    for path in paths:
        try:
            if not path.is_file():  # a link to nothing, a pipe: reading it might never end
                raise BadRecord("is a folder; records are SUITE/METHOD/KEY.json" if path.is_dir() else "is no file")
            record = load_record(path, look, outcome_of)
            if check is not None:
                check(record)
            yield record
        except FileNotFoundError:
            continue  # removed since the folder was listed
        except PermissionError as error:
            yield Problem(path.relative_to(folder).as_posix(), f"cannot be read: {error.strerror}")
        except BadRecord as bad:
            yield Problem(path.relative_to(folder).as_posix(), str(bad))


def is_folder_name(name: str) -> bool:
    """Whether a suite, a method or a file may be called so: letters, digits, '.', '_' and '-', no dot in front."""
    return _NAME.fullmatch(name) is not None


class Store:
    """A results folder: ``<suite>/<method>/<key>.json`` are records; what begins with a dot is not."""

    option: ClassVar[str] = "--results"
    """The option that names the folder, for messages."""
    depth: ClassVar[int] = 3
    """How deep the records lie below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, config: Config) -> Store:
        """The store that a command or job was given."""
        if config.results is None:
            raise BadSetting("no results folder was named; name one with --results")
        return cls(config.results)

    def prepare(self) -> None:
        """Make the folder and remove what dead runs left; raises MtlbenchError when it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = atomic.temporary_in(self.folder)
            probe.touch()
            probe.unlink()
        except OSError as error:
            reason = error.strerror or str(error)
            raise MtlbenchError(
                f"cannot write to the results folder {self.folder}: {reason}; choose another with {self.option}"
            ) from None
        self.sweep()

    def sweep(self) -> None:
        """Remove what dead runs left: temporary files, claims, checkpoints of cells that are done."""
        if not self.folder.is_dir():
            return
        atomic.sweep(self.folder)
        sweep_claims(self.folder / ".claims")
        checkpoints = self.folder / ".checkpoints"
        left = {path.name for path in checkpoints.iterdir()} if checkpoints.is_dir() else set()
        for path in _record_paths(self.folder, self.depth) if left else ():
            if path.stem in left and self.holder(path.stem) is None:
                self.drop_checkpoint(path.stem)

    def path(self, cell: Cell) -> Path:
        """Where the record of ``cell`` lies, or will."""
        for name in (cell.suite, cell.method):
            if not is_folder_name(name):
                raise BadPlugin(f"{name!r} cannot name a folder of results: letters, digits, '.', '_' and '-' can")
        return self.folder / cell.suite / cell.method / f"{cell.key}.json"

    def load(self, cell: Cell) -> dict[str, Any] | None:
        """The record of ``cell``, or None when there is none yet; raises BadRecord that names the file."""
        path = self.path(cell)
        try:
            return self.read(path)
        except FileNotFoundError:
            return None
        except BadRecord as bad:
            raise type(bad)(f"{path}: {bad}") from None

    def read(self, path: Path) -> dict[str, Any]:
        """The checked record at a path of this store; raises BadRecord or FileNotFoundError."""
        return load_record(path)

    def write(self, cell: Cell, record: Mapping[str, Any]) -> Literal["stored", "same", "conflict"]:
        """Store a record unless there is one: the first stays, and one that differs in outcome is kept beside it.

        A file there that is no good record is moved aside; one of a newer mtlbench stays and raises FutureRecord.
        """
        path = self.path(cell)
        for _ in range(2):
            if atomic.create(path, record_bytes(record)):
                return "stored"
            try:
                first = self.load(cell)
            except FutureRecord:
                raise
            except BadRecord:
                self.set_aside(cell)
                continue
            if first is None:
                continue
            if first["digest"] == record["digest"]:
                return "same"
            atomic.replace(path.with_name(f".conflict-{cell.key}-{record['digest'][:12]}.json"), record_bytes(record))
            return "conflict"
        raise BadRecord(f"{path}: something else keeps writing here")

    def set_aside(self, cell: Cell) -> None:
        """Rename the bad file in a record's place to ``.bad-...``."""
        path = self.path(cell)
        number = 1
        while (aside := path.with_name(f".bad-{number}-{path.name}")).exists():
            number += 1
        path.replace(aside)

    def conflicts(self) -> list[Path]:
        """Records that came out otherwise than the first of their cell."""
        return sorted(self.folder.glob("*/*/.conflict-*.json"))

    def find(self, prefix: str) -> Path:
        """The record whose key begins with ``prefix``. Raises BadSetting when it is too short or not one record's."""
        wanted = prefix.strip().lower()
        if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_PREFIX},64}}", wanted):
            raise BadSetting(f"a record's key is {_SHORTEST_PREFIX} to 64 digits of 0-9a-f, found {prefix!r}")
        found = [path for path in _record_paths(self.folder) if path.stem.startswith(wanted)]
        if not found:
            raise UnknownName(f"no record in {self.folder} has a key that begins with {wanted!r}")
        if len(found) > 1:
            keys = ", ".join(path.stem[: len(wanted) + 8] for path in found[:5])
            raise BadSetting(f"{len(found)} records have keys that begin with {wanted!r}: {keys}; give more digits")
        return found[0]

    def claim(self, key: str) -> Claim | None:
        """Hold a cell; None while another run does."""
        return Claim.take(self._claim_path(key))

    def holder(self, key: str) -> Mapping[str, Any] | None:
        """Who holds a cell, or None."""
        return holder(self._claim_path(key))

    def _claim_path(self, key: str) -> Path:
        return self.folder / ".claims" / f"{key}.json"

    def checkpoint(self, key: str) -> Path:
        """The folder for what a cell needs to be resumed; it need not exist."""
        return self.folder / ".checkpoints" / key

    def drop_checkpoint(self, key: str) -> None:
        """Remove a cell's checkpoint, if there is one."""
        shutil.rmtree(self.checkpoint(key), ignore_errors=True)

    def failure_path(self, key: str) -> Path:
        """Where a cell's last failure is described, if it failed."""
        return self.folder / ".failures" / f"{key}.json"

    def write_failure(self, cell: Cell, failure: Mapping[str, Any]) -> None:
        """Keep why a cell failed until it succeeds: ``failure`` has its error in a line, and its traceback."""
        content = {"key": cell.key, "variant": cell.variant, "cell": cell_content(cell), **failure}
        atomic.replace(self.failure_path(cell.key), (json.dumps(content, indent=1) + "\n").encode())

    def clear_failure(self, key: str) -> None:
        """Forget a failure."""
        self.failure_path(key).unlink(missing_ok=True)


def _record_paths(folder: Path, depth: int = 3) -> Iterator[Path]:
    """Files that should be records, sorted: all ``.json`` down to ``<suite>/<method>/`` but those with a leading dot.

    One that lies higher up belongs deeper, and a folder that lies there belongs nowhere: whoever reads it will say so.
    Raises MtlbenchError for a folder that cannot be read, whose records would seem to be gone.
    """
    for found in _entries(folder):
        path = folder / found.name
        if path.is_dir() if found.is_symlink() else found.is_dir():
            if not (is_folder_name(found.name) or os.access(path, os.R_OK | os.X_OK)):
                continue  # lost+found and its like, where no record can lie
            yield from _record_paths(path, depth - 1) if depth > 1 else [path]
        elif path.suffix.lower() == ".json":
            yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise MtlbenchError(f"cannot read the folder {folder}: {error.strerror or error}") from None
