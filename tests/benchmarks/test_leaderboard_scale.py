"""Ten thousand records, made by perturbing the committed ones of the largest suite (12 tasks and 14 unseen, 40 kB)."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtlbench.study.records import record_bytes
from mtlbench.testing.perturbed import many

HOME = Path(__file__).parents[2] / "leaderboard" / "results" / "cldr-ner"
COUNT, SEEDS = 10_000, 50


@pytest.mark.benchmark_suite
def test_ten_thousand_records_are_rendered_and_checked_in_ten_seconds_and_a_gigabyte(tmp_path, capsys):
    make(tmp_path / "results")
    for what in ([], ["--check"]):
        command = [sys.executable, "-m", "mtlbench", "leaderboard", "--results", "results", "--out", ".", *what]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with capsys.disabled():
            print(f"{' '.join(what) or 'render'}: {seconds:.1f} s, {cpu:.1f} CPU s, {after.ru_maxrss / 1024:.0f} MiB")
        assert after.ru_maxrss < 1024 * 1024


def make(results: Path, count: int = COUNT) -> None:
    """Of the first seed of every row that the main board has, so many seeds on so many suites."""
    first = {}
    for path in sorted(HOME.glob("*/*.json")):
        record = json.loads(path.read_bytes())
        if record["cell"]["seed"] == 0 and not record["cell"]["options"]["scratch"]:
            first[record["variant"]] = record
    for record in many([first[variant] for variant in sorted(first)], count, SEEDS):
        folder = results / record["cell"]["suite"] / record["cell"]["method"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{record['key']}.json").write_bytes(record_bytes(record))
