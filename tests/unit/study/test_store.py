from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlbench import BadPlugin, BadSetting, Cell, MtlbenchError, UnknownName
from mtlbench.study.atomic import Owner, create, replace, sweep, temporary_in
from mtlbench.study.keys import keyed
from mtlbench.study.records import FutureRecord, record_bytes
from mtlbench.study.store import Problem, Store, read_records

RecordOf = Callable[..., dict[str, Any]]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_the_first_record_stays(store: Store, cell: Cell, record_of: RecordOf) -> None:
    first = record_of(cell)
    assert store.write(cell, first) == "stored"
    before = store.path(cell).read_bytes()
    assert store.write(cell, {**first, "measured": {"seconds": 9}}) == "same"
    assert store.path(cell).read_bytes() == before
    assert names(store.folder) == [f"pond/fussy/{cell.key}.json"]


def test_a_record_that_differs_is_kept_beside_the_first(store: Store, cell: Cell, record_of: RecordOf) -> None:
    first, second = record_of(cell), record_of(cell, average=50.6)
    store.write(cell, first)
    assert store.write(cell, second) == "conflict"
    assert store.write(cell, second) == "conflict"
    assert store.load(cell) == first
    (kept,) = store.conflicts()
    assert kept.name == f".conflict-{cell.key}-{second['digest'][:12]}.json"
    assert json.loads(kept.read_bytes()) == second
    assert read_records(store.folder) == ([first], [])


def test_a_bad_file_makes_room_and_is_kept(store: Store, cell: Cell, record_of: RecordOf) -> None:
    path = store.path(cell)
    path.parent.mkdir(parents=True)
    for number in (1, 2):
        path.write_bytes(b'{"torn')
        assert store.write(cell, record_of(cell)) == "stored"
        assert (path.parent / f".bad-{number}-{path.name}").read_bytes() == b'{"torn'
    assert store.load(cell) == record_of(cell)


def test_a_record_of_a_newer_mtlbench_is_left_alone(store: Store, cell: Cell, record_of: RecordOf) -> None:
    path = store.path(cell)
    path.parent.mkdir(parents=True)
    future = record_bytes({**record_of(cell), "schema": 99})
    path.write_bytes(future)
    with pytest.raises(FutureRecord, match=f"{cell.key}.json: written by a newer mtlbench"):
        store.write(cell, record_of(cell))
    assert path.read_bytes() == future


