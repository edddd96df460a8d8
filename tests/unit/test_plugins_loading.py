"""Every way in which one plugin can be broken, and that none of them reaches the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from mtlbench.interface import BadPlugin, Config, Method, Suite, UnknownName, hookimpl
from mtlbench.plugins import Candidate, Registry, build_registry, load_registry, of_object


@dataclass
class Bold(Method):
    """A method."""

    name = "bold"


@dataclass
class Shy(Method):
    """Another."""

    name = "shy"


class BoldPlugin:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        return [Bold]


class ShyPlugin:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        return [Shy]


def offering(*classes: Any) -> object:
    class Offering:
        @hookimpl
        def mtlbench_methods(self) -> list[Any]:
            return list(classes)

    return Offering()


def registry_with(bad: object, **options: Any) -> Registry:
    """The sound plugin ``shy`` with ``bad`` before it and after it in loading order."""
    return build_registry([of_object(bad, "bad", "bad-dist", "1.5"), of_object(ShyPlugin(), "shy")], **options)


def loading(load: Callable[[], object]) -> Candidate:
    return Candidate("bad", "bad-dist", "1.5", "bad_module", load)


def only_reason(registry: Registry) -> str:
    assert list(registry.methods) == ["shy"]
    assert list(registry.plugins) == ["shy"]
    (lost,) = registry.quarantined
    assert (lost.candidate.distribution, lost.candidate.version) == ("bad-dist", "1.5")
    assert "\n" not in str(lost)
    return lost.reason


@pytest.mark.parametrize(
    "error", [ImportError("no turbo"), SystemExit("bye"), RuntimeError("two\nlines"), RecursionError(), GeneratorExit()]
)
def test_whatever_an_import_raises_is_that_plugins_problem(error):
    def load() -> object:
        raise error

    registry = build_registry([loading(load), of_object(ShyPlugin(), "shy")])
    reason = only_reason(registry)
    assert reason.startswith(type(error).__name__)
    assert " ".join(str(error).split()) in reason


def test_an_interrupt_during_an_import_is_the_users_and_goes_on():
    def load() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_registry([loading(load)])


def test_the_reason_tells_the_line_of_the_plugin_that_failed(tmp_path):
    path = tmp_path / "sick.py"
    path.write_text("x = 1\ny = 2\nraise ValueError('no')\n")
    (lost,) = load_registry([str(path), "no:mtlbench"]).quarantined
    assert lost.reason == "ValueError: no (sick.py:3)"


def test_a_plugin_for_another_interface_says_both_versions():
    bad = ModuleType("bad")
    bad.mtlbench_interface = 99
    assert "interface 99" in only_reason(registry_with(bad))
    assert "has 1" in only_reason(registry_with(bad))


def test_the_interface_version_is_looked_at_before_hooks_that_only_it_has():
    class Future:
        mtlbench_interface = 2

        @hookimpl
        def mtlbench_oracles(self) -> list[type]:
            return []

    assert "interface 2" in only_reason(registry_with(Future()))


def test_an_unknown_hook_is_refused_with_the_nearest_one():
    class Typo:
        @hookimpl
        def mtlbench_method(self) -> list[type[Method]]:
            return [Bold]

    assert "mtlbench_method, which is no hook; did you mean mtlbench_methods?" in only_reason(registry_with(Typo()))


def test_an_unknown_hook_that_calls_itself_optional_is_let_be():
    class Optional:
        @hookimpl(optionalhook=True)
        def mtlbench_of_tomorrow(self) -> None: ...

    assert not registry_with(Optional()).quarantined


def test_a_hook_that_asks_for_an_argument_that_is_not_passed_is_refused():
    class Greedy:
        @hookimpl
        def mtlbench_step_finished(self, run: Any, model: Any) -> None: ...

    assert "model" in only_reason(registry_with(Greedy()))


def test_a_hook_without_its_decorator_is_pointed_out():
    class Bare:
        def mtlbench_methods(self) -> list[type[Method]]:
            return [Bold]

    assert "mtlbench_methods lacks the decorator @hookimpl" in only_reason(registry_with(Bare()))


def test_observers_and_collecting_hooks_cannot_be_wrapped():
    class Wrapper:
        @hookimpl(wrapper=True)
        def mtlbench_step_finished(self, run: Any, step: int) -> Any:
            return (yield)

    assert "mtlbench_step_finished, which cannot be wrapped" in only_reason(registry_with(Wrapper()))


def test_cells_can_be_wrapped():
    class Wrapper:
        @hookimpl(wrapper=True)
        def mtlbench_run_cell(self, cell: Any, config: Any) -> Any:
            return {**(yield), "wrapped": True}

    class Core:
        @hookimpl(trylast=True)
        def mtlbench_run_cell(self, cell: Any, config: Any) -> Any:
            return {"outcome": cell}

    registry = registry_with(Wrapper())
    registry.add(Core(), "core")
    assert registry.hook.mtlbench_run_cell(cell=1, config=None) == {"outcome": 1, "wrapped": True}


class NotAMethod:
    name = "bad"


class Nameless(Method):
    """No name."""


class Undecorated(Method):
    """Its setting would be no field."""

    name = "bad"
    strength: float = 1.0
    """How strong."""


class UndecoratedChild(Bold):
    """Overrides nothing, as it is no dataclass of its own."""

    name = "bad"
    kind: ClassVar[str] = "x"
    strength: float = 2.0


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (NotAMethod, "NotAMethod does not derive from mtlbench.Method"),
        (Suite, "Suite does not derive from mtlbench.Method"),
        (Bold(), "must return classes, found"),
        (Nameless, "Nameless has no name"),
        (Undecorated, "declares 'strength' but Undecorated lacks @dataclass"),
        (UndecoratedChild, "declares 'strength' but UndecoratedChild lacks @dataclass"),
    ],
)
def test_only_named_dataclasses_of_the_right_kind_can_be_offered(offered, reason):
    assert reason in only_reason(registry_with(offering(offered)))


@pytest.mark.parametrize("name", ["Bold", "bold_one", "bold--one", "-bold", "bold-", "", "bold one", "bold[x=1]", 7])
def test_names_are_lower_case_words_with_hyphens(name):
    bad = type("Bad", (Bold,), {"name": name})
    assert "lower case, digits and single hyphens" in only_reason(registry_with(offering(bad)))


def test_a_hook_must_return_a_list_of_classes():
    class Lazy:
        @hookimpl
        def mtlbench_methods(self) -> Any:
            return Bold

    assert "mtlbench_methods must return a list of classes, found type" in only_reason(registry_with(Lazy()))


def test_a_collecting_hook_that_raises_is_that_plugins_problem():
    class Raising:
        @hookimpl
        def mtlbench_suites(self) -> list[type[Suite]]:
            raise ZeroDivisionError("oops")

        @hookimpl
        def mtlbench_methods(self) -> list[type[Method]]:
            return [Bold]

    registry = registry_with(Raising())
    assert only_reason(registry).startswith("ZeroDivisionError: oops")
    assert "bold" not in registry.methods


def test_one_plugin_that_offers_a_name_twice_is_refused():
    assert "offers method 'bold' twice" in only_reason(registry_with(offering(Bold, Bold)))


def test_of_two_plugins_with_one_name_neither_is_kept_and_each_names_the_other():
    registry = build_registry(
        [
            of_object(BoldPlugin(), "one", "first-dist", "1"),
            of_object(BoldPlugin(), "two", "second-dist", "2"),
            of_object(ShyPlugin(), "shy"),
        ]
    )
    assert list(registry.methods) == ["shy"]
    reasons = {lost.candidate.distribution: lost.reason for lost in registry.quarantined}
    assert reasons["first-dist"] == "it offers method 'bold', which plugin 'two' of second-dist 2 offers too"
    assert reasons["second-dist"] == "it offers method 'bold', which plugin 'one' of first-dist 1 offers too"


def test_a_name_of_mtlbench_itself_stays_whoever_comes_first():
    rival = of_object(BoldPlugin(), "rival", "aaa")
    home = of_object(BoldPlugin(), "home", "mtlbench", "0.1")
    for order in ([rival, home], [home, rival]):
        registry = build_registry(order)
        assert registry.method("bold").distribution == "mtlbench"
        (lost,) = registry.quarantined
        assert lost.candidate.distribution == "aaa"
        assert "'home' of mtlbench 0.1 offers too" in lost.reason


def test_a_plugin_that_loses_one_name_loses_all_it_offers():
    registry = build_registry(
        [of_object(BoldPlugin(), "bold", "mtlbench"), of_object(offering(Bold, Shy), "pair", "pair-dist")]
    )
    assert list(registry.methods) == ["bold"]


def test_a_suite_may_have_the_name_of_a_method():
    @dataclass
    class BoldSuite(Suite):
        name = "bold"

    class Suites:
        @hookimpl
        def mtlbench_suites(self) -> list[type[Suite]]:
            return [BoldSuite]

    registry = build_registry([of_object(BoldPlugin(), "a"), of_object(Suites(), "b")])
    assert not registry.quarantined
    assert registry.suite("bold").cls is BoldSuite


def test_one_module_under_two_entry_points_is_loaded_once():
    module = SimpleNamespace()
    registry = build_registry([of_object(module, "one"), of_object(module, "two")])
    assert list(registry.plugins) == ["one"]
    assert "names what plugin 'one' of in-process names already" in registry.quarantined[0].reason


def test_strictness_raises_with_every_reason():
    bad = [of_object(offering(NotAMethod), "a", "a-dist"), of_object(offering(Nameless), "b", "b-dist")]
    with pytest.raises(BadPlugin, match=r"(?s)a-dist.*does not derive.*b-dist.*has no name"):
        build_registry(bad, strict=True)


def test_what_a_plugin_prints_does_not_reach_stdout(tmp_path, capsys):
    path = tmp_path / "chatty.py"
    path.write_text("print('hello')\n")
    assert not load_registry([str(path), "no:mtlbench"]).quarantined
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "hello\n")


class Configured:
    def __init__(self) -> None:
        self.seen: list[Config] = []

    @hookimpl
    def mtlbench_configure(self, config: Config) -> None:
        self.seen.append(config)
        if config.device == "broken":
            raise OSError("no such device")


def test_every_plugin_is_configured_once_with_what_was_asked():
    early, late = Configured(), Configured()
    config = Config(device="cpu", threads=3)
    registry = build_registry([of_object(early, "early")], config)
    registry.add(late, "late")
    assert early.seen == late.seen == [config]


def test_a_plugin_that_cannot_be_configured_is_taken_out_again():
    plugin = Configured()
    registry = build_registry([of_object(plugin, "sick"), of_object(ShyPlugin(), "shy")], Config(device="broken"))
    assert list(registry.plugins) == ["shy"]
    assert registry.quarantined[0].reason.startswith("mtlbench_configure raised OSError: no such device")
    assert not registry.manager.is_registered(plugin)


def test_a_quarantined_plugin_is_never_configured():
    class Both(Configured):
        mtlbench_interface = 0

    plugin = Both()
    build_registry([of_object(plugin, "old")])
    assert plugin.seen == []


def test_a_failed_file_leaves_no_module_behind(tmp_path):
    path = tmp_path / "halfway.py"
    path.write_text("raise ImportError('half')\n")
    before = set(sys.modules)
    load_registry([str(path), "no:mtlbench"])
    assert not [name for name in set(sys.modules) - before if "halfway" in name]


METHOD_FILE = """
from __future__ import annotations
from dataclasses import dataclass
from mtlbench import Method, hookimpl

