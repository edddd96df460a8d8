from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mtlbench import BadSetting, Executor, Job, build, values_of
from mtlbench_executors.processes import Processes, Waiting
from mtlbench_executors.serial import Serial

JobOf = Callable[..., Job]


def ignore(message: Mapping[str, Any]) -> None:
    pass


@pytest.fixture(params=[Serial(), Processes(workers=2)], ids=["serial", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    yield request.param
    request.param.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    executor = Processes(workers=2)
    yield executor
    executor.close()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_every_job_has_one_outcome(executor: Executor, job: JobOf) -> None:
    functions = ["works", "claimed", "raises", "exits", "works", "absent"]
    jobs = [job(f"k{number}", function) for number, function in enumerate(functions)]
    outcomes = {outcome.key: outcome for outcome in executor.run(jobs, ignore)}
    assert len(outcomes) == 6
    statuses = [outcomes[f"k{number}"].status for number in range(6)]
    assert statuses == ["done", "claimed", "failed", "failed", "done", "failed"]
    assert (outcomes["k2"].error or "").rstrip().endswith("ValueError: a bad day")
    assert (outcomes["k3"].error or "").rstrip().endswith("SystemExit: 3")
    assert "has no attribute 'absent'" in (outcomes["k5"].error or "")
    assert all(outcome.seconds >= 0 for outcome in outcomes.values())


def test_no_jobs_no_outcomes(executor: Executor) -> None:
    assert list(executor.run([], ignore)) == []
    executor.close()
    executor.close()


def test_reports_arrive_in_order_and_before_the_outcome(executor: Executor, job: JobOf) -> None:
    heard: list[Any] = []
    for outcome in executor.run([job("a", "works")], heard.append):
        heard.append(outcome.status)
    assert [it if isinstance(it, str) else it["gradients"] for it in heard] == [1, 2, "done"]


def test_what_a_cell_prints_does_not_reach_stdout(
    executor: Executor, job: JobOf, capfd: pytest.CaptureFixture[str]
) -> None:
    assert [outcome.status for outcome in executor.run([job("a", "prints")], ignore)] == ["done"]
    executor.close()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "on stdout\n")


def test_a_killed_worker_loses_its_own_job_and_no_other(processes: Processes, job: JobOf, tmp_path: Path) -> None:
    file = str(tmp_path / "go")
    jobs = [job("waits", "waits", file=file), job("dies", "dies"), job("leaves", "leaves"), job("works", "works")]
    outcomes = {}
    for outcome in processes.run(jobs, ignore):
        outcomes[outcome.key] = (outcome.status, outcome.error)
        if len(outcomes) == 3:
            Path(file).touch()
    assert outcomes == {
        "waits": ("done", None),
        "works": ("done", None),
        "dies": ("lost", "its worker was killed by SIGKILL"),
        "leaves": ("lost", "its worker ended with exit code 7"),
    }


def test_workers_stay_warm_and_are_not_more_than_asked_for(processes: Processes, job: JobOf) -> None:
    pids: list[int] = []

    def note(message: Mapping[str, Any]) -> None:
        pids.extend([message["pid"]] if "pid" in message else [])

    for _ in range(2):
        assert len(list(processes.run([job(f"k{number}", "works") for number in range(6)], note))) == 6
    assert len(pids) == 12
    assert 1 <= len(set(pids)) <= 2
    assert os.getpid() not in pids
    processes.close()
    assert not any(map(is_alive, pids))


def test_a_worker_that_died_between_two_runs_is_replaced(processes: Processes, job: JobOf) -> None:
    pids: list[int] = []

    def note(message: Mapping[str, Any]) -> None:
        pids.extend([message["pid"]] if "pid" in message else [])

    list(processes.run([job("a", "works")], note))
    os.kill(pids[0], signal.SIGKILL)
    while is_alive(pids[0]):
        time.sleep(0.01)
    assert [outcome.status for outcome in processes.run([job("b", "works")], note)] == ["done"]
    assert pids[1] != pids[0]


def test_a_worker_that_dies_idle_while_a_job_is_handed_to_it_costs_nothing(processes: Processes, job: JobOf) -> None:
    pids: list[int] = []

    def note(message: Mapping[str, Any]) -> None:
        pids.extend([message["pid"]] if "pid" in message else [])

    list(processes.run([job("a", "works")], note))
    os.kill(pids[0], signal.SIGSTOP)  # as near as a test gets to a process that is dying: alive, and deaf
    death = threading.Timer(0.2, os.kill, (pids[0], signal.SIGKILL))
    death.start()
    assert [outcome.status for outcome in processes.run([job("b", "works")], note)] == ["done"]
    death.join()
    assert pids[1] != pids[0]


def test_whoever_stops_asking_ends_what_runs(processes: Processes, job: JobOf, tmp_path: Path) -> None:
    pids: list[int] = []
    outcomes = processes.run(
        [job("waits", "waits", file=str(tmp_path / "never")), job("works", "works")],
        lambda message: pids.append(message["pid"]) if message["key"] == "waits" else None,
    )
    assert next(outcomes).key == "works"
    outcomes.close()  # type: ignore[attr-defined]
    assert not any(map(is_alive, pids))


COORDINATOR = """
import sys
sys.path.insert(0, sys.argv[1])
from mtlbench import Job
from mtlbench_executors.processes import Processes, Waiting
job = Job("a", "pond_jobs:waits", {"key": "a", "file": sys.argv[1] + "/never"})
other = Job("b", "pond_jobs:works", {"key": "b"})
if __name__ == "__main__":
    for _ in Processes(workers=2).run([job, other], lambda message: print(message.get("pid"), flush=True)):
        pass
"""


def test_workers_end_when_their_coordinator_is_killed(job: JobOf, tmp_path: Path) -> None:
    script = tmp_path / "coordinator.py"
    script.write_text(COORDINATOR)
    with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as coordinator:
        assert coordinator.stdout is not None
        lines = [coordinator.stdout.readline().strip() for _ in range(3)]
        pids = [int(line) for line in lines if line != "None"]
        assert len(pids) == 2  # one is at a job, one waits for the next
        coordinator.kill()
    deadline = time.monotonic() + 60
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))


def test_workers_is_a_setting() -> None:
    assert values_of(build(Processes, {"workers": "3"}, "executor processes")) == {"workers": 3}
    assert values_of(Processes()) == {"workers": None}
    with pytest.raises(BadSetting, match=r"^executor processes: workers must be positive or none, found 0$"):
        build(Processes, {"workers": 0}, "executor processes")


def test_a_worker_goes_on_with_what_it_has_loaded_and_starts_what_no_other_has() -> None:
    jobs = [Job(f"{shares}{number}", "m:f", {}, shares) for number in range(2) for shares in "abc"]
    waiting = Waiting(jobs)

    def take(loaded: str, *others: str) -> str:
        return waiting.take(loaded, set(others)).key

    assert take("") == "a0"
    assert take("", "a") == "b0"
    assert take("a", "b") == "a1"
    assert take("a", "b") == "c0"  # nothing is left of a, and b is another's
    assert take("c", "b") == "c1"
    assert take("c", "b") == "b1"  # better than to idle
    assert not waiting
    waiting.put_back(jobs[0])
    assert take("b") == "a0"
