"""Same cell, same bytes: however it is run, and however often it is stopped on the way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

STUDY = """
methods = ["pcgrad", "sequential-reptile[inner_steps=2]"]
[protocol]
budget = 24
evaluations = 1
[[suites]]
name = "digits"
methods = ["mtl"]
[[suites]]
name = "synthetic"
"""
CELLS = 3

STOPPER = """
from pathlib import Path
from mtlbench import hookimpl

@hookimpl
def mtlbench_step_finished(run, step):
    stopped = Path(__file__).with_name(run.cell.key)
    if not stopped.exists() and step == 2:
        stopped.touch()
        raise KeyboardInterrupt
"""


@pytest.mark.slow
def test_serial_parallel_and_resumed_cells_have_the_same_outcome(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mtlbench.engine import training

    def train(executor: str, *words: str, into: str = "") -> Any:
        folder = str(tmp_path / (into or executor))
        monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(tmp_path / f"{executor}-cache"))  # nobody has prepared it before
        return bench("run", "--study", str(study), "--results", folder, "--executor", executor, "--quiet", *words)

    study = tmp_path / "study.toml"
    study.write_text(STUDY)
    assert train("processes").code == 0
    parallel = bench.outcomes(tmp_path / "processes")
    assert len(parallel) == CELLS
    stopper = tmp_path / "stopper.py"
    stopper.write_text(STOPPER)
    monkeypatch.setattr(training, "train_cell", partial(training.train_cell, checkpoint_seconds=0.0))
    for _ in range(CELLS):  # each run is stopped in the second step of its first new cell
        assert train("serial", "-p", str(stopper)).code == 130
        assert len(list((tmp_path / "serial" / ".checkpoints").glob("*/current"))) == 1
    assert train("serial", "-p", str(stopper)).code == 0
    assert bench.outcomes(tmp_path / "serial") == parallel
    assert list((tmp_path / "serial" / ".checkpoints").iterdir()) == []
    assert train("serial", into="again").code == 0  # with what the run before has prepared
    assert bench.outcomes(tmp_path / "again") == parallel
    assert bench("verify", "--results", str(tmp_path / "serial"), "--executor", "serial", "--sample", "1").code == 0
