"""Space files and what they refuse; the points that are drawn from them."""

from __future__ import annotations

import re

import pytest

from mtlbench.interface.errors import BadSetting, BadStudy
from mtlbench.tuning.dimensions import Choice, Fixed, Range, parse_dimension
from mtlbench.tuning.points import points
from mtlbench.tuning.spaces import parse_spaces, shipped_spaces

GOOD = """
trials = 4
seeds = [1000]
methods = ["mtl", "mtl[rows=1]", "gradvac"]
[space]
lr = { log = [1e-4, 1e-2] }
[method.gradvac]
beta = { linear = [0.0, 1.0] }
[suite.pond]
trials = 2
[suite.pond.method."mtl[rows=1]"]
lr = "default"
warmup = { fixed = 0.0 }
rows_of_something = [1, 2]
"""


def test_a_suite_replaces_what_it_gives_and_keeps_the_rest():
    spaces = parse_spaces(GOOD, "s.toml")
    pond, top = spaces.of("pond"), spaces.of("anything")
    assert (pond.trials, top.trials, pond.seeds) == (2, 4, (1000,))
    assert pond.space.dimensions == top.space.dimensions == {"lr": Range("log", 1e-4, 1e-2)}
    one, gradvac = pond.methods[1], pond.methods[2]
    assert pond.own_of(one).dimensions == {
        "lr": None,
        "warmup": Fixed(0.0),
        "rows_of_something": Choice((1, 2)),
    }
    assert pond.own_of(gradvac).dimensions == {}
    assert top.own_of(gradvac).dimensions == {"beta": Range("linear", 0.0, 1.0)}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("trials = 4", "trails = 4", 1, "has no trials"),
        ("trials = 4", "trials = 0", 2, "trials must be a positive number, found 0"),
        ("seeds = [1000]", "seeds = []", 3, "seeds must be"),
        ('"gradvac"]', "3]", 4, "methods must be a list"),
        ("{ log = [1e-4, 1e-2] }", "{ log = [1e-2, 1e-4] }", 6, "lr: log must run from low to high"),
        ("{ log = [1e-4, 1e-2] }", "{ log = [0, 1] }", 6, "log needs numbers above 0"),
        ("{ log = [1e-4, 1e-2] }", "{ lgo = [1e-4, 1e-2] }", 6, "there is no 'lgo'; did you mean 'log'?"),
        ("{ log = [1e-4, 1e-2] }", "{ integer_log = [0.5, 2] }", 6, "integer_log needs integers from 1"),
        ("{ log = [1e-4, 1e-2] }", "{ log = [1] }", 6, "log needs [low, high]"),
        ("{ log = [1e-4, 1e-2] }", "{ log = [1.0, inf] }", 6, "two finite numbers"),
        ("{ log = [1e-4, 1e-2] }", "0.1", 6, "write { log = [low, high] }"),
        ("{ log = [1e-4, 1e-2] }", "[]", 6, "a list of choices is empty"),
        ("{ log = [1e-4, 1e-2] }", "[1]", 6, "one value alone is { fixed"),
        ("[method.gradvac]", "[method.pcgrad]", 7, "pcgrad has a section and is not among the methods"),
        ("[suite.pond]", "[suite.pond]\nspaces = 3", 10, "no key 'spaces' here; did you mean 'space'?"),
        ("[space]", "[space", 5, "not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(old, new, line, says):
    with pytest.raises(BadStudy, match=f"^s.toml, line {line}: .*{re.escape(says)}"):
        parse_spaces(GOOD.replace(old, new, 1), "s.toml")


def test_the_shipped_spaces_use_seeds_that_no_study_does():
    spaces = shipped_spaces()
    for section in (spaces.top, *spaces.suites.values()):
        assert min(section.seeds) >= 1000


DIMENSIONS = {
    "lr": Range("log", 1e-4, 1e-2),
    "share": Range("linear", -0.5, 1.0),
    "steps": Range("integer_log", 2, 200),
    "kind": Choice(("a", "b")),
    "warmup": Fixed(0.0),
}


def test_every_stratum_is_met_once():
    tried = points(DIMENSIONS, 8, "suite", "method")
    assert sorted(int((point["share"] + 0.5) / 1.5 * 8) for point in tried) == list(range(8))
    assert [sum(point["kind"] == kind for point in tried) for kind in "ab"] == [4, 4]
    assert {point["warmup"] for point in tried} == {0.0}
    assert len({point["lr"] for point in tried}) == 8


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_points_lie_within_their_ranges_and_have_two_digits(count):
    for seed in range(20):
        for point in points(DIMENSIONS, count, str(seed)):
            assert 1e-4 <= point["lr"] <= 1e-2
            assert -0.5 <= point["share"] <= 1.0
            assert 2 <= point["steps"] <= 200
            assert isinstance(point["steps"], int)
            for name in ("lr", "share", "steps"):
                assert float(f"{point[name]:.1e}") == point[name]


def test_points_are_the_same_everywhere():
    """Numbers that a committed selection rests on: they must not move with a version of anything."""
    assert points({"lr": Range("log", 1e-4, 1e-2), "k": Range("integer_log", 2, 50)}, 4, "pond", "swim") == [
        {"lr": 0.0089, "k": 4},
        {"lr": 0.00013, "k": 6},
        {"lr": 0.00078, "k": 42},
        {"lr": 0.0022, "k": 13},
    ]


def test_a_further_dimension_moves_no_other():
    space = {"lr": DIMENSIONS["lr"]}
    alone = points(space, 6, "s", "m")
    beside = points({**space, "steps": DIMENSIONS["steps"]}, 6, "s", "m")
    assert [point["lr"] for point in alone] == [point["lr"] for point in beside]
    assert alone != points(space, 6, "s", "another")


def test_the_ends_of_a_range_of_integers_get_their_room():
    found = {Range("integer_log", 1, 3).at(step / 1000) for step in range(1000)}
    assert found == {1, 2, 3}


def test_a_table_of_two_kinds_is_no_dimension():
    with pytest.raises(BadSetting, match="write"):
        parse_dimension({"log": [1, 2], "linear": [1, 2]})
