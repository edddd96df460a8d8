from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mtlbench import Cell, Config, MtlbenchError
from mtlbench.runner import Summary, run_grid
from mtlbench.study.records import record_bytes
from mtlbench.study.store import Store


def statuses(summary: Summary) -> list[tuple[str, bool]]:
    return [(result.status, result.found) for result in summary.results]


def test_every_cell_is_run_once_and_then_found(
    cells: list[Cell], config: Config, scripted: Callable[..., Any], listener: Any
) -> None:
    executor = scripted()
    first = run_grid(cells, executor, config, listener)
    assert statuses(first) == [("done", False)] * 4
    assert [result.average for result in first.results] == [50.0, 51.0, 52.0, 53.0]
    assert (first.is_clean, executor.closed, listener.found) == (True, 1, [])
    second = run_grid(cells, executor, config, listener)
    assert statuses(second) == [("done", True)] * 4
    assert executor.tried == [0, 1, 2, 3]
    assert listener.found == [0, 1, 2, 3]
    assert second.results[3].average == 53.0


def test_failures_and_divergences_do_not_stop_the_others_and_are_not_tried_again(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any]
) -> None:
    executor = scripted({0: ["failed"], 1: ["diverged"]})
    summary = run_grid(cells, executor, config)
    assert [result.status for result in summary.results] == ["failed", "diverged", "done", "done"]
    assert not summary.is_clean
    assert summary.results[0].error == "it failed"
    assert executor.tried == [0, 1, 2, 3]
    assert json.loads(store.failure_path(cells[0].key).read_bytes())["error"] == "it failed"
    again = run_grid(cells, scripted(), config)
    assert statuses(again) == [("done", False), ("diverged", True), ("done", True), ("done", True)]
    assert not again.is_clean


def test_a_lost_cell_runs_again_and_is_given_up_after_the_third_death(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], listener: Any
) -> None:
    executor = scripted({0: ["lost"], 1: ["lost", "done"]})
    summary = run_grid(cells, executor, config, listener)
    assert [result.status for result in summary.results] == ["lost", "done", "done", "done"]
    assert executor.tried == [0, 1, 2, 3, 0, 1, 0]
    assert summary.results[0].error == "it lost, 3 times"
    assert json.loads(store.failure_path(cells[0].key).read_bytes())["error"] == "it lost, 3 times"
    assert listener.said[0] == "plain on pond, seed 0: it lost; it will run again"
    assert listener.ended == [(2, "done"), (3, "done"), (1, "done"), (0, "lost")]


def test_a_worker_that_died_after_storing_its_record_has_done_its_work(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], record_of: Callable[..., Any]
) -> None:
    executor = scripted({0: ["lost"]})
    inner = executor.run

    def run(jobs: Any, report: Any) -> Any:
        for outcome in inner(jobs, report):
            if outcome.status == "lost":
                store.write(cells[0], record_of(cells[0]))
            yield outcome

    executor.run = run
    assert run_grid(cells, executor, config).is_clean
    assert executor.tried == [0, 1, 2, 3]


def test_an_executor_that_forgets_a_job_has_lost_it(
    cells: list[Cell], config: Config, scripted: Callable[..., Any]
) -> None:
    executor = scripted({2: ["silent", "done"], 3: ["silent"]})
    summary = run_grid(cells, executor, config)
    assert [result.status for result in summary.results] == ["done", "done", "done", "lost"]
    assert summary.results[3].error == "the executor never told what became of it, 3 times"


def test_a_worker_that_says_done_and_stores_nothing_has_failed(
    cells: list[Cell], config: Config, scripted: Callable[..., Any]
) -> None:
    summary = run_grid(cells, scripted({0: ["forgets"]}), config)
    assert summary.results[0].status == "failed"
    error = summary.results[0].error or ""
    assert error == f"its worker stored no record in {config.results}; is that folder shared with it?"


def test_a_cell_of_another_run_is_waited_for(
    cells: list[Cell],
    config: Config,
    store: Store,
    scripted: Callable[..., Any],
    record_of: Callable[..., Any],
    listener: Any,
) -> None:
    store.prepare()
    claim = store.claim(cells[0].key)
    assert claim is not None

    def other_run() -> None:
        store.write(cells[0], record_of(cells[0]))
        claim.release()

    timer = threading.Timer(0.2, other_run)
    executor = scripted({0: ["claimed"]})
    timer.start()
    summary = run_grid(cells, executor, config, listener, poll_seconds=0.01)
    timer.join()
    assert statuses(summary) == [("done", True), ("done", False), ("done", False), ("done", False)]
    assert executor.tried == [0, 1, 2, 3]
    assert listener.said == ["waiting for 1 cells that another run is at"]
    assert listener.ended[-1] == (0, "done")


