from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.entries import entry_of
from mtlbench.leaderboard.html_numbers import short
from mtlbench.leaderboard.html_runs import clipped, plain_text
from mtlbench.testing.records import made_up_record

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e-3, 1e-3),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.none(),
)
FLOATS = [
    0.0,
    -0.0,
    1e-5,
    9.99999e-5,
    1e-4,
    1e15,
    1e16,
    1e22,
    5e-324,
    1.7976931348623157e308,
    100000.0,
    999999.5,
    -7.25,
]


def written(record: dict[str, Any]) -> tuple[Any, list[Any], str]:
    """The run's shape and values as they are read again, and the values' text."""
    shown = entry_of(record).shown
    assert shown is not None
    return json.loads(shown.shape), json.loads(shown.values), shown.values


def rounded(value: Any) -> Any:
    """What the page is told of a number that was measured."""
    return short(value, 6) if isinstance(value, float) else clipped(value)


@given(st.lists(NUMBERS, min_size=1, max_size=6))
@example(FLOATS)
@example([1, True, None, 2**53, 2**53 + 1, -(2**60)])
def test_what_was_measured_is_written_as_json_writes_it_in_six_digits(values: list[Any]) -> None:
    record = made_up_record()
    record["measured"]["extras"] = {"plugin": {"numbers": values}}
    _, _, text = written(record)
    inner = ",".join(json.dumps(rounded(value), separators=(",", ":")) for value in values)
    assert f",{inner}," in f",{text[1:-1]},"


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6))
@example([number for number in FLOATS if number <= 1e12])
def test_scores_are_written_with_all_their_digits(values: list[float]) -> None:
    scores = {f"task-{place}": value for place, value in enumerate(values)}
    record = made_up_record(scores=scores)
    _, _, text = written(record)
    assert f",{json.dumps(values, separators=(',', ':'))[1:-1]}," in f",{text[1:-1]},"


def test_values_stand_in_the_order_of_their_shape() -> None:
    record = made_up_record(scores={"a": 0.5, "b": None})
    shape, values, _ = written(record)
    assert shape["names"] == sorted(shape["names"])
    places = iter(values)

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return dict(zip(part["names"], map(filled, part["inner"]), strict=True))
        return [filled(one) for one in part] if isinstance(part, list) else next(places)

    told = filled(shape)
    assert next(places, "no more") == "no more"
    assert told["test"] == [0.5, None]
    assert told["counts"] == record["outcome"]["counts"]
    assert told["audit"] == record["outcome"]["audit"]
    assert told["seconds"] == {"combine": 1, "gradients": 7, "other": 0.5, "train": 10, "update": 1.5}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("others", [{}, {"nothing": None, "text": "null"}])
def test_what_is_no_number_is_refused_where_runs_share_it(number: float, others: dict[str, Any]) -> None:
    record = made_up_record()
    record["measured"]["versions"] = {"python": number, **others}
    with pytest.raises(BadRecord, match=r"not a record that a board can read: .* not JSON compliant"):
        entry_of(record)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_number_is_missing_where_it_was_measured(number: float) -> None:
    record = made_up_record()
    record["measured"]["seconds"]["combine"] = number
    if isinstance(number, int):
        with pytest.raises(BadRecord, match="a number in it is too large"):
            entry_of(record)
    else:
        assert entry_of(record).seconds == {"gradients": 7.0, "other": 0.5, "train": 10.0, "update": 1.5}


def test_names_that_look_alike_are_told_apart_in_one_way_whatever_their_order() -> None:
    one, other = made_up_record(), made_up_record()
    metrics = {"a\x07": 0.25, plain_text("a\x07"): 0.75}
    one["outcome"]["scores"]["a"]["test"]["extra"] = one["measured"]["extras"] = metrics
    other["outcome"]["scores"]["a"]["test"]["extra"] = other["measured"]["extras"] = dict(reversed(metrics.items()))
    assert written(one) == written(other)
    assert len(metrics) == 2
