"""Ten thousand records, made by perturbing all committed ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paired_timing import Ratio

from mtlbench.study.records import record_bytes
from mtlbench.study.store import record_paths
from mtlbench.testing.perturbed import many

HOME = Path(__file__).parents[2] / "leaderboard" / "results"
COUNT = 10_000
SECONDS = 10.0
"""Of user and system time on each core: what somebody waits, where nothing else runs."""
CORES = 2
MEBIBYTES = 1024.0
"""Of all processes together; pages that they share count once."""
LEADERBOARD = ["-m", "mtlbench", "leaderboard", "--results", "results", "--out", "."]
PARSE = [
    "-c",
    "import json, pathlib\nfor path in pathlib.Path('results').rglob('*.json'): json.loads(path.read_bytes())",
]
TIMES_PARSING = 3.6
"""What the goal comes to, over parsing the same files with Python's json before and after: other jobs lengthen both."""


@pytest.mark.benchmark_suite
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").is_file(), reason="memory is read from /proc")
def test_ten_thousand_records_fit_in_a_gigabyte_and_take_no_longer_than_they_did(board, tmp_path):
    make(tmp_path / "results")
    for what in ("render", "check"):
        before, _ = spent(tmp_path, PARSE)
        seconds, memory = spent(tmp_path, [*LEADERBOARD, *(["--check"] if what == "check" else [])])
        after, _ = spent(tmp_path, PARSE)
        assert memory <= MEBIBYTES, f"{what}: {memory:.0f} MiB"
        for name, value, goal in (
            ("CPU s of two cores", seconds, CORES * SECONDS),
            ("MiB", memory, MEBIBYTES),
            ("CPU time over parsing the JSON", 2 * seconds / (before + after), TIMES_PARSING),
        ):
            board.add(f"leaderboard: {what} 10,000 records, {name}", Ratio(value, value, value, 1), goal)


def spent(folder: Path, words: list[str]) -> tuple[float, float]:
    """User and system time of a Python command and all its children, and the peak of their memory in MiB."""
    before = os.times()
    with subprocess.Popen([sys.executable, *words], cwd=folder, **_quiet()) as running:
        peak = 0.0
        while running.poll() is None:
            peak = max(peak, sum(map(_share_of_memory, _family(running.pid))))
            time.sleep(0.1)
    after = os.times()
    assert running.returncode == 0
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, peak / 1024


def _quiet() -> dict[str, Any]:
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _family(process: int) -> Iterator[int]:
    """A process and all that descend from it; those that ended meanwhile are left out."""
    yield process
    try:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))
    except OSError:
        return


def _share_of_memory(process: int) -> float:
    """KiB of a process, with its share of the pages that it has in common with others."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


def make(results: Path, count: int = COUNT) -> None:
    """Of every committed record further seeds, so that there are so many in all."""
    committed = [json.loads(path.read_bytes()) for path in record_paths(HOME)]
    for record in many(committed, count):
        folder = results / record["cell"]["suite"] / record["cell"]["method"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{record['key']}.json").write_bytes(record_bytes(record))
