"""Scores of the literature as data files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlbench.interface import BadSetting, Config
from mtlbench.leaderboard.paper import PaperValue, paper_value, read_paper
from mtlbench.plugins import load_registry

SHIPPED = Path(__file__).parents[2] / "leaderboard" / "paper"
GOOD = '[[value]]\nmethod = "mtl"\nvalue = 7\nsource = "A et al., Table 1"\n'


def test_values_are_found_by_suite_method_quantity_and_task(tmp_path: Path) -> None:
    (tmp_path / "toys.toml").write_text(GOOD + GOOD.replace("7", "8.5") + 'task = "de"\n')
    values = read_paper(tmp_path)
    assert paper_value(values, "toys", "mtl") == PaperValue("toys", "mtl", 7.0, "A et al., Table 1")
    assert paper_value(values, "toys", "mtl", task="de").value == 8.5  # type: ignore[union-attr]
    assert paper_value(values, "toys", "stl") is None
    assert read_paper(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + GOOD, "value 2: mtl has a value for that quantity and task already"),
        (GOOD.replace("7", "true"), "value must be a finite number, found True"),
        (GOOD.replace("7", "nan"), "value must be a finite number"),
        (GOOD.replace("source", "sauce"), "unknown key 'sauce'; did you mean 'source'"),
        (GOOD.replace("A et al., Table 1", " "), "source is missing: say which table of what"),
        (GOOD + 'quantity = "mean"\n', "quantity 'mean' is none of average"),
        (GOOD + "task = 3\n", "task must be a text, found 3"),
        ("value = 3\n", r"holds \[\[value\]\] tables alone"),
        ("[[value\n", "cannot be read"),
    ],
)
def test_a_bad_file_is_named_with_its_entry(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "toys.toml").write_text(text)
    with pytest.raises(BadSetting, match=words) as raised:
        read_paper(tmp_path)
    assert "toys.toml" in str(raised.value)


def test_the_committed_values_are_of_suites_and_methods_that_there_are() -> None:
    registry = load_registry(Config())
    values = read_paper(SHIPPED)
    assert values
    for value in values:
        assert value.suite in registry.suites
        assert value.method.partition("[")[0] in registry.methods
