"""What a person asked for, before it meets what is installed: methods, suites, seeds, protocol values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mtlbench.interface.errors import BadSetting, BadStudy, MtlbenchError
from mtlbench.interface.settings import parse_spec

__all__ = ["Ask", "Place", "Study", "SuiteAsk", "parse_seeds", "parse_values"]


@dataclass(frozen=True)
class Place:
    """Where something was asked, for error messages.

    source: a file or an option, as in ``study.toml`` or ``-m``. lines: by key, "" being the thing itself.
    """

    source: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def text(self, key: str = "") -> str:
        """``study.toml, line 7``, or the source alone where no line is known."""
        line = self.lines.get(key) or self.lines.get("")
        return f"{self.source}, line {line}" if line else self.source

    def blame(self, error: MtlbenchError, key: str = "") -> MtlbenchError:
        """``error`` with the place before its text: a BadStudy for a file, the same class for the command line."""
        where = self.text(key)
        if not where:
            return error
        return (BadStudy if self.lines else type(error))(f"{where}: {error}")


@dataclass(frozen=True)
class Ask:
    """A method or suite with values of its own, settings and protocol fields mixed, not yet typed."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place()

    @classmethod
    def parse(cls, text: str, place: Place) -> Ask:
        """From ``name[key=value,...]``; errors name the place."""
        try:
            name, values = parse_spec(text)
            if not name:
                raise BadSetting(f"{text!r} names nothing; write NAME or NAME[key=value,key=value]")
        except BadSetting as refused:
            raise place.blame(refused) from None
        return cls(name, values, place)


@dataclass(frozen=True)
class SuiteAsk(Ask):
    """A suite, perhaps with methods and seeds of its own in place of the study's."""

    methods: tuple[Ask, ...] | None = None
    seeds: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Study:
    """A whole grid as it was asked for.

    protocol: for all cells, weaker than what a suite or method was given. overrides: from the command line, stronger
    than what suites were given and weaker than methods' own values.
    """

    suites: tuple[SuiteAsk, ...]
    methods: tuple[Ask, ...]
    seeds: tuple[int, ...] = (0,)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place()


def parse_seeds(value: Any, what: str) -> tuple[int, ...]:
    """Seeds from a count (``3``) or a list (``0,1,2``), as text or JSON; errors begin with ``what``."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        value = [_whole(part) for part in parts if part] if len(parts) > 1 else _whole(parts[0])
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise BadSetting(f"{what} must be a count from 1 or a list of seeds, found {value}")
        return tuple(range(value))
    if isinstance(value, list) and value:
        if not all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in value):
            raise BadSetting(f"{what} must be whole numbers from 0, found {value}")
        if len(set(value)) < len(value):
            raise BadSetting(f"{what} must differ, found {value}")
        return tuple(value)
    raise BadSetting(f"{what} must be a count such as 3 or a list such as 0,1,2, found {value!r}")


def _whole(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def parse_values(texts: list[str], what: str) -> dict[str, str]:
    """``key=value`` texts as a mapping; errors begin with ``what``, the option's name."""
    values: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadSetting(f"{what} needs key=value, found {text!r}")
        if key.strip() in values:
            raise BadSetting(f"{what} gives {key.strip()!r} twice")
        values[key.strip()] = value.strip()
    return values
