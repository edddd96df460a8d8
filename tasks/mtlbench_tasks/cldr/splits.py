"""Which names may stand in which split, the same for every suite, seed and language.

Codes that share a spelling in any of the 26 languages form one group (a city and its territory, a country and its
language), and a group is wholly of one split. A train text then holds no dev or test name of any language, not even
inside a longer name: names that do are left out of the split.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

from mtlbench_tasks.cldr.characters import fold, word_runs
from mtlbench_tasks.cldr.inventory import Name, names
from mtlbench_tasks.cldr.kinds import KINDS, Kind
from mtlbench_tasks.cldr.languages import LANGUAGES, UNSPACED
from mtlbench_tasks.cldr.phrases import phrases

__all__ = ["Lexicon", "Part", "groups", "held_back", "lexicon", "part_of"]

Part = Literal["train", "dev", "test"]
_TENTHS: Final[tuple[Part, ...]] = ("train",) * 6 + ("dev",) + ("test",) * 3
_LATER: Final[Mapping[Part, tuple[Part, ...]]] = {"train": ("dev", "test"), "dev": ("test",), "test": ()}

Lexicon = Mapping[Kind, tuple[Name, ...]]
"""Kind to the names that a split may use."""


@cache
def groups() -> Mapping[str, str]:
    """Code to the first code of its group."""
    leader: dict[str, str] = {}

    def find(code: str) -> str:
        while leader.setdefault(code, code) != code:
            leader[code] = code = leader[leader[code]]
        return code

    first_with: dict[str, str] = {}
    for language in LANGUAGES:
        for name in names(language):
            one, other = find(name.code), find(first_with.setdefault(fold(name.text), name.code))
            leader[max(one, other)] = min(one, other)
    return {code: find(code) for code in sorted(leader)}


@cache
def part_of(code: str) -> Part:
    """The split of a code: six tenths of all groups train, one dev, three test."""
    return _TENTHS[zlib.crc32(groups()[code].encode()) % 10]


@cache
def held_back(part: Part) -> frozenset[str]:
    """The folded names, in all languages, that no text of ``part`` may hold."""
    later = _LATER[part]
    return frozenset(
        folded
        for language in LANGUAGES
        for name in names(language)
        if part_of(name.code) in later and not _is_phrase(folded := fold(name.text), language)
    )


@cache
def lexicon(language: str, part: Part) -> Lexicon:
    """The names of a language that may stand in ``part``, by kind, in the order of their codes."""
    kept: dict[Kind, list[Name]] = {kind: [] for kind in KINDS}
    forbidden = held_back(part)
    inside = _substrings(forbidden, language)
    for name in names(language):
        folded = fold(name.text)
        if part_of(name.code) != part or _is_phrase(folded, language):
            continue
        if word_runs(folded) & forbidden or any(text in folded for text in inside):
            continue
        kept[name.kind].append(name)
    return {kind: tuple(found) for kind, found in kept.items()}


@cache
def everything(language: str) -> Lexicon:
    """All names of a language, for text without labels."""
    return {kind: tuple(name for name in names(language) if name.kind == kind) for kind in KINDS}


def _is_phrase(folded: str, language: str) -> bool:
    """Whether a name is spelled like a phrase of any language ("Mars"): it is no name in these suites."""
    return folded in _phrase_runs() or (language in UNSPACED and folded in _phrase_text(language))


@cache
def _phrase_runs() -> frozenset[str]:
    """Every run of words of every phrase without names, in all languages."""
    texts: Iterable[str] = (text for language in LANGUAGES for text in phrases(language).wordings())
    return frozenset(run for text in texts for run in word_runs(fold(text)))


@cache
def _phrase_text(language: str) -> str:
    """All phrases of a language that does not part words, one a line, to look for names inside."""
    return "\n".join(fold(text) for text in phrases(language).wordings())


def _substrings(forbidden: frozenset[str], language: str) -> tuple[str, ...]:
    """What may not even stand inside a word, in a language that does not part words."""
    if language not in UNSPACED:
        return ()
    own = {fold(name.text) for name in names(language)}
    return tuple(sorted(text for text in forbidden & own if len(text) > 1))
