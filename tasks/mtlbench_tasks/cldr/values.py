"""Values: dates and quantities, each in several wordings."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass
from typing import Final, Literal

from mtlbench_tasks.cldr.phrases import DateStyle, Phrases, Unit

__all__ = ["Measure", "Value", "When", "Wording", "differ", "draw_value"]

Wording = Literal["long", "short"]
_DATES: Final[dict[Wording, tuple[DateStyle, ...]]] = {"long": ("full", "long"), "short": ("medium", "iso")}


@dataclass(frozen=True)
class When:
    """A day."""

    day: datetime.date

    def text(self, words: Phrases, wording: Wording, rng: random.Random) -> str:
        """The date with the month written out, or in short."""
        return words.date(self.day, rng.choice(_DATES[wording]))

    def part(self, words: Phrases) -> str:
        """Its month and year."""
        return words.month(self.day)


@dataclass(frozen=True)
class Measure:
    """A number of a unit."""

    unit: Unit
    number: int

    def text(self, words: Phrases, wording: Wording, rng: random.Random) -> str:
        """The quantity with its unit written out, or in short."""
        return words.quantity(self.unit, self.number, wording)

    def part(self, words: Phrases) -> str:
        """The name of its unit."""
        return self.unit.name


Value = When | Measure


def draw_value(words: Phrases, rng: random.Random) -> Value:
    """A day or a quantity, one as often as the other."""
    if rng.random() < 0.5:
        return When(words.day(rng))
    return Measure(rng.choice(words.units), words.number(rng))


def differ(one: Value, other: Value) -> bool:
    """Whether two values share no part: not the unit or number, not day, month or year."""
    if isinstance(one, When) and isinstance(other, When):
        a, b = one.day, other.day
        return a.year % 100 != b.year % 100 and a.month != b.month and a.day != b.day
    if isinstance(one, Measure) and isinstance(other, Measure):
        return one.unit.name != other.unit.name and one.number != other.number
    return True
