"""Values of a record as JSON, refused with a TypeError where they are of another kind."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["mapping", "part", "real", "reals", "sequence", "text", "whole"]


def part(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A block that may be absent or null."""
    found = parent.get(name)
    return found if type(found) is dict else mapping({} if found is None else found)


def mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):  # JSON: to ask for a Mapping takes ten times as long
        raise TypeError(f"expected an object, found {value!r:.80}")
    return value


def sequence(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {value!r:.80}")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r:.80}")
    return value


def whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be a whole number, found {value!r:.80}")
    return value


def real(value: Any) -> float | None:
    """A finite number, or None for null, NaN and infinity: what is not a number is missing."""
    if type(value) is float:  # as most are
        return value if math.isfinite(value) else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, found {value!r:.80}")
    return float(value) if math.isfinite(value) else None


def reals(values: Mapping[str, Any]) -> Mapping[str, float]:
    """The finite numbers among them."""
    numbers = values.values()
    if {*map(type, numbers)} == {float} and math.isfinite(sum(numbers)):  # as most are
        return values
    found = {sys.intern(name): real(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}