def test_a_folder_that_cannot_be_read_is_an_error(
    store: Store, cell: Cell, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its records would seem to be gone, and a board would be written without them.
    store.write(cell, record_of(cell))
    scandir, forbidden = os.scandir, store.path(cell).parent

    def scan(folder: Path) -> object:
        if folder == forbidden:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(MtlbenchError, match=f"cannot read the folder {re.escape(str(forbidden))}: Permission denied"):
        read_records(store.folder)
    with pytest.raises(MtlbenchError, match="Permission denied"):
        store.find(cell.key)


def test_a_folder_that_cannot_be_read_and_can_hold_no_records_is_passed_over(
    store: Store, cell: Cell, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As at the root of a volume.
    store.write(cell, record_of(cell))
    scandir, forbidden = os.scandir, store.folder / "lost+found"
    forbidden.mkdir()

    def scan(folder: Path) -> object:
        if folder == forbidden:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os, "access", lambda path, _: path != forbidden)
    records, problems = read_records(store.folder)
    assert ([record["key"] for record in records], problems) == ([cell.key], [])


def test_a_record_that_may_not_be_looked_at_is_a_problem(
    store: Store, cell: Cell, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(cell, record_of(cell))

    def forbidden(self: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", forbidden)
    records, problems = read_records(store.folder)
    assert (records, [problem.text for problem in problems]) == ([], ["cannot be read: Permission denied"])


def test_reading_goes_on_past_what_is_no_record(
    store: Store, cell: Cell, other_cell: Cell, record_of: RecordOf
) -> None:
    for one in (cell, other_cell):
        store.write(one, record_of(one))
    third = keyed(dataclasses.replace(cell, seed=3))
    folder = store.path(cell).parent
    (folder / f"{third.key}.json").write_bytes(record_bytes(record_of(third))[:200])
    (folder / "odd name é\n.json").write_bytes(b"{}")
    (folder / "notes.txt").write_text("mine")
    (folder / "SHOUTED.JSON").write_text("{")
    (folder / ".hidden.json").write_text("{")
    (folder / "deep.json").mkdir()
    (folder / "nothing.json").symlink_to(folder / "absent")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    os.mkfifo(folder / "pipe.json")
    (store.folder / "around").symlink_to(store.folder, target_is_directory=True)
    (store.folder / "stray.json").write_text("{")
    (store.folder / ".checkpoints").mkdir()
    records, problems = read_records(store.folder)
    assert {record["key"] for record in records} == {cell.key, other_cell.key}
    found = {Path(problem.path).name: problem.text for problem in problems}
    assert found.pop("odd name é\n.json").startswith("'schema' must be a whole number")
    assert found.pop(f"{third.key}.json").startswith("not JSON, perhaps cut short")
    assert found.pop("stray.json").startswith("not JSON, perhaps cut short")
    assert found.pop("SHOUTED.JSON").startswith("not JSON, perhaps cut short")
    too_deep = {name: text for name, text in found.items() if "is a folder; records are SUITE/METHOD/KEY.json" in text}
    assert too_deep.keys() == {"deep.json", "around", cell.suite, cell.method}
    assert found == too_deep | dict.fromkeys(("nothing.json", "loop.json", "pipe.json"), "is no file")
    assert str(Problem("a/b.json", "is no file")) == "a/b.json: is no file"


def test_a_linked_record_is_a_record(store: Store, cell: Cell, record_of: RecordOf, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(record_bytes(record_of(cell)))
    path = store.path(cell)
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    assert read_records(store.folder) == ([record_of(cell)], [])


def test_reading_a_folder_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(
        BadSetting, match=r"^there is no results folder .*nowhere; mtlbench run --results .*nowhere makes"
    ):
        read_records(tmp_path / "nowhere")


def test_a_record_is_found_by_the_beginning_of_its_key(
    store: Store, cell: Cell, other_cell: Cell, record_of: RecordOf
) -> None:
    for one in (cell, other_cell):
        store.write(one, record_of(one))
    assert store.find(cell.key[:8].upper()) == store.path(cell)
    assert store.find(other_cell.key) == store.path(other_cell)
    with pytest.raises(UnknownName, match=r"no record in .* has a key that begins with 'ffffffff'"):
        store.find("ffffffff")
    for text in ("abc", "xyz12", "../..", "0" * 65):
        with pytest.raises(BadSetting, match=r"^a record's key is 4 to 64 digits of 0-9a-f"):
            store.find(text)
    twin = store.path(cell).with_name(cell.key[:10] + "f" * 54 + ".json")
    twin.write_text("{}")
    with pytest.raises(BadSetting, match=r"^2 records have keys that begin with .*; give more digits$"):
        store.find(cell.key[:10])


def test_a_results_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        MtlbenchError, match=r"^cannot write to the results folder .*: .*; choose another with --results$"
    ):
        Store(tmp_path / "file" / "results").prepare()


def test_a_name_that_leads_out_of_the_folder_is_refused(store: Store, cell: Cell) -> None:
    with pytest.raises(BadPlugin, match=r"^'\.\./x' cannot name a folder of results"):
        store.path(dataclasses.replace(cell, suite="../x"))


def test_a_failure_is_kept_until_it_is_cleared(store: Store, cell: Cell) -> None:
    store.write_failure(cell, {"error": "no", "traceback": "Traceback"})
    kept = json.loads(store.failure_path(cell.key).read_bytes())
    assert (kept["key"], kept["variant"], kept["cell"]["seed"], kept["error"]) == (cell.key, "fussy", 0, "no")
    store.clear_failure(cell.key)
    store.clear_failure(cell.key)
    assert not store.failure_path(cell.key).exists()


def test_what_dead_runs_left_is_swept_away(
    store: Store, cell: Cell, other_cell: Cell, record_of: RecordOf, dead: Owner
) -> None:
    store.write(cell, record_of(cell))
    mine = temporary_in(store.path(cell).parent)
    theirs = mine.with_name(f".tmp-{dead.machine}-{dead.pid}-{dead.started}-12345678")
    far = mine.with_name(".tmp-000000000000-1-1-12345678")
    old = mine.with_name(".tmp-000000000000-1-1-87654321")
    for path in (mine, theirs, far, old):
        path.touch()
    os.utime(old, (0, 0))
    for one in (cell, other_cell):
        (store.checkpoint(one.key) / "step-1").mkdir(parents=True)
    claim = store.folder / ".claims" / f"{cell.key}.json"
    claim.parent.mkdir()
    claim.write_text(json.dumps(dataclasses.asdict(dead)))
    store.prepare()
    assert (mine.exists(), theirs.exists(), far.exists(), old.exists()) == (True, False, True, False)
    assert not claim.exists()
    assert not store.checkpoint(cell.key).exists()  # its cell is done
    assert store.checkpoint(other_cell.key).exists()  # its cell is to be resumed


def test_a_checkpoint_in_use_is_not_swept_away(store: Store, cell: Cell, record_of: RecordOf) -> None:
    claim = store.claim(cell.key)
    assert claim is not None
    with claim:
        store.checkpoint(cell.key).mkdir(parents=True)
        store.write(cell, record_of(cell))
        store.sweep()
        assert store.checkpoint(cell.key).exists()


def test_a_new_file_never_takes_anothers_place(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x"
    assert create(path, b"one")
    assert not create(path, b"two")
    assert path.read_bytes() == b"one"
    replace(path, b"three")
    assert path.read_bytes() == b"three"
    assert names(tmp_path) == ["deep/x"]


def test_a_file_system_without_links_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert create(tmp_path / "x", b"one")
    assert not create(tmp_path / "x", b"two")
    assert names(tmp_path) == ["x"]


WRITER = """
import sys
from pathlib import Path
from mtlbench.study.atomic import create, replace
folder = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    create(folder / f"{number}.json", b"x" * 200_000)
    replace(folder / "last.json", b"y" * 200_000)
    number += 1
"""


def test_a_killed_writer_leaves_nothing_torn_and_what_it_leaves_is_swept(tmp_path: Path) -> None:
    for wait in range(6):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not (tmp_path / f"{wait * 3}.json").exists():
                pass
            writer.kill()
    whole = list(tmp_path.glob("*.json"))
    assert len(whole) > 6
    assert all(path.stat().st_size == 200_000 for path in whole)
    sweep(tmp_path)
    assert names(tmp_path) == sorted(path.name for path in whole)