def test_a_cell_that_another_run_has_dropped_is_run(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any]
) -> None:
    store.prepare()
    claim = store.claim(cells[0].key)
    assert claim is not None
    timer = threading.Timer(0.1, claim.release)
    executor = scripted({0: ["claimed", "done"]})
    timer.start()
    summary = run_grid(cells, executor, config, poll_seconds=0.01)
    timer.join()
    assert summary.is_clean
    assert executor.tried == [0, 1, 2, 3, 0]


def test_a_bad_record_is_trained_again_and_kept(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], listener: Any
) -> None:
    path = store.path(cells[1])
    path.parent.mkdir(parents=True)
    path.write_text("{")
    summary = run_grid(cells, scripted(), config, listener)
    assert summary.is_clean
    assert summary.bad_records == [f"pond/plain/{path.name}"]
    assert (path.parent / f".bad-1-{path.name}").exists()
    (said,) = listener.said
    assert said.startswith(f"{path}: not JSON, perhaps cut short")
    assert said.endswith("the cell is trained again and the bad file kept beside the new record")


def test_a_bad_record_of_a_cell_that_fails_does_not_stop_the_others(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any]
) -> None:
    store.path(cells[1]).parent.mkdir(parents=True)
    store.path(cells[1]).write_text("{")
    summary = run_grid(cells, scripted({1: ["failed"]}), config)
    assert [result.status for result in summary.results] == ["done", "failed", "done", "done"]


def test_a_record_of_a_newer_mtlbench_is_neither_used_nor_replaced(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], record_of: Callable[..., Any]
) -> None:
    store.path(cells[1]).parent.mkdir(parents=True)
    store.path(cells[1]).write_bytes(record_bytes({**record_of(cells[1]), "schema": 99}))
    executor = scripted()
    summary = run_grid(cells, executor, config)
    assert [result.status for result in summary.results] == ["done", "unreadable", "done", "done"]
    assert "written by a newer mtlbench (schema 99" in (summary.results[1].error or "")
    assert executor.tried == [0, 2, 3]
    assert not summary.is_clean
    assert summary.bad_records == [f"pond/plain/{cells[1].key}.json"]


def test_a_record_whose_audit_disagrees_makes_the_run_unclean(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], record_of: Callable[..., Any]
) -> None:
    audit = {"agrees": False, "difference": "backward passes: 3 metered, 9 seen"}
    store.write(cells[1], record_of(cells[1], audit=audit))
    summary = run_grid(cells, scripted(), config)
    assert [result.disagreement for result in summary.results] == [None, audit["difference"], None, None]
    assert {result.status for result in summary.results} == {"done"}
    assert not summary.is_clean


def test_an_interrupt_closes_the_executor_and_tells_how_far_it_came(
    cells: list[Cell], config: Config, scripted: Callable[..., Any]
) -> None:
    executor, summary = scripted({2: ["interrupt"]}), Summary()
    with pytest.raises(KeyboardInterrupt):
        run_grid(cells, executor, config, summary=summary)
    assert [result.cell.seed for result in summary.results] == [0, 1]
    assert executor.closed == 1
    rest = scripted()
    assert run_grid(cells, rest, config).is_clean
    assert rest.tried == [2, 3]


def test_a_record_that_came_out_in_two_ways_is_reported(
    cells: list[Cell], config: Config, store: Store, scripted: Callable[..., Any], record_of: Callable[..., Any]
) -> None:
    executor = scripted()
    inner = executor.run

    def run(jobs: Any, report: Any) -> Any:
        yield from inner(jobs, report)
        store.write(cells[0], record_of(cells[0], average=0.0))

    executor.run = run
    summary = run_grid(cells, executor, config)
    assert [result.status for result in summary.results] == ["done"] * 4
    assert [path.rpartition("/")[0] for path in summary.conflicts] == ["pond/plain"]
    assert not summary.is_clean
    assert run_grid(cells, scripted(), config).is_clean  # it was told once; `verify` finds it again


def test_a_run_needs_a_folder_that_it_can_write(cells: list[Cell], tmp_path: Any, scripted: Callable[..., Any]) -> None:
    executor = scripted()
    (tmp_path / "file").touch()
    with pytest.raises(MtlbenchError, match=r"^cannot write to the results folder"):
        run_grid(cells, executor, Config(results=tmp_path / "file"))
    with pytest.raises(MtlbenchError, match=r"^no results folder was named; name one with --results$"):
        run_grid(cells, executor, Config())
    assert (executor.tried, executor.closed) == ([], 2)
