"""Dimensions of a search space: what a trial's value is drawn from, as a space file writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mtlbench.interface.errors import BadSetting, nearest, require

__all__ = ["Choice", "Dimension", "Fixed", "Range", "parse_dimension"]

Kind = Literal["log", "linear", "integer_log"]


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, even in the number itself or in its logarithm; integers or not."""

    kind: Kind
    low: float
    high: float

    def at(self, share: float) -> float:
        """The value at ``share`` in [0, 1) of the range, rounded to two significant digits."""
        if self.kind == "linear":
            return self._within(_rounded(self.low + share * (self.high - self.low)))
        # Half a step at either end, so that the first and the last integer get as much room as the others.
        half = 0.5 if self.kind == "integer_log" else 0.0
        low, high = math.log(self.low - half), math.log(self.high + half)
        found = math.exp(low + share * (high - low))
        return self._within(_rounded(found) if half == 0 else int(_rounded(round(found))))

    def _within(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def as_json(self) -> Any:
        return {self.kind: [self.low, self.high]}


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    options: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The option at ``share`` in [0, 1) of the list."""
        return self.options[int(share * len(self.options))]

    def as_json(self) -> Any:
        return list(self.options)


@dataclass(frozen=True)
class Fixed:
    """A value that all trials have."""

    value: Any

    def at(self, share: float) -> Any:
        return self.value

    def as_json(self) -> Any:
        return {"fixed": self.value}


Dimension = Range | Choice | Fixed


def parse_dimension(value: Any) -> Dimension | None:
    """A dimension as TOML gives it; None for ``"default"``, which takes a dimension away. Raises BadSetting."""
    if value == "default":
        return None
    if isinstance(value, list):
        require(bool(value), "a list of choices is empty")
        require(
            len({repr(option) for option in value}) == len(value) > 1,
            f"choices must be two or more that differ, found {value}; one value alone is {{ fixed = ... }}",
        )
        return Choice(tuple(value))
    if not isinstance(value, Mapping) or len(value) != 1:
        raise BadSetting(
            f"found {value!r}; write {{ log = [low, high] }}, {{ linear = [low, high] }}, "
            '{ integer_log = [low, high] }, { fixed = value }, a list of choices, or "default"'
        )
    kind, given = next(iter(value.items()))
    if kind == "fixed":
        return Fixed(given)
    kinds = get_args(Kind)
    if kind not in kinds:
        hint = nearest(kind, [*kinds, "fixed"])
        raise BadSetting(
            f"there is no {kind!r}"
            + (f"; did you mean {hint!r}?" if hint else ".")
            + f" Ranges: {', '.join(kinds)}; or fixed"
        )
    return _range(kind, given)


def _range(kind: Kind, given: Any) -> Range:
    if not isinstance(given, list) or len(given) != 2 or not all(map(_is_number, given)):
        raise BadSetting(f"{kind} needs [low, high], two finite numbers, found {given!r}")
    low, high = given
    require(low < high, f"{kind} must run from low to high, found {given}")
    require(kind != "log" or low > 0, f"log needs numbers above 0, found {given}")
    if kind == "integer_log":
        require(
            low >= 1 and all(isinstance(it, int) for it in given), f"integer_log needs integers from 1, found {given}"
        )
    return Range(kind, low, high)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _rounded(value: float) -> float:
    return float(f"{value:.1e}")
