"""Ten thousand records of the largest size (12 tasks and 14 unseen, 40 kB): seconds and memory of a whole check."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time

import pytest

from mtlbench.study.records import record_bytes
from mtlbench.testing.records import made_up_record

SUITES, METHODS, SEEDS, TASKS, UNSEEN = 10, 20, 50, 12, 14


@pytest.mark.benchmark_suite
def test_ten_thousand_records_are_checked_in_seconds_and_a_gigabyte(tmp_path, capsys):
    rng = random.Random(0)
    for suite in range(SUITES):
        for method in range(METHODS):
            name = ("mtl", "stl")[method] if method < 2 else f"method-{method}"
            folder = tmp_path / f"results/suite-{suite}/{name}"
            folder.mkdir(parents=True)
            for seed in range(SEEDS):
                scores = {f"task-{task}": 70 + rng.gauss(0, 3) + 0.1 * method for task in range(TASKS)}
                unseen = {f"unseen-{task}": 50 + rng.gauss(0, 3) for task in range(UNSEEN)}
                record = made_up_record(name, scores, seed=seed, suite=f"suite-{suite}", unseen=unseen)
                (folder / f"{record['key']}.json").write_bytes(record_bytes(record))
    for what in ([], ["--check"]):
        command = [sys.executable, "-m", "mtlbench", "leaderboard", "--results", "results", "--out", ".", *what]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with capsys.disabled():
            print(f"{' '.join(what) or 'render'}: {seconds:.1f} s, {cpu:.1f} CPU s, {after.ru_maxrss / 1024:.0f} MiB")
        assert after.ru_maxrss < 1024 * 1024
