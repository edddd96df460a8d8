"""Pairs of texts for inference: two names, two more names, and how far they are of the same kinds."""

from __future__ import annotations

import random
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
label without the other."""


@dataclass(frozen=True)
class Claim:
    """A premise, a hypothesis and the place of their relation in ``LABELS``."""

    premise: str
    hypothesis: str
    label: int


def claim(words: Phrases, names: Lexicon, rng: random.Random) -> Claim:
    """Two names each. Entailment: the same kinds; neutral: one kind in common; contradiction: none.

    Currencies have longer names than places and languages. So every name is drawn to look like some currency's: as
    many words, about as long.
    """
    premise, hypothesis, label = rng.choice(_PATTERNS)
    kinds = dict(zip("abc", rng.sample(KINDS, len(KINDS)), strict=True))
    return Claim(_pair(premise, kinds, words, names, rng), _pair(hypothesis, kinds, words, names, rng), label)


def _pair(pattern: str, kinds: dict[str, Kind], words: Phrases, names: Lexicon, rng: random.Random) -> str:
    found = [_shaped(names, kinds[letter], rng) for letter in rng.sample(pattern, len(pattern))]
    return name_list(words, found, rng)


def _shaped(names: Lexicon, kind: Kind, rng: random.Random) -> Name:
    """A name of a kind in the shape of a currency's."""
    shape = rng.choice(names["CUR"]).text
    drawn = rng.choices(names[kind], k=_TRIES)
    return min(drawn, key=lambda name: _unlike(name.text, shape))


def _unlike(one: str, other: str) -> int:
    return 10 * abs(one.count(" ") - other.count(" ")) + abs(len(one) - len(other))
