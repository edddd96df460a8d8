"""Dates, quantities and other phrases without names, as the CLDR writes them in a language."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from mtlbench_tasks.cldr.characters import clean, in_script
from mtlbench_tasks.cldr.inventory import locale
from mtlbench_tasks.cldr.languages import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DATE_STYLES", "DateStyle", "Phrases", "Unit", "phrases"]

DateStyle = Literal["full", "long", "medium", "short", "iso"]
DATE_STYLES: Final[tuple[DateStyle, ...]] = ("full", "long", "medium", "short", "iso")

_FIRST_DAY: Final = datetime.date(1950, 1, 1).toordinal()
_LAST_DAY: Final = datetime.date(2039, 12, 31).toordinal()
_SPANS: Final = ("second", "minute", "hour", "day", "week", "month", "year")


@dataclass(frozen=True)
class Unit:
    """A unit of measurement in one language. long, short: plural category to a pattern around ``{0}``."""

    code: str
    name: str
    long: Mapping[str, str]
    short: Mapping[str, str]


@cache
def phrases(language: str) -> Phrases:
    """The phrases of a language."""
    return Phrases(language)


class Phrases:
    """What a language has to say beside names; every text is cleaned and every draw comes from the caller's rng."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = locale(language)
        self.units = tuple(_units(language))
        self._joints = _joints(self._locale)

    def day(self, rng: random.Random) -> datetime.date:
        """A day from 1950 to 2039."""
        return datetime.date.fromordinal(rng.randint(_FIRST_DAY, _LAST_DAY))

    def date(self, day: datetime.date, style: DateStyle) -> str:
        """A day in one of five styles; ``short`` may leave out the century."""
        return day.isoformat() if style == "iso" else _date(self.language, day, style)

    def month(self, day: datetime.date) -> str:
        """The month and year of a day, as in "March 2017"."""
        from babel.dates import format_skeleton

        return clean(format_skeleton("yMMMM", day, locale=self._locale))

    def number(self, rng: random.Random) -> int:
        """From 2 to 999, with as many of one, two and three digits."""
        return rng.randint(*rng.choice(((2, 9), (10, 99), (100, 999))))

    def quantity(self, unit: Unit, number: int, style: Literal["long", "short"]) -> str:
        """A number of a unit, as in "3 kilometres" or "3 km"."""
        patterns = unit.long if style == "long" else unit.short
        pattern = patterns.get(self._locale.plural_form(number)) or patterns["other"]
        return pattern.replace("{0}", str(number))

    def relative(self, rng: random.Random) -> str:
        """A time before or after now, as in "3 days ago"."""
        tense = rng.choice(("past", "future"))
        number = rng.randint(2, 60)
        patterns = self._locale._data["date_fields"][rng.choice(_SPANS)][tense]
        pattern = patterns.get(self._locale.plural_form(number)) or patterns["other"]
        return clean(pattern.replace("{0}", str(number)))

    def clock(self, rng: random.Random) -> str:
        """A time of day in digits, with the weekday's name in half of all draws."""
        text = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        if rng.random() < 0.5:
            text = f"{clean(self._locale.days['format']['wide'][rng.randrange(7)])} {text}"
        return text

    def filler(self, rng: random.Random) -> str:
        """A phrase that names nothing: a date, a quantity, a relative time or a time of day."""
        choice = rng.random()
        if choice < 0.35:
            return self.date(self.day(rng), rng.choice(DATE_STYLES))
        if choice < 0.7:
            return self.quantity(rng.choice(self.units), self.number(rng), rng.choice(("long", "short")))
        return self.relative(rng) if choice < 0.85 else self.clock(rng)

    def joints(self, count: int, rng: random.Random) -> list[str]:
        """The count - 1 texts between the items of a list, as in ``[", ", " and "]``; count is 2 or more."""
        pair, start, middle, end = rng.choice(self._joints)
        return [pair] if count == 2 else [start, *[middle] * (count - 3), end]

    def wordings(self) -> Iterator[str]:
        """Every fixed text that these phrases are made of: months, days, unit patterns, joints."""
        for month in range(1, 13):
            for style in ("full", "long", "medium"):
                yield self.date(datetime.date(2003, month, 3 + month), style)
        for day in range(7):
            yield clean(self._locale.days["format"]["wide"][day])
            yield self.date(datetime.date(2003, 3, 3 + day), "full")
        for unit in self.units:
            yield unit.name
            for patterns in (unit.long, unit.short):
                yield from (pattern.replace("{0}", " 3 ") for pattern in patterns.values())
        for span in _SPANS:
            fields = self._locale._data["date_fields"][span]
            for pattern in (*fields["past"].values(), *fields["future"].values()):
                yield clean(pattern.replace("{0}", "3"))
        for joints in self._joints:
            yield from joints


@cache
def _date_pattern(language: str, style: str) -> Any:
    return locale(language).date_formats[style]


def _date(language: str, day: datetime.date, style: str) -> str:
    return clean(_date_pattern(language, style).apply(day, locale(language)))


def _units(language: str) -> Iterator[Unit]:
    """Units with a name and a pattern that the language writes in its own letters."""
    source = locale(language)
    for code, lengths in sorted(source._data["unit_patterns"].items()):
        if code.startswith(("times", "power", "per", "10p", "1024p")) or "-per-" in code:
            continue
        short = _patterns(lengths.get("short"))
        long = _patterns(lengths.get("long")) or short
        display = source.unit_display_names.get(code, {})
        name = clean(display.get("long") or display.get("short") or "")
        if short and long and name and "{" not in name and in_script(name, SCRIPTS[language]):
            yield Unit(code, name, long, short)


def _patterns(found: Any) -> dict[str, str]:
    """Plural category to pattern, without grammatical cases; empty where ``other`` is missing or shows no number."""
    if not found:
        return {}
    plain = {form: clean(text) for form, text in found.items() if isinstance(text, str) and "{0}" in text}
    return plain if "other" in plain else {}


def _joints(source: Any) -> list[tuple[str, str, str, str]]:
    """(pair, start, middle, end) of the full "and" and "or" lists; start and middle equal "standard"'s if missing."""
    found = []
    for style in ("standard", "or"):
        patterns = source.list_patterns[style]
        if {"2", "start", "middle", "end"} <= set(patterns.keys()):
            found.append(tuple(_between(patterns[key]) for key in ("2", "start", "middle", "end")))
    return found  # type: ignore[return-value]


def _between(pattern: str) -> str:
    return pattern.partition("{0}")[2].partition("{1}")[0]
