"""Sentences for entity recognition: lists of names and of phrases that name nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtlbench_tasks.cldr.inventory import Name
from mtlbench_tasks.cldr.kinds import KINDS, Kind
from mtlbench_tasks.cldr.phrases import Phrases
from mtlbench_tasks.cldr.splits import Lexicon

__all__ = ["Span", "Tagged", "draw_name", "draw_names", "name_list", "tagged_sentence"]


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a text, and what they name."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True)
class Tagged:
    """A sentence and its entities, in order."""

    text: str
    spans: tuple[Span, ...]


class _Writer:
    """A text under construction that notes where its names stand."""

    def __init__(self) -> None:
        self.text = ""
        self.spans: list[Span] = []

    def write(self, text: str) -> None:
        self.text += text

    def name(self, name: Name) -> None:
        self.spans.append(Span(len(self.text), len(self.text) + len(name.text), name.kind))
        self.text += name.text


def draw_name(names: Lexicon, kind: Kind, rng: random.Random) -> Name:
    """A name of a kind; of the places, territories are drawn twice as often as cities."""
    wanted_city = rng.random() < 1 / 3
    while True:
        name = rng.choice(names[kind])
        if kind != "LOC" or name.city == wanted_city:
            return name


def tagged_sentence(words: Phrases, names: Lexicon, rng: random.Random) -> Tagged:
    """A list of two to four items; three in ten are no name, some carry a second item in brackets or after a dash."""
    out = _Writer()
    count = rng.choice((2, 2, 3, 3, 4))
    for joint in ["", *words.joints(count, rng)]:
        out.write(joint)
        _item(out, words, names, rng)
    return Tagged(out.text, tuple(out.spans))


def draw_names(names: Lexicon, kind: Kind, count: int, rng: random.Random) -> list[Name]:
    """``count`` different names of a kind."""
    found: dict[str, Name] = {}
    while len(found) < count:
        name = draw_name(names, kind, rng)
        found.setdefault(name.code, name)
    return list(found.values())


def name_list(words: Phrases, names: Sequence[Name], rng: random.Random) -> str:
    """The texts of names as one list; empty without names."""
    joints = words.joints(len(names), rng) if len(names) > 1 else []
    return "".join(joint + name.text for joint, name in zip(["", *joints], names, strict=False))


def _item(out: _Writer, words: Phrases, names: Lexicon, rng: random.Random) -> None:
    def name() -> None:
        out.name(draw_name(names, rng.choice(("LOC", *KINDS)), rng))

    def filler() -> None:
        out.write(words.filler(rng))

    choice = rng.random()
    if choice < 0.3:
        filler()
    elif choice < 0.75:
        name()
    elif choice < 0.85:
        _joined(out, name, " (", name)
        out.write(")")
    elif choice < 0.925:
        _joined(out, name, " – ", filler)
    else:
        _joined(out, filler, ": ", name)


def _joined(out: _Writer, first: Callable[[], None], between: str, second: Callable[[], None]) -> None:
    first()
    out.write(between)
    second()