@dataclass
class Filed(Method):
    name = "filed"
    strength: float = 1.5

@hookimpl
def mtlbench_methods():
    return [Filed]
"""


def test_a_file_gives_what_a_distribution_would(tmp_path):
    path = tmp_path / "work.py"
    path.write_text(METHOD_FILE)
    entry = load_registry(Config(plugins=(str(path),))).method("filed")
    assert (entry.plugin, entry.distribution, entry.version) == ("work", "work.py", "")
    assert entry.cls().strength == 1.5


def test_two_files_of_one_name_do_not_meet(tmp_path):
    paths = []
    for name in ("left", "right"):
        path = tmp_path / name / "work.py"
        path.parent.mkdir()
        path.write_text(METHOD_FILE.replace("filed", name))
        paths.append(str(path))
    registry = load_registry(paths)
    assert registry.method("left").cls is not registry.method("right").cls
    assert {"work", "work.py:work"} <= set(registry.plugins)


@pytest.mark.parametrize(("text", "message"), [("absent.py", "does not exist: absent.py"), ("torchjd", "'torchjd'")])
def test_a_p_value_that_is_no_file_is_a_mistake_of_the_user(text, message):
    with pytest.raises(BadPlugin, match=message):
        load_registry([text])


def test_plugins_are_blocked_by_entry_point_or_distribution_in_any_spelling(monkeypatch):
    def candidates() -> list[Candidate]:
        return [of_object(BoldPlugin(), "very_bold", "Some.Dist"), of_object(ShyPlugin(), "shy")]

    for name in ("very_bold", "Very-Bold", "some-dist"):
        registry = build_registry(candidates(), Config(plugins=(f"no:{name}",)))
        assert list(registry.methods) == ["shy"]
        assert registry.blocked[0].reason == f"by -p no:{name}"
    monkeypatch.setenv("MTLBENCH_DISABLE", "other, very-bold")
    registry = build_registry(candidates())
    assert list(registry.methods) == ["shy"]
    assert registry.blocked[0].reason == "by MTLBENCH_DISABLE"


def test_a_blocked_plugin_is_not_even_imported():
    def load() -> object:
        raise AssertionError

    registry = build_registry([loading(load)], Config(plugins=("no:bad",)))
    assert not registry.quarantined


def test_blocking_what_is_not_there_is_a_mistake_of_the_user():
    with pytest.raises(UnknownName, match="no plugin is called 'shi'; did you mean 'shy'"):
        build_registry([of_object(ShyPlugin(), "shy")], Config(plugins=("no:shi",)))


def test_a_malformed_table_of_one_distribution_spoils_no_other(tmp_path, monkeypatch):
    for name, table in {"good": "[mtlbench]\ngood = work\n", "bad": "[mtlbench]\nno equals sign\n"}.items():
        folder = tmp_path / f"{name}_dist-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(table)
    (tmp_path / "work.py").write_text(METHOD_FILE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    registry = load_registry()
    monkeypatch.delitem(sys.modules, "work", raising=False)
    assert registry.method("filed").distribution == "good-dist"
    reasons = {lost.candidate.distribution: lost.reason for lost in registry.quarantined}
    assert reasons["bad-dist"] == "line 2 of its entry_points.txt is 'no equals sign'"


def test_installed_plugins_load_those_of_mtlbench_first(tmp_path: Path, monkeypatch):
    folder = tmp_path / "aaa-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: aaa\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[mtlbench]\naaa = work\n")
    (tmp_path / "work.py").write_text(METHOD_FILE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    plugins = list(load_registry().plugins)
    monkeypatch.delitem(sys.modules, "work", raising=False)
    assert plugins[-1] == "aaa"
    assert plugins[:-1] == sorted(plugins[:-1])
