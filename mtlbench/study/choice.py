"""What of a study a command line asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mtlbench.study.asks import Ask, Place, SuiteAsk

__all__ = ["choose_methods", "choose_suites"]

_Asked = TypeVar("_Asked", bound=Ask)


def choose_suites(texts: Sequence[str], offered: Sequence[SuiteAsk]) -> tuple[SuiteAsk, ...]:
    """The suites named on the command line: as the study has them where it does, with the values given here on top."""
    chosen: list[SuiteAsk] = []
    for text in texts:
        asked, place = Ask.parse(text, Place()), Place(f"suite {text!r}")
        anew = [SuiteAsk(asked.name, asked.values, place)]
        chosen += [_changed(entry, asked.values, place) for entry in _entries(asked.name, offered)] or anew
    return tuple(chosen)


def _changed(entry: SuiteAsk, values: Mapping[str, Any], place: Place) -> SuiteAsk:
    return dataclasses.replace(entry, values={**entry.values, **values}, place=place) if values else entry


def choose_methods(texts: Sequence[str], offered: Sequence[Ask]) -> tuple[Ask, ...]:
    """The same for ``-m``, but that one with values is a method of its own, to be compared with the study's."""
    chosen: list[Ask] = []
    for text in texts:
        asked = Ask.parse(text, Place("-m"))
        anew = [dataclasses.replace(asked, place=Place(f"-m {text!r}"))]
        chosen += ([] if asked.values else _entries(asked.name, offered)) or anew
    return tuple(chosen)


def _entries(name: str, offered: Sequence[_Asked]) -> list[_Asked]:
    """The study's entry of a name without values, else all of that name."""
    named = [ask for ask in offered if ask.name == name]
    return [ask for ask in named if not ask.values] or named
