from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from mtlbench import BadSetting, BadStudy, SuiteContext, UnknownName
from mtlbench.interface.suite_values import Recommendation
from mtlbench.plugins import Registry
from mtlbench.study.asks import Place, Study, parse_seeds, parse_values
from mtlbench.study.choice import choose_methods, choose_suites
from mtlbench.study.files import parse_study
from mtlbench.study.grid import Grid, resolve
from mtlbench.study.keys import cell_content, cell_key

Resolve = Callable[..., Grid]


@pytest.fixture
def grid(registry: Registry) -> Resolve:
    """Resolve specs as a command line gives them."""

    def make(suites: str, methods: str, seeds: tuple[int, ...] = (0,), **given: Any) -> Grid:
        study = Study(choose_suites(suites.split(), ()), choose_methods(methods.split(), ()), seeds, **given)
        return resolve(study, registry, SuiteContext())

    return make


def test_a_grid_is_methods_times_suites_times_seeds_seed_by_seed(grid: Resolve) -> None:
    cells = grid("pond pond[depth=4]", "plain fussy", (0, 7)).cells
    assert [(it.seed, it.options["depth"], it.method) for it in cells] == [
        (seed, depth, method) for seed in (0, 7) for depth in (3, 4) for method in ("plain", "fussy")
    ]
    assert all(cell.key == cell_key(cell_content(cell)) for cell in cells)
    assert len({cell.key for cell in cells}) == 8


def test_a_cell_holds_every_value_and_version(grid: Resolve) -> None:
    (cell,) = grid("pond", "fussy").cells
    assert cell.settings == {"beta": 0.25, "mood": "calm", "lr_scale": 1.0}
    assert cell.options == {"depth": 3, "names": ["a", "b"]}
    assert (cell.method_version, cell.suite_version, cell.fingerprint) == ("3", "2", "depth 3")
    assert cell.protocol["budget"] == 100
    assert cell.protocol["batch_size"] == 16
    assert cell.variant == "fussy"


def test_a_fingerprint_is_taken_once_for_a_suite_with_its_options(grid: Resolve, fingerprints: list[str]) -> None:
    grid("pond pond pond[depth=4]", "plain fussy", (0, 1))
    assert fingerprints == ["depth 3", "depth 4"]


def test_the_stronger_value_wins(grid: Resolve) -> None:
    def lr(suites: str, methods: str, **given: Any) -> float:
        return float(grid(suites, methods, **given).cells[0].protocol["lr"])

    assert lr("pond", "plain") == 1e-2  # the suite
    assert lr("pond", "fussy") == 2e-2  # what it recommends
    assert lr("pond", "fussy", protocol={"lr": 3e-2}) == 3e-2  # the study
    assert lr("pond[lr=4e-2]", "fussy", protocol={"lr": 3e-2}) == 4e-2
    assert lr("pond[lr=4e-2]", "fussy", overrides={"lr": "5e-2"}) == 5e-2
    assert lr("pond[lr=4e-2]", "fussy[lr=6e-2]", overrides={"lr": "5e-2"}) == 6e-2
    assert grid("pond", "fussy[beta=1]").cells[0].settings["beta"] == 1.0


def test_a_variant_names_what_was_asked_for_in_one_way(grid: Resolve) -> None:
    cells = grid("pond", "fussy[lr=1e-3,beta=.10] plain[clip=none,rows=2]").cells
    assert [cell.variant for cell in cells] == ["fussy[beta=0.1,lr=0.001]", "plain[clip=none,rows=2]"]


def test_one_cell_asked_for_in_two_ways_is_trained_once(grid: Resolve) -> None:
    found = grid("pond", "plain plain[rows=8] plain")
    assert [cell.variant for cell in found.cells] == ["plain"]
    assert found.warnings == ("plain[rows=8] on pond is the same as plain: trained once",)


def test_a_protocol_field_that_a_method_does_not_use_is_refused_in_its_own_brackets(grid: Resolve) -> None:
    with pytest.raises(BadSetting, match=r"^-m 'fussy\[rows=2\]': method fussy does not use 'rows'; leave it out$"):
        grid("pond", "fussy[rows=2]")


def test_a_protocol_field_that_a_method_does_not_use_does_not_change_its_key(grid: Resolve) -> None:
    assert grid("pond", "fussy", overrides={"rows": 2}).cells == grid("pond", "fussy").cells
    assert grid("pond", "plain", overrides={"rows": 2}).cells != grid("pond", "plain").cells


