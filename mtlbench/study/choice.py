"""What of a study a command line asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from mtlbench.study.asks import Ask, Place, SuiteAsk

__all__ = ["choose_methods", "choose_suites"]

_Asked = TypeVar("_Asked", bound=Ask)


def choose_suites(texts: Sequence[str], offered: Sequence[SuiteAsk]) -> tuple[SuiteAsk, ...]:
    """The suites named on the command line: as the study has them where a bare name is in it, else anew."""
    chosen: list[SuiteAsk] = []
    for text in texts:
        asked = Ask.parse(text, Place())
        chosen += _of_study(asked, offered) or [SuiteAsk(asked.name, asked.values, Place(f"suite {text!r}"))]
    return tuple(chosen)


def choose_methods(texts: Sequence[str], offered: Sequence[Ask]) -> tuple[Ask, ...]:
    """The same for ``-m``."""
    chosen: list[Ask] = []
    for text in texts:
        asked = Ask.parse(text, Place("-m"))
        chosen += _of_study(asked, offered) or [dataclasses.replace(asked, place=Place(f"-m {text!r}"))]
    return tuple(chosen)


def _of_study(asked: Ask, offered: Sequence[_Asked]) -> list[_Asked]:
    """The study's entry without values of that name, else all of that name; none for a text with values."""
    named = [ask for ask in offered if ask.name == asked.name] if not asked.values else []
    return [ask for ask in named if not ask.values] or named
