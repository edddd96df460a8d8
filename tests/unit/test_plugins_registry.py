"""Looking things up, where they come from, and calling observers."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface import Method, UnknownName, hookimpl
from mtlbench.plugins import Registry, build_registry, call_observers, collect_extras, listens, load_registry, of_object


@dataclass
class Keen(Method):
    """A method."""

    name = "keen"


class KeenPlugin:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        return [Keen]


class BrokenPlugin:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        raise OSError("no licence")


def test_lookups_name_the_nearest_thing_installed():
    registry = build_registry([of_object(KeenPlugin(), "keen")])
    with pytest.raises(UnknownName, match="no method is called 'kean'; did you mean 'keen'"):
        registry.method("kean")
    with pytest.raises(UnknownName, match=r"no suite is called 'keen'.*Installed: none"):
        registry.suite("keen")
    with pytest.raises(UnknownName, match="no executor"):
        registry.executor("x")
    with pytest.raises(UnknownName, match="no probe"):
        registry.probe("x")


def test_lookups_say_when_the_plugin_is_quarantined_or_blocked(monkeypatch):
    registry = build_registry([of_object(BrokenPlugin(), "bold_one", "bold-dist", "3")])
    with pytest.raises(UnknownName, match=r"'bold_one' of bold-dist 3 is quarantined: OSError: no licence"):
        registry.method("bold-one")
    monkeypatch.setenv("MTLBENCH_DISABLE", "keen")
    registry = build_registry([of_object(KeenPlugin(), "keen", "keen-dist")])
    with pytest.raises(UnknownName, match="'keen' of keen-dist is blocked by MTLBENCH_DISABLE"):
        registry.method("keen")


def test_a_name_lost_to_a_clash_is_explained():
    registry = build_registry([of_object(KeenPlugin(), "a", "a-dist"), of_object(KeenPlugin(), "b", "b-dist")])
    with pytest.raises(UnknownName, match="which plugin 'b' of b-dist offers too"):
        registry.method("keen")


def test_provenance_is_distribution_version_and_the_hash_of_the_source():
    entry = build_registry([of_object(KeenPlugin(), "keen", "keen-dist", "2.5")]).method("keen")
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    assert entry.provenance() == {"distribution": "keen-dist", "version": "2.5", "source": source}


def test_what_is_installed_under_mtlbench_has_a_source():
    registry = load_registry()
    assert registry.methods
    for entry in registry.methods.values():
        assert entry.distribution != "mtlbench" or len(entry.source) == 64


def test_entries_are_in_order_of_name():
    registry = load_registry()
    assert list(registry.methods) == sorted(registry.methods)


class Watching:
    def __init__(self) -> None:
        self.steps: list[int] = []

    @hookimpl
    def mtlbench_step_finished(self, step: int) -> None:
        self.steps.append(step)

    @hookimpl
    def mtlbench_record_extras(self) -> dict[str, Any]:
        return {"steps": tuple(self.steps)}


class Stumbling:
    @hookimpl
    def mtlbench_step_finished(self, run: Any, step: int) -> None:
        raise SystemExit("gone") if step == 2 else ValueError(f"step {step}")


def watched() -> tuple[Registry, Watching, Watching]:
    before, after = Watching(), Watching()
    plugins = [
        of_object(before, "before"),
        of_object(Stumbling(), "stumbling", "stumble-dist", "4"),
        of_object(after, "after"),
    ]
    return build_registry(plugins), before, after


def test_an_observer_that_raises_spares_the_others_and_is_told_of_once(caplog):
    registry, before, after = watched()
    with caplog.at_level(logging.WARNING, "mtlbench"):
        for step in (1, 2, 3):
            call_observers(registry, "mtlbench_step_finished", run=None, step=step)
    assert before.steps == after.steps == [1, 2, 3]
    (record,) = caplog.records
    assert "plugin 'stumbling' of stumble-dist 4 failed in mtlbench_step_finished: ValueError: step 1" in record.message


def test_failures_reach_the_extras_of_their_own_cell_only():
    registry, _, _ = watched()
    call_observers(registry, "mtlbench_step_finished", run=None, step=1)
    extras = collect_extras(registry, None)
    assert list(extras) == ["after", "before", "stumbling"]
    assert extras["before"] == {"steps": [1]}
    assert extras["stumbling"]["failure"].startswith("mtlbench_step_finished: ValueError: step 1")
    assert "stumbling" not in collect_extras(registry, None)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(3, "TypeError: it must return a mapping"), ({"x": object()}, "TypeError"), ({"x": float("nan")}, "ValueError")],
)
def test_extras_that_are_not_json_are_a_failure_of_their_plugin(answer, problem):
    class Odd:
        @hookimpl
        def mtlbench_record_extras(self, run: Any) -> Any:
            return answer

    registry = build_registry([of_object(Odd(), "odd"), of_object(Watching(), "sound")])
    extras = collect_extras(registry, None)
    assert extras["sound"] == {"steps": []}
    assert extras["odd"]["failure"].startswith(f"mtlbench_record_extras: {problem}")


def test_a_plugin_without_extras_has_no_share():
    class Silent:
        @hookimpl
        def mtlbench_record_extras(self) -> None: ...

    assert collect_extras(build_registry([of_object(Silent(), "silent")]), None) == {}


def test_failures_of_the_core_itself_are_not_swallowed():
    registry = build_registry([])
    registry.add(Stumbling(), "core")
    with pytest.raises(ValueError, match="step 1"):
        call_observers(registry, "mtlbench_step_finished", run=None, step=1)


def test_an_interrupt_in_an_observer_ends_the_run():
    class Interrupted:
        @hookimpl
        def mtlbench_step_finished(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_observers(build_registry([of_object(Interrupted(), "x")]), "mtlbench_step_finished", run=None, step=1)


def test_only_hooks_that_somebody_implements_have_listeners():
    registry, _, _ = watched()
    assert listens(registry, "mtlbench_step_finished")
    assert not listens(registry, "mtlbench_gradients_computed")
