from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest

from mtlbench import MtlbenchError
from mtlbench.study import claims
from mtlbench.study.atomic import Owner
from mtlbench.study.claims import Claim, _clear, holder, sweep_claims


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".claims" / "k.json"


def write(path: Path, owner: Owner, age: float = 0.0) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(owner)))
    os.utime(path, (time.time() - age,) * 2)


def test_a_claim_is_held_by_one_and_let_go(path: Path) -> None:
    with Claim.take(path) or pytest.fail("free") as claim:
        assert Claim.take(path) is None
        found = holder(path)
        assert found is not None
        assert (found["pid"], found["host"]) == (os.getpid(), os.uname().nodename)
        assert claim.path == path
    assert holder(path) is None
    assert list(path.parent.iterdir()) == []


def test_a_claim_is_let_go_when_the_work_raises(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Claim.take(path) or pytest.fail("free"):
        raise KeyboardInterrupt
    assert not path.exists()


def test_the_claim_of_a_dead_process_is_taken_over_at_once(path: Path, dead: Owner) -> None:
    write(path, dead)
    assert holder(path) is None
    with Claim.take(path) or pytest.fail("the holder is dead"):
        assert (holder(path) or {})["pid"] == os.getpid()
    assert list(path.parent.iterdir()) == []


def test_a_process_number_that_was_given_again_is_another_process(path: Path) -> None:
    write(path, dataclasses.replace(Owner.me(), started="1"))
    assert holder(path) is None


def test_the_claim_of_another_machine_is_kept_until_it_is_silent_for_long(path: Path, dead: Owner) -> None:
    far = dataclasses.replace(dead, machine="000000000000")
    write(path, far, age=200)
    assert Claim.take(path) is None
    assert sweep_claims(path.parent) == 0
    write(path, far, age=400)
    with Claim.take(path) or pytest.fail("it is stale"):
        pass


def test_a_claim_that_is_just_being_written_is_held(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert holder(path) == {}
    assert Claim.take(path) is None


def test_a_held_claim_beats(path: Path) -> None:
    with Claim.take(path, beat_seconds=0.01) or pytest.fail("free"):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 30
        while path.stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 1


def test_a_claim_that_was_taken_over_is_neither_kept_alive_nor_removed_by_its_old_holder(path: Path) -> None:
    old = Claim.take(path, beat_seconds=0.01)
    assert old is not None
    path.unlink()
    with Claim.take(path) or pytest.fail("free"):
        os.utime(path, (0, 0))
        time.sleep(0.1)
        assert path.stat().st_mtime == 0
        old.release()
        assert path.exists()


def test_dead_claims_are_swept(tmp_path: Path, dead: Owner) -> None:
    write(tmp_path / "a.json", dead)
    write(tmp_path / "b.json", Owner.me())
    assert sweep_claims(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
    assert sweep_claims(tmp_path / "absent") == 0


def test_the_place_of_a_live_claim_is_not_free_for_a_moment(path: Path) -> None:
    # A slow taker looks at a dead claim, and when it goes on to remove it, a live one is there.
    write(path, Owner.me())
    over = threading.Event()

    def slow() -> None:
        try:
            for _ in range(500):
                assert not _clear(path, 300)
        finally:
            over.set()

    taker = threading.Thread(target=slow)
    taker.start()
    absent = 0
    while not over.is_set():
        absent += not path.exists()
    taker.join()
    assert absent == 0
    assert holder(path) is not None
    assert [it.name for it in path.parent.iterdir()] == [path.name]


def test_who_finds_another_at_a_dead_claim_waits_for_it(path: Path, dead: Owner) -> None:
    write(path, dead)
    taken: list[Claim | None] = []
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        taker = threading.Thread(target=lambda: taken.append(Claim.take(path)))
        taker.start()
        taker.join(0.2)
        assert (taker.is_alive(), taken) == (True, [])
        path.unlink()
    taker.join()
    with taken[0] or pytest.fail("its place was free"):
        assert path.exists()


def test_a_claim_is_not_let_go_between_anothers_look_and_its_removal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The holder was silent for long, and comes back when another takes over.
    slow = Claim.take(path) or pytest.fail("free")
    other: list[Claim] = []
    looked = claims._is_at

    def taken_over_at_the_look(at: Path, descriptor: int) -> bool:
        found = looked(at, descriptor)
        if not other:
            other.append(cast("Claim", None))
            taker = threading.Thread(target=lambda: other.append(cast("Claim", Claim.take(path, stale_seconds=-1.0))))
            taker.start()
            taker.join(0.2)
        return found

    monkeypatch.setattr(claims, "_is_at", taken_over_at_the_look)
    slow.release()
    deadline = time.monotonic() + 30
    while len(other) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holder(path) is not None
    other[1].release()
    assert not path.exists()


def test_a_claim_that_may_not_be_read_is_held_until_it_is_silent_for_long(
    path: Path, dead: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(self: Path, encoding: str, errors: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbidden)
    write(path, dead)
    assert Claim.take(path) is None
    assert sweep_claims(path.parent) == 0
    write(path, dead, age=400)
    with Claim.take(path) or pytest.fail("it is stale"):
        pass


def test_a_dead_claim_that_may_not_be_removed_is_told_of(
    path: Path, dead: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Held it would be for ever: nobody lives who could let go of it.
    write(path, dead)
    unlink = Path.unlink

    def forbidden(self: Path, *, missing_ok: bool = False) -> None:
        if self == path:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", forbidden)
    with pytest.raises(MtlbenchError, match="cannot be taken over: Operation not permitted; remove it"):
        Claim.take(path)
    assert sweep_claims(path.parent) == 0
    assert path.exists()


def test_what_was_put_in_the_place_of_a_dead_claim_is_not_removed(
    path: Path, dead: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, dead)
    locked = claims._locked

    def locked_too_late(descriptor: int) -> AbstractContextManager[None]:
        path.unlink()
        write(path, Owner.me())
        return locked(descriptor)

    monkeypatch.setattr(claims, "_locked", locked_too_late)
    assert Claim.take(path) is None
    assert holder(path) is not None


def test_a_dead_claim_is_taken_over_where_there_are_no_locks(
    path: Path, dead: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    write(path, dead)
    with Claim.take(path) or pytest.fail("the holder is dead"):
        pass


RACER = """
import sys, os
from pathlib import Path
from mtlbench.study.claims import Claim
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    claim = Claim.take(folder / ".claims" / f"{number}.json")
    if claim is not None:
        with claim:
            if not (folder / f"{number}.done").exists():
                with open(folder / "log", "a") as log:
                    log.write(f"{number}\\n")
                (folder / f"{number}.done").touch()
"""


@pytest.mark.parametrize("left_behind", [False, True], ids=["fresh", "over dead claims"])
def test_racing_processes_do_nothing_twice(tmp_path: Path, dead: Owner, left_behind: bool) -> None:
    (tmp_path / ".claims").mkdir()
    for number in range(100 if left_behind else 0):
        write(tmp_path / ".claims" / f"{number}.json", dead)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        racer.stdout.readline()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate()
        assert racer.returncode == 0
    done = Counter((tmp_path / "log").read_text().split())
    assert done == {str(number): 1 for number in range(100)}
    assert list((tmp_path / ".claims").iterdir()) == []
