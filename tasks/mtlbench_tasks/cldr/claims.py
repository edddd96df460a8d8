"""Pairs of texts for inference: a list of names, another, and how far they are of the same kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mtlbench_tasks.cldr.inventory import Name
from mtlbench_tasks.cldr.kinds import KINDS, Kind
from mtlbench_tasks.cldr.phrases import Phrases
from mtlbench_tasks.cldr.sentences import name_list
from mtlbench_tasks.cldr.splits import Lexicon

__all__ = ["LABELS", "Claim", "Lookalikes", "claim"]

_NEAREST: Final = 16
"""Names among which one is drawn for a shape; more than a claim holds of one kind."""
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


class Lookalikes:
    """Names of all kinds that look like currencies': as many words, about as long.

    Currencies have longer names than places and languages. Were names drawn freely, the length of a list would tell
    of its kinds, and so of the label.
    """

    def __init__(self, names: Lexicon) -> None:
        self._names = names
        self._near: dict[tuple[Kind, int, int], list[Name]] = {}

    def draw(self, kind: Kind, taken: Sequence[Name], rng: random.Random) -> Name:
        """A name of a kind in the shape of a currency drawn for it, and none of ``taken``."""
        shape = rng.choice(self._names["CUR"]).text
        near = self._nearest(kind, shape.count(" "), len(shape))
        while (name := rng.choice(near)) in taken:
            pass
        return name

    def _nearest(self, kind: Kind, spaces: int, length: int) -> list[Name]:
        if (kind, spaces, length) not in self._near:

            def distance(name: Name) -> int:
                return 10 * abs(name.text.count(" ") - spaces) + abs(len(name.text) - length)

            self._near[kind, spaces, length] = sorted(self._names[kind], key=distance)[:_NEAREST]
        return self._near[kind, spaces, length]


def claim(words: Phrases, names: Lookalikes, rng: random.Random) -> Claim:
    """Four names each. Entailment: the same kinds; neutral: one kind in common; contradiction: none.

    No name stands twice.
    """
    premise, hypothesis, label = rng.choice(_PATTERNS)
    kinds = dict(zip("abc", rng.sample(KINDS, len(KINDS)), strict=True))
    taken: list[Name] = []
    for pattern in (premise, hypothesis):
        for letter in rng.sample(_EACH * pattern, _EACH * len(pattern)):
            taken.append(names.draw(kinds[letter], taken, rng))
    half = _EACH * len(premise)
    return Claim(name_list(words, taken[:half], rng), name_list(words, taken[half:], rng), label)
