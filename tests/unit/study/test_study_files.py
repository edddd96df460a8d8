from __future__ import annotations

from pathlib import Path

import pytest

from mtlbench import BadStudy
from mtlbench.study.files import parse_study, read_study
from mtlbench.study.toml_lines import TomlLines

FULL = """\
# a study
seeds = 2
methods = [
  "plain",
  "fussy[beta=0.1]",  # with a value
  {name = "fussy", mood = "wild"},
]

[protocol]
budget = 40

[[suites]]
name = "pond"
depth = 4
names = [
  "a",
]
budget = 80
seeds = [5]
methods = ["plain"]

[[suites]]
name = "silent"
"""


def test_a_study_holds_what_the_file_says() -> None:
    study = parse_study(FULL, "study.toml")
    assert study.seeds == (0, 1)
    assert study.protocol == {"budget": 40}
    assert [(ask.name, dict(ask.values)) for ask in study.methods] == [
        ("plain", {}),
        ("fussy", {"beta": "0.1"}),
        ("fussy", {"mood": "wild"}),
    ]
    pond, silent = study.suites
    assert (pond.name, dict(pond.values)) == ("pond", {"depth": 4, "names": ["a"], "budget": 80})
    assert pond.seeds == (5,)
    assert pond.methods is not None
    assert [ask.name for ask in pond.methods] == ["plain"]
    assert (silent.seeds, silent.methods) == (None, None)


def test_a_study_has_one_seed_unless_it_says_more() -> None:
    assert parse_study('methods = ["plain"]\nsuites = ["pond"]', "s").seeds == (0,)


def test_places_name_file_line_and_key() -> None:
    study = parse_study(FULL, "study.toml")
    assert [ask.place.text() for ask in study.methods] == [f"study.toml, line {line}" for line in (4, 5, 6)]
    assert study.suites[0].place.text("depth") == "study.toml, line 14"
    assert study.suites[0].place.text() == "study.toml, line 12"
    assert study.suites[1].place.text("name") == "study.toml, line 23"
    assert study.place.text("budget") == "study.toml, line 10"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = \n", r"s\.toml, line 1: not TOML: Invalid value \(column 9\)"),
        ('suites = ["pond"]\nmethods = [\n  "plain",\n', r"s\.toml, line 3: not TOML: "),
        ("", r"s\.toml, line 1: the study has no methods"),
        ('methods = ["plain"]\nsuits = 1', r"s\.toml, line 2: a study has no key 'suits'; did you mean 'suites'\?"),
        ('suites = ["pond"]', r"s\.toml, line 1: the study has no methods; add methods = \[\.\.\.\]"),
        ('methods = ["plain"]', r"s\.toml, line 1: the study has no suites"),
        ('suites = ["pond"]\nmethods = []', r"line 2: methods must be a list with something in it, found \[\]"),
        ('suites = "pond"\nmethods = ["plain"]', r"line 1: suites must be a list with something in it, found 'pond'"),
        ('suites = ["pond"]\nmethods = [\n3]', r"line 2: expected NAME, NAME\[key=value\] or a table .* found 3"),
        ('suites = ["pond"]\nmethods = [\n\n"plain[x"]', r"line 4: 'plain\[x' lacks its closing bracket"),
        ('suites = ["pond"]\nmethods = [""]', r"line 2: '' names nothing"),
        ('methods = ["plain"]\n[[suites]]\ndepth = 3', r"line 2: a table of suites needs a name, found None"),
        ('methods = ["plain"]\nsuites = ["pond"]\nseeds = 0', r"line 3: seeds must be a count from 1"),
        ('methods = ["plain"]\nsuites = ["pond"]\nseeds = "3"', r"line 3: seeds must be whole numbers from 0"),
        ('methods = ["plain"]\nsuites = ["pond"]\nseeds = [1, 1]', r"line 3: seeds must differ, found \[1, 1\]"),
        ('methods = ["plain"]\nsuites = ["pond"]\nseeds = [-1]', r"line 3: seeds must be whole numbers from 0"),
        ('methods = ["plain"]\nsuites = ["pond"]\nseeds = true', r"line 3: seeds must be a count such as 3 or a list"),
        ('methods = ["plain"]\n[[suites]]\nname = "pond"\nseeds = 1.5', r"line 4: seeds must be a count such as 3"),
        (
            'methods = ["plain"]\nsuites = ["pond"]\nprotocol = 3',
            r"line 3: protocol must be a table of protocol fields",
        ),
    ],
)
def test_a_bad_study_names_file_line_and_key(text: str, message: str) -> None:
    with pytest.raises(BadStudy, match=message):
        parse_study(text, "s.toml")


def test_a_study_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadStudy, match=r"none\.toml: cannot read the study file: No such file or directory"):
        read_study(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'suites = ["pond"]\nmethods = ["\xe9"]\n')
    with pytest.raises(BadStudy, match=r"latin\.toml, line 2: a study file is UTF-8 text, and this is not"):
        read_study(tmp_path / "latin.toml")


def test_lines_of_nested_tables_and_dotted_keys_are_found() -> None:
    lines = TomlLines('a.b = 1\n[[x]]\n[x.inner]\nk = """one"""\n[[x]]\n"odd key" = [\n  [1],\n  [2]\n]\nlast = 2\n')
    assert lines.of("a", "b") == 1
    assert lines.of("x", 0) == 2
    assert lines.of("x", 0, "inner", "k") == 4
    assert lines.of("x", 1, "odd key") == 6
    assert lines.of("x", 1, "last") == 10
    assert lines.of("x", 1, "absent") == 5
    assert lines.of("nowhere") == 1
