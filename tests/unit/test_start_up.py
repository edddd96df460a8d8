"""What commands load before they say anything: counted, because seconds of a start differ from machine to machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

THIRD_PARTIES = {"torch", "numpy", "scipy", "sklearn", "transformers", "datasets", "pandas", "rich", "babel", "PIL"}
SLOW = {
    "asyncio",
    "email",
    "hashlib",
    "importlib.metadata",
    "importlib.resources",
    "json",
    "multiprocessing",
    "subprocess",
    "tempfile",
    "tomllib",
    "traceback",
    "zipfile",
}
"""Of the standard library: each takes as long to load as a tenth of the interpreter's own start, or much longer."""
NOT_FOR_HELP = {"ast", "dataclasses", "inspect", "pluggy", "mtlbench.plugins", "mtlbench.interface.settings"}
NOT_FOR_LISTS = {
    "mtlbench.interface.job",
    "mtlbench.interface.protocol",
    "mtlbench.interface.run",
    "mtlbench.interface.settings",
    "mtlbench.interface.suite_values",
}
"""Values that only cells need: Python writes and compiles the six methods of each frozen dataclass at every start."""

SCRIPT = """
import sys
before = set(sys.modules)
from mtlbench.cli import main
code = main(sys.argv[1:])
after = sorted(set(sys.modules) - before)
import json
print("\\nloaded: " + json.dumps([code, after]))
"""


def loaded_by(*command: str) -> list[str]:
    """The modules that a command loads beyond those of the bare interpreter."""
    told = subprocess.run([sys.executable, "-c", SCRIPT, *command], capture_output=True, text=True, check=True).stdout
    code, names = json.loads(told.rpartition("loaded: ")[2])
    assert code == 0
    return names


@pytest.mark.parametrize(("command", "most"), [("--help", 60), ("list", 140), ("plugins", 140), ("list methods", 140)])
def test_commands_that_only_tell_load_little(command, most):
    names = loaded_by(*command.split())
    unwanted = THIRD_PARTIES | SLOW | (NOT_FOR_HELP if command == "--help" else NOT_FOR_LISTS)
    assert not unwanted & set(names)
    assert len(names) <= most, names


CELLS = """
import sys
from mtlbench.cli import main
for suite in ("synthetic", "digits"):
    budget = 9 if suite == "synthetic" else 16
    command = ["run", suite, "-m", "mtl", "--budget", str(budget), "--executor", "serial", "--results", sys.argv[1]]
    assert main(command) == 0
names = {"torch._dynamo", "torch._inductor", "sympy", "scipy", "sklearn", "pandas", "transformers", "datasets"}
print("\\nloaded:", *sorted(names & set(sys.modules)))
"""


def test_cells_of_small_suites_load_neither_compilers_nor_other_peoples_models(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", CELLS, str(tmp_path / "results")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.rpartition("loaded:")[2].split() == []
