"""A plugin whose cells cost nothing and do as they are told; ``-p`` loads it, in worker processes too.

The environment variable POND names a folder: ``log`` gets a line for every cell that is begun and every observer that
is called; files in it are markers that cells leave or wait for.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mtlbench import Cell, Config, Method, Suite, SuiteContext, TrainingProtocol, hookimpl

_METER = ("gradients", "forwards", "backwards", "extra_forwards", "examples", "tokens", "optimizer_steps")


@dataclass
class Swim(Method):
    """A method of which only the name is real."""

    name = "swim"

    mood: Literal[
        "well", "raises", "exits", "diverges", "nan", "dies", "dies-once", "fails-once", "waits", "miscounts"
    ] = "well"
    """What its cells do."""


@dataclass
class Pond(Suite):
    """A suite of which only the name is real."""

    name = "pond"

    encoder_name: str = "small"
    """An option that some suites have."""

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=8, evaluations=1)

    def fingerprint(self, context: SuiteContext) -> str:
        return "water"


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [Swim]


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Pond]


@hookimpl
def mtlbench_configure(config: Config) -> None:
    note(f"configured {os.getpid()}")


@hookimpl
def mtlbench_run_cell(cell: Cell, config: Config) -> Mapping[str, Any] | None:
    if cell.suite != "pond":
        return None
    print("a cell that prints")
    note(f"begun {cell.seed} {os.getpid()}")
    mood = cell.settings["mood"]
    once = folder() / f"once-{cell.seed}"
    if mood == "raises" or (mood == "fails-once" and not once.exists()):
        once.touch()
        raise ValueError("too cold")
    if mood == "exits":
        sys.exit("had enough")
    if mood == "dies" or (mood == "dies-once" and cell.seed == 0 and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    while mood == "waits" and not (folder() / "go").exists():
        time.sleep(0.01)
    divergence = {"gradients": 3, "reason": "the loss of a is nan"} if mood == "diverges" else None
    value = float("nan") if mood == "nan" else 50.0 + cell.seed + len(cell.options["encoder_name"])
    score = {"value": value, "examples": 10, "extra": {}}
    done = divergence is None
    agrees = mood != "miscounts"
    audit = {"agrees": agrees, "difference": None if agrees else "backward passes: 8 metered, 9 seen"}
    outcome = {
        "tasks": [{"name": "a", "label": "A", "metric": "f1", "higher_is_better": True, "size": 9, "probability": 1.0}],
        "scores": {"a": {"dev": score, "test": score}} if done else {},
        "unseen": {},
        "average": value if done else None,
        "average_unseen": None,
        "counts": dict.fromkeys(_METER, cell.protocol["budget"]),
        "audit": {**audit, "forwards": cell.protocol["budget"], "backwards": cell.protocol["budget"]},
        "scale": "sum",
        "parameters": {"shared": 2, "all": 3},
        "curve": [],
        "probes": {},
        "divergence": divergence,
    }
    return {"outcome": outcome, "measured": {"torch": "torch" in sys.modules, "machine": {"cpu": cpu()}}}


@hookimpl
def mtlbench_cell_finished(cell: Cell, record: Mapping[str, Any]) -> None:
    note(f"finished {cell.seed} {record['status']}")


@hookimpl
def mtlbench_cell_failed(cell: Cell, error: str) -> None:
    note(f"failed {cell.seed} {error.strip().splitlines()[-1]}")


def folder() -> Path:
    return Path(os.environ["POND"])


def cpu() -> str:
    return os.environ.get("POND_CPU", "a frog")


def note(line: str) -> None:
    with (folder() / "log").open("a") as log:
        log.write(line + "\n")
