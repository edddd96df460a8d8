"""Pairs of texts for inference: a list of names, another, and how far they are of the same kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mtlbench_tasks.cldr.inventory import KINDS, Kind, Name
from mtlbench_tasks.cldr.phrases import Phrases
from mtlbench_tasks.cldr.sentences import name_list
from mtlbench_tasks.cldr.splits import Lexicon

__all__ = ["LABELS", "Claim", "claim"]

_TRIES: Final = 24
"""Names among which the one that looks most like the shape is taken."""
LABELS: Final = ("entailment", "neutral", "contradiction")

_PATTERNS: Final = (
    ("aa", "aa", 0),
    ("ab", "ab", 0),
    ("aa", "ab", 1),
    ("ab", "aa", 1),
    ("aa", "bc", 2),
    ("ab", "cc", 2),
)
"""Kinds of the premise, kinds of the hypothesis, label. Each half alone is balanced: neither says anything of the
label without the other. A letter stands for ``_EACH`` names."""
_EACH: Final = 2


@dataclass(frozen=True)
class Claim:
    """A premise, a hypothesis and the place of their relation in ``LABELS``."""

    premise: str
    hypothesis: str
    label: int


def claim(words: Phrases, names: Lexicon, rng: random.Random) -> Claim:
    """Four names each. Entailment: the same kinds; neutral: one kind in common; contradiction: none.

    Currencies have longer names than places and languages. So every name is drawn to look like some currency's: as
    many words, about as long. No name stands twice.
    """
    premise, hypothesis, label = rng.choice(_PATTERNS)
    kinds = dict(zip("abc", rng.sample(KINDS, len(KINDS)), strict=True))
    taken: list[Name] = []
    for pattern in (premise, hypothesis):
        for letter in rng.sample(_EACH * pattern, _EACH * len(pattern)):
            taken.append(_shaped(names, kinds[letter], taken, rng))
    half = _EACH * len(premise)
    return Claim(name_list(words, taken[:half], rng), name_list(words, taken[half:], rng), label)


def _shaped(names: Lexicon, kind: Kind, taken: Sequence[Name], rng: random.Random) -> Name:
    """A name of a kind in the shape of a currency's, and none of ``taken``."""
    shape = rng.choice(names["CUR"]).text
    drawn = [name for name in rng.sample(names[kind], k=min(_TRIES, len(names[kind]))) if name not in taken]
    return min(drawn, key=lambda name: _unlike(name.text, shape))


def _unlike(one: str, other: str) -> int:
    return 10 * abs(one.count(" ") - other.count(" ")) + abs(len(one) - len(other))
