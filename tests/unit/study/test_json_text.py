from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.study.json_text import Unread, json_of, listed, text_of

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
ODD = [
    *(
        "-0",
        "-0.0",
        "0.1e1",
        "1E5",
        "1e-400",
        "100000000000000000000.0",
        "2.2250738585072011e-308",
        "0.1" + "0" * 30 + "1",
    ),
    *("9223372036854775807", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"),
    *("1e999", "-1e999", '{"a": 1, "b": 2, "a": 3}', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '["\\/"]', " [1 ] "),
    *("01", "1.", ".5", "-", "[1,]", "[1", "", "nul", '"a\tb"', "\ufeff1", "1 2", "{'a': 1}", '{"a"}', '"\x7f"', "+1"),
]
"""Texts on which readers of JSON differ."""


def as_json_has_it(text: str) -> Any:
    """The value as ``repr``, or the message."""
    try:
        return repr(json.loads(text))
    except ValueError as error:
        return str(error)


def as_we_have_it(text: str) -> Any:
    try:
        return repr(json_of(text.encode()))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_read_and_refused_as_json_does(text: str) -> None:
    assert as_we_have_it(text) == as_json_has_it(text)


@given(VALUES, st.booleans())
def test_every_value_is_read_as_json_does(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    assert as_we_have_it(text) == as_json_has_it(text) == repr(value)


@given(VALUES, st.data())
def test_a_text_that_was_changed_is_read_or_refused_as_json_does(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.sampled_from([*'{}[],:"\\0123456789.eE+-ntf \t\x00é'])) + text[place + 1 :]
    if changed.replace("NaN", "").replace("Infinity", "") == changed:
        assert as_we_have_it(changed) == as_json_has_it(changed)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is not JSON$"):
        json_of(f'{{"a": [{name}]}}'.encode())


def test_floats_are_read_to_the_last_bit() -> None:
    numbers = [math.pi * 10.0**power for power in range(-300, 300)]
    assert json_of(json.dumps(numbers).encode()) == numbers


@pytest.mark.parametrize("data", [b"\xff\xfe", b'"\xed\xa0\x80"', b'"\xc3"'])
def test_text_that_is_no_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError) as theirs:
        json.loads(data.decode())
    with pytest.raises(UnicodeDecodeError) as ours:
        json_of(data)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000])
def test_text_without_bottom_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        json_of(text.encode())


@given(VALUES, VALUES)
def test_equal_values_have_one_text_and_others_another(one: Any, other: Any) -> None:
    assert (text_of(one) == text_of(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


@pytest.mark.parametrize("value", [{"b": [2**70, -(2**70)], "a": "\ud800"}, {"a": None, "b": 1e-7}])
def test_what_the_quick_writer_may_not_write_has_its_text_too(value: Any) -> None:
    assert text_of(value) == text_of(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("value", "nulls"), [(math.nan, 0), ([math.inf], 0), ({"a": -math.inf, "b": None}, 0), ([None, math.nan], 1)]
)
def test_nan_and_infinities_have_no_text(value: Any, nulls: int) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        text_of(value, nulls)


@given(st.lists(VALUES, max_size=4))
def test_what_was_left_unread_is_read_together_as_it_is_alone(values: list[Any]) -> None:
    unread = [Unread(json.dumps(value).encode()) for value in values]
    assert repr(listed(unread)) == repr([json_of(one) for one in unread]) == repr(listed(values)) == repr(values)