def test_a_method_that_is_unfit_for_a_suite_is_left_out_with_a_warning(grid: Resolve) -> None:
    found = grid("silent pond", "fussy plain", (0, 1))
    assert {(cell.suite, cell.method) for cell in found.cells} == {
        ("pond", "fussy"),
        ("pond", "plain"),
        ("silent", "plain"),
    }
    assert found.warnings == ("fussy is left out on silent: it has no words",)


def test_a_grid_without_cells_says_why(grid: Resolve) -> None:
    with pytest.raises(BadStudy, match=r"^no cells to run; fussy is left out on silent: it has no words$"):
        grid("silent", "fussy")


def test_a_methods_warning_is_told_once(grid: Resolve) -> None:
    found = grid("pond pond[depth=4]", "fussy[clip=1]", (0, 1, 2))
    assert found.warnings == ("fussy[clip=1]: a clip with the sum reduction bounds little",)


@pytest.mark.parametrize(
    ("suites", "methods", "message"),
    [
        ("bond", "plain", r"^suite 'bond': no suite is called 'bond'; did you mean 'pond'\? Installed: pond, silent$"),
        ("pond", "plan", r"^-m 'plan': no method is called 'plan'; did you mean 'plain'\?"),
        (
            "pond",
            "fussy[betta=1]",
            r"-m 'fussy\[betta=1\]': method fussy has no setting 'betta'; did you mean 'beta'\?",
        ),
        ("pond", "fussy[zz=1]", r"has no setting 'zz'\. its settings: beta, mood, lr_scale; protocol fields: budget, "),
        ("pond", "plain[zz=1]", r"has no setting 'zz'\. protocol fields: budget, "),
        ("pond", "fussy[beta=x]", r"method fussy: setting 'beta' must be float, found 'x'$"),
        ("pond", "fussy[beta=-1]", r"method fussy: beta must not be negative, found -1\.0$"),
        ("pond", "fussy[mood=claim]", r"must be one of calm, wild, found 'claim'; did you mean 'calm'\?$"),
        ("pond", "plain[budget=0]", r"method plain: budget must be a positive number of gradients, found 0$"),
        ("pond[depth=x]", "plain", r"^suite 'pond\[depth=x\]': suite pond: setting 'depth' must be int, found 'x'$"),
        ("pond[q=2]", "plain", r"^suite 'pond\[q=2\]': suite pond: q must lie in \[0, 1\], found 2\.0$"),
        ("pond[depth=1", "plain", r"'pond\[depth=1' lacks its closing bracket"),
        ("pond", "plain[]x]", r"^-m: 'plain\[\]x\]': '\]x' is not key=value"),
    ],
)
def test_a_bad_command_line_says_what_is_wrong(grid: Resolve, suites: str, methods: str, message: str) -> None:
    with pytest.raises((BadSetting, UnknownName), match=message):
        grid(suites, methods)


def test_bad_overrides_say_what_is_wrong(grid: Resolve) -> None:
    with pytest.raises(BadSetting, match=r"^the protocol has no setting 'buget'; did you mean 'budget'\?"):
        grid("pond", "plain", overrides={"buget": "3"})
    with pytest.raises(BadSetting, match=r"^the protocol: budget must be a positive number of gradients, found -3$"):
        grid("pond", "plain", overrides={"budget": "-3"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('methods = ["plan"]\nsuites = ["pond"]', r"^s\.toml, line 1: no method is called 'plan'"),
        ('methods = ["plain"]\n[[suites]]\n\nname = "bond"', r"^s\.toml, line 4: no suite is called 'bond'"),
        ('suites = ["pond"]\n[[methods]]\nname = "fussy"\nbetta = 1', r"^s\.toml, line 4: method fussy has no setting"),
        ('suites = ["pond"]\n[[methods]]\nname = "fussy"\nbeta = true', r"line 4: .*'beta' must be float, found True"),
        ('suites = ["pond"]\n[[methods]]\nname = "fussy"\nrows = 2', r"line 4: method fussy does not use 'rows'"),
        (
            'suites = ["pond"]\nmethods = ["plain"]\n[protocol]\nlr = "x"',
            r"^s\.toml, line 4: the protocol: setting 'lr'",
        ),
        ('suites = ["pond"]\nmethods = ["plain"]\n[protocol]\nrats = 1', r"line 4: the protocol has no setting 'rats'"),
    ],
)
def test_a_bad_value_in_a_study_names_file_line_and_key(registry: Registry, text: str, message: str) -> None:
    with pytest.raises(BadStudy, match=message):
        resolve(parse_study(text, "s.toml"), registry, SuiteContext())


