from __future__ import annotations

import dataclasses

import pytest

from mtlbench import BadSetting, Cell
from mtlbench.study.keys import canonical_json, cell_content, cell_from, cell_key, keyed, sha256_of


def test_canonical_json_is_sorted_compact_and_unescaped() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": "é"}) == '{"a":"é","b":[1,2.5,null,true]}'


def test_canonical_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_the_key_is_the_sha256_of_the_documented_text() -> None:
    # printf '{"cell":{"a":1},"schema":1}' | sha256sum
    assert cell_key({"a": 1}) == "ceba5d447378eb51daf8b7aade70685730a035fef4fa7da5abd5f19ca94631a3"


def test_the_key_does_not_depend_on_the_variant_or_the_order_of_settings(cell: Cell) -> None:
    renamed = dataclasses.replace(cell, variant="other", settings=dict(reversed(list(cell.settings.items()))))
    assert keyed(renamed).key == cell.key


@pytest.mark.parametrize(
    "change",
    [
        {"method": "plain"},
        {"method_version": "2"},
        {"settings": {"beta": 0.5}},
        {"suite": "silent"},
        {"suite_version": "9"},
        {"options": {}},
        {"fingerprint": "depth 4"},
        {"protocol": {}},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_key_depends_on_everything_that_was_asked(cell: Cell, change: dict[str, object]) -> None:
    assert keyed(dataclasses.replace(cell, **change)).key != cell.key  # type: ignore[arg-type]


def test_a_cell_comes_back_from_its_content(cell: Cell) -> None:
    assert cell_from(cell_content(cell), cell.variant) == cell


def test_text_that_is_no_unicode_is_refused_in_one_line() -> None:
    with pytest.raises(BadSetting, match=r"text that is no valid Unicode cannot be part of a key, found '\\udce9'"):
        sha256_of({"name": "caf\udce9"})
