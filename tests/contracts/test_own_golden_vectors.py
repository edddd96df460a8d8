"""The golden vectors that travel with the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mtlbench.cli import main

FOLDER = Path(__file__).parents[1] / "golden"


def test_the_check_command_passes_on_every_vector(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", "--golden", str(FOLDER)])
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if " FAILED " in f"{line} " and not line.startswith("golden: ")] == []
    assert status == 0
    assert len(told) > 200


def test_the_generator_knows_nothing_of_the_package() -> None:
    script = f"import runpy, sys; runpy.run_path({str(FOLDER / 'generate.py')!r}); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"mtlbench", "mtlbench_methods", "torch"} & set(ran.stdout.split())
