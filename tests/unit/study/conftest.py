"""A fake suite and two fake methods on a registry of their own, and cells and records made with them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from mtlbench import Cell, Method, Suite, SuiteContext, TrainingProtocol, hookimpl, values_of
from mtlbench.interface.suite_values import Recommendation
from mtlbench.plugins import Registry, build_registry, of_object
from mtlbench.study.atomic import Owner, _started
from mtlbench.study.keys import keyed
from mtlbench.study.records import make_record
from mtlbench.study.store import Store


@dataclass
class Plain(Method):
    name = "plain"


@dataclass
class Fussy(Method):
    name = "fussy"
    version = "3"
    unused_protocol = frozenset({"rows"})

    beta: float = 0.5
    mood: Literal["calm", "wild"] = "calm"
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        from mtlbench import require

        require(self.beta >= 0, f"beta must not be negative, found {self.beta}")

    def unfit(self, suite: Any) -> str | None:
        return "it has no words" if suite.name == "silent" else None

    def warnings(self, protocol: Any) -> list[str]:
        return ["a clip with the sum reduction bounds little"] if protocol.clip and protocol.reduction == "sum" else []


@dataclass
class Pond(Suite):
    name = "pond"
    version = "2"
    fingerprints: ClassVar[list[str]] = []

    depth: int = 3
    names: tuple[str, ...] = ("a", "b")

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=100, lr=1e-2)

    def recommended(self, method: str) -> Recommendation:
        return Recommendation({"beta": 0.25}, {"lr": 2e-2}) if method == "fussy" else Recommendation()

    def fingerprint(self, context: SuiteContext) -> str:
        self.fingerprints.append(f"depth {self.depth}")
        return f"depth {self.depth}"


@dataclass
class Silent(Pond):
    name = "silent"

    def recommended(self, method: str) -> Recommendation:
        return Recommendation()


class Plugin:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        return [Plain, Fussy]

    @hookimpl
    def mtlbench_suites(self) -> list[type[Suite]]:
        return [Pond, Silent]


@pytest.fixture
def registry() -> Registry:
    Pond.fingerprints.clear()
    return build_registry([of_object(Plugin(), "fakes")])


@pytest.fixture
def fingerprints() -> list[str]:
    """What suites were asked for, in order."""
    return Pond.fingerprints


@pytest.fixture
def cell() -> Cell:
    return keyed(
        Cell(
            method="fussy",
            settings={"beta": 0.5, "mood": "calm"},
            suite="pond",
            options={"depth": 3},
            protocol=values_of(TrainingProtocol()),
            seed=0,
            fingerprint="depth 3",
            variant="fussy",
        )
    )


@pytest.fixture
def other_cell(cell: Cell) -> Cell:
    return keyed(dataclasses.replace(cell, seed=1))


@pytest.fixture
def record_of() -> Callable[..., dict[str, Any]]:
    """A record of a cell; keywords are its outcome."""

    def make(cell: Cell, **outcome: Any) -> dict[str, Any]:
        return make_record(cell, {"divergence": None, "average": 50.5, **outcome}, {"seconds": 1.5}, {"mtlbench": "1"})

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture(scope="session")
def dead() -> Owner:
    """A process of this machine that lives no more."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = dataclasses.replace(Owner.me(), pid=process.pid, started=_started(process.pid) or "")
        assert not owner.is_dead
        process.kill()
    assert owner.is_dead
    return owner
