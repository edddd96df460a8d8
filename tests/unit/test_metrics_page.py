"""The examples of docs/metrics.md, run as they stand there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import mtlbench_tasks.metrics

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_of_the_page_prints_what_it_says(block: str) -> None:
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(block, {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test, out=told.append).failed == 0, "".join(told)


def test_every_public_function_has_an_example() -> None:
    functions = [name for name in mtlbench_tasks.metrics.__all__ if name.islower()]
    assert functions
    assert [name for name in functions if f"{name}(" not in "".join(BLOCKS)] == []
