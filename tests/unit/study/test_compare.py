from __future__ import annotations

from typing import Any

import pytest

from mtlbench.study.compare import first_difference


@pytest.mark.parametrize(
    ("recorded", "again", "told"),
    [
        ({"a": [1, {"b": 2.5}]}, {"a": [1, {"b": 2.5}]}, None),
        (
            {"b": 1, "a": [1, {"b": 2.5}]},
            {"b": 2, "a": [1, {"b": 3.5}]},
            "outcome.a[1].b is 2.5 in the record and 3.5 now",
        ),
        ({"a": 1}, {}, "outcome.a is only in the record"),
        ({}, {"a": 1}, "outcome.a is not in the record"),
        ({"a": [1, 2]}, {"a": [1]}, "outcome.a has 2 entries in the record and 1 now"),
        ({"a": 1}, {"a": 1.0}, "outcome.a is 1 in the record and 1.0 now"),
        ({"a": True}, {"a": 1}, "outcome.a is True in the record and 1 now"),
        ({"a": None}, {"a": {}}, "outcome.a is None in the record and {} now"),
    ],
)
def test_the_first_difference_is_named(recorded: Any, again: Any, told: str | None) -> None:
    assert first_difference(recorded, again) == told
