"""A plugin to tune on: a toy suite whose test split is sealed, and a method with a mood; ``-p`` loads it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlbench import Method, Recommendation, Score, Suite, hookimpl
from mtlbench.testing.toy_suite import ToySuite


@dataclass
class Brook(ToySuite):
    """Its recommendation would show in any trial that it found its way into."""

    name = "brook"

    spring: int = 0
    """An option."""

    def recommended(self, method: str) -> Recommendation:
        return Recommendation(protocol={"lr": 0.077, "weight_decay": 0.5})

    def examples(self, task: str, split: Any) -> Any:
        if split == "test":
            raise RuntimeError("the test split was read")
        return super().examples(task, split)

    def score(self, model: Any, task: str, split: Any) -> Score:
        with (Path(os.environ["BROOK"]) / "log").open("a") as log:
            log.write(f"{task} {split}\n")
        return super().score(model, task, split)


@dataclass
class Drift(Method):
    """MTL, but for some values."""

    name = "drift"

    pull: float = 1.0
    """Above 2, it fails."""

    def start(self, oracle: Any) -> None:
        if self.pull > 2:
            raise ValueError("pulled too hard")


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [Drift]


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Brook]