def test_a_suites_own_methods_and_seeds_stand_in_for_the_studys(registry: Registry) -> None:
    text = 'seeds = 2\nmethods = ["plain"]\n[[suites]]\nname = "pond"\nmethods = ["fussy"]\nseeds = [9]\n'
    found = resolve(parse_study(text + '[[suites]]\nname = "silent"', "s.toml"), registry, SuiteContext())
    assert [(it.suite, it.method, it.seed) for it in found.cells] == [
        ("pond", "fussy", 9),
        ("silent", "plain", 0),
        ("silent", "plain", 1),
    ]


def test_a_variant_may_have_a_recommendation_of_its_own(grid: Resolve, registry: Registry, monkeypatch: Any) -> None:
    rates = {"plain": 0.5, "plain[rows=1]": 0.25}
    monkeypatch.setattr(
        registry.suite("pond").cls,
        "recommended",
        lambda _, asked: Recommendation(protocol={"lr": rates[asked]}) if asked in rates else Recommendation(),
    )
    cells = [grid("pond", asked).cells[0] for asked in ("plain", "plain[rows=1]", "plain[rows=1,clip=2]")]
    assert [cell.protocol["lr"] for cell in cells] == [0.5, 0.25, 0.5]


def test_a_bad_recommendation_is_the_suites_mistake(grid: Resolve, registry: Registry, monkeypatch: Any) -> None:
    monkeypatch.setattr(registry.suite("pond").cls, "recommended", lambda *_: Recommendation({"betta": 1}))
    with pytest.raises(BadSetting, match=r"^what suite pond recommends for method fussy has no setting 'betta'"):
        grid("pond", "fussy")


def test_a_bare_name_means_the_studys_own_entry() -> None:
    study = parse_study(
        'methods = ["plain", "plain[rows=1]", "fussy[beta=1]", "fussy[beta=2]"]\nsuites = ["pond"]', "s"
    )

    def chosen(*texts: str) -> list[tuple[str, dict[str, Any]]]:
        return [(ask.name, dict(ask.values)) for ask in choose_methods(texts, study.methods)]

    assert chosen("plain") == [("plain", {})]
    assert chosen("fussy") == [("fussy", {"beta": "1"}), ("fussy", {"beta": "2"})]
    assert chosen("fussy[beta=3]") == [("fussy", {"beta": "3"})]
    assert chosen("new") == [("new", {})]


def test_seeds_are_a_count_or_a_list() -> None:
    assert parse_seeds("3", "--seeds") == (0, 1, 2)
    assert parse_seeds("4,2", "--seeds") == (4, 2)
    assert parse_seeds("4,", "--seeds") == (4,)
    for text in ("", "x", "0", "-1", "1,x", "1,1", "1.5"):
        with pytest.raises(BadSetting, match=r"^--seeds must"):
            parse_seeds(text, "--seeds")


def test_values_are_key_equals_value() -> None:
    assert parse_values(["lr=1e-3", "clip = none"], "--set") == {"lr": "1e-3", "clip": "none"}
    for texts, message in ((["lr"], "--set needs key=value, found 'lr'"), (["a=1", "a=2"], "--set gives 'a' twice")):
        with pytest.raises(BadSetting, match=message):
            parse_values(texts, "--set")


def test_a_place_without_a_source_adds_nothing() -> None:
    error = BadSetting("wrong")
    assert Place().blame(error) is error


def test_a_suites_brackets_are_put_over_the_studys_entry(registry: Registry) -> None:
    text = 'methods = ["plain"]\n[[suites]]\nname = "pond"\ndepth = 4\nrows = 2\nseeds = [7]\n'
    study = parse_study(text, "s.toml")

    def found(*texts: str) -> list[tuple[Any, Any, int]]:
        asked = dataclasses.replace(study, suites=choose_suites(texts, study.suites))
        cells = resolve(asked, registry, SuiteContext()).cells
        return [(cell.options.get("depth"), cell.protocol["rows"], cell.seed) for cell in cells]

    assert found("pond") == [(4, 2, 7)]
    assert found("pond[depth=5]") == [(5, 2, 7)]
    assert found("pond[rows=3]") == [(4, 3, 7)]
    assert choose_suites(["silent[rows=3]"], study.suites)[0].seeds is None
