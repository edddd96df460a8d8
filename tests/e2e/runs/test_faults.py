"""What a run survives: workers and coordinators that are killed, other runs beside it, an interrupt."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlbench.study.records import record_bytes
from mtlbench.study.store import read_records

Until = Callable[[Callable[[], object]], None]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def workers(bench: Any) -> list[int]:
    """The processes that have begun cells."""
    return sorted({int(line.split()[1]) for line in bench.log("begun")})


def test_the_cell_of_a_killed_worker_runs_again_and_the_others_run_once(bench: Any) -> None:
    answer = bench.run("-m", "swim[mood=dies-once]", "--seeds", "5", "--workers", "2", executor="processes")
    assert answer.code == 0
    assert bench.begun() == [0, 0, 1, 2, 3, 4]
    assert "swim[mood=dies-once] on pond, seed 0: its worker was killed by SIGKILL; it will run again" in answer.err
    assert bench.leftovers() == []
    killed = bench.outcomes()
    shutil.rmtree(bench.results)
    assert bench.run("-m", "swim[mood=dies-once]", "--seeds", "5").code == 0
    assert bench.outcomes() == killed


def test_a_cell_that_kills_its_workers_is_given_up_after_three(bench: Any) -> None:
    words = ("-m", "swim[mood=dies]", "-m", "swim", "--seeds", "2", "--workers", "2")
    answer = bench.run(*words, executor="processes")
    assert answer.code == 1
    assert bench.begun() == [0, 0, 0, 0, 1, 1, 1, 1]  # each seed: three deaths, and once for the other method
    assert "4 cells in" in answer.err
    assert "2 lost" in answer.err
    assert "lost: swim[mood=dies] on pond, seed 0: its worker was killed by SIGKILL, 3 times (details: " in answer.err
    assert len(read_records(bench.results)[0]) == 2
    assert len(bench.leftovers()) == 2  # the two failures


def test_a_killed_coordinator_takes_its_workers_along_and_the_next_run_goes_on(bench: Any, until: Until) -> None:
    words = ("-m", "swim", "-m", "swim[mood=waits]", "--seeds", "2")
    first = bench.start(*words)
    until(lambda: len(bench.log("finished")) == 2 and len(bench.begun()) == 4)
    first.kill()
    first.wait()
    until(lambda: not any(map(is_alive, workers(bench))))
    assert len(read_records(bench.results)[0]) == 2
    (bench.folder / "go").touch()
    answer = bench.run(*words, executor="processes")
    assert answer.code == 0
    assert "2 of 4 cells have their records" in answer.err
    assert bench.leftovers() == []
    killed = bench.outcomes()
    shutil.rmtree(bench.results)
    assert bench.run(*words).code == 0
    assert bench.outcomes() == killed


def test_runs_that_are_killed_again_and_again_leave_nothing_that_grows(bench: Any, until: Until) -> None:
    for number in range(1, 4):
        process = bench.start("-m", "swim[mood=waits]", "--seeds", "2")
        until(lambda number=number: len(bench.begun()) == 2 * number)
        process.kill()
        process.wait()
        until(lambda: not any(map(is_alive, workers(bench))))
        assert len(bench.leftovers()) == 2  # the claims of the last two workers
    (bench.folder / "go").touch()
    assert bench.run("-m", "swim[mood=waits]", "--seeds", "2").code == 0
    assert bench.leftovers() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["^C", "SIGTERM"])
def test_an_interrupt_ends_the_run_in_good_order(bench: Any, until: Until, number: int, code: int) -> None:
    words = ("-m", "swim", "-m", "swim[mood=waits]", "--seeds", "2")
    process = bench.start(*words)
    until(lambda: len(bench.log("finished")) == 2 and len(bench.begun()) == 4)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert out == ""
    assert err.splitlines()[-1] == "stopped with 2 of 4 cells ended; the same command goes on from here"
    assert "Traceback" not in err
    assert not any(map(is_alive, workers(bench)))
    assert bench.leftovers() == []
    (bench.folder / "go").touch()
    assert bench.run(*words).code == 0
    assert len(bench.begun()) == 4 + 2


def test_two_runs_over_one_folder_share_the_work(bench: Any, until: Until) -> None:
    words = ("-m", "swim[mood=waits]", "--seeds", "6", "--json")
    first = bench.start(*words)
    until(lambda: len(bench.begun()) == 2)
    second = bench.start(*words)
    until(lambda: len(bench.begun()) == 4)
    (bench.folder / "go").touch()
    for process in (first, second):
        process.communicate()
        assert process.returncode == 0
    assert bench.begun() == [0, 1, 2, 3, 4, 5]
    assert bench.leftovers() == []


def test_a_run_takes_over_the_cells_of_one_that_was_killed_beside_it(bench: Any, until: Until) -> None:
    words = ("-m", "swim[mood=waits]", "--seeds", "2")
    first = bench.start(*words)
    until(lambda: len(bench.begun()) == 2)
    second = bench.start(*words)
    assert second.stderr is not None
    line = second.stderr.readline()
    while "waiting for 2 cells" not in line:
        assert line, "it waits for the first run"
        line = second.stderr.readline()
    first.kill()
    first.wait()
    (bench.folder / "go").touch()
    second.communicate()
    assert second.returncode == 0
    assert len(read_records(bench.results)[0]) == 2
    assert bench.begun() == [0, 0, 1, 1]


def test_a_record_that_was_tampered_with_is_trained_again(bench: Any) -> None:
    bench.run("-m", "swim", "--seeds", "2")
    good = bench.outcomes()
    path = min(bench.results.glob("pond/swim/*.json"))
    record = json.loads(path.read_bytes())
    record["outcome"]["average"] += 40
    path.write_bytes(record_bytes(record))
    answer = bench.run("-m", "swim", "--seeds", "2")
    assert answer.code == 2
    assert "digest does not match the outcome" in answer.err
    assert bench.outcomes() == good
    assert bench.leftovers() == [f".bad-1-{path.name}"]
    assert bench.run("-m", "swim", "--seeds", "2").code == 0


def test_a_record_of_a_newer_mtlbench_is_left_alone_and_makes_exit_code_2(bench: Any) -> None:
    bench.run("-m", "swim")
    (path,) = bench.results.glob("pond/swim/*.json")
    path.write_bytes(record_bytes({**json.loads(path.read_bytes()), "schema": 99}))
    newer = path.read_bytes()
    answer = bench.run("-m", "swim", "--seeds", "2", "--json")
    assert answer.code == 2
    assert [cell["status"] for cell in answer.json["cells"]] == ["unreadable", "done"]
    assert answer.json["bad_records"] == [f"pond/swim/{path.name}"]
    assert path.read_bytes() == newer
