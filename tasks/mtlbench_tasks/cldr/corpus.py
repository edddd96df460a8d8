"""Text without labels in all 26 languages, for pretraining the encoder and for measuring what it forgets."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from mtlbench_tasks.cldr.kinds import KINDS
from mtlbench_tasks.cldr.languages import LANGUAGES
from mtlbench_tasks.cldr.phrases import Phrases, phrases
from mtlbench_tasks.cldr.sentences import draw_names, name_list, tagged_sentence
from mtlbench_tasks.cldr.splits import Lexicon, everything
from mtlbench_tasks.cldr.values import draw_value

__all__ = ["Line", "lines"]

Line = tuple[str, str]
"""One or two segments of text; the second may be empty."""

_SHARES: Final = {"names": 0.2, "two lists": 0.4, "mixed": 0.13, "same": 0.12, "part": 0.15}


def lines(language: str, count: int, seed: int, purpose: str) -> list[Line]:
    """``count`` lines of a language.

    purpose: part of the seed, so that lines for training and for the probe of forgetting are drawn apart.
    """
    rng = random.Random(f"cldr corpus {seed} {language} {purpose}")
    words, names = phrases(language), everything(language)
    makers: dict[str, Callable[[], Line]] = {
        "names": lambda: _names(words, names, rng),
        "two lists": lambda: _two_lists(words, names, rng),
        "mixed": lambda: (tagged_sentence(words, names, rng).text, ""),
        "same": lambda: _same(words, rng),
        "part": lambda: _part(words, rng),
    }
    return [makers[kind]() for kind in rng.choices(list(_SHARES), list(_SHARES.values()), k=count)]


def _names(words: Phrases, names: Lexicon, rng: random.Random) -> Line:
    """Three to five names of one kind."""
    return name_list(words, draw_names(names, rng.choice(("LOC", *KINDS)), rng.randint(3, 5), rng), rng), ""


def _two_lists(words: Phrases, names: Lexicon, rng: random.Random) -> Line:
    """Two lists of names of one kind; three times in five, the other list is in a language drawn from all.

    The lists are drawn apart, so they are no translations; what they share is the kind.
    """
    kind = rng.choice(("LOC", *KINDS))
    own = name_list(words, draw_names(names, kind, rng.randint(1, 4), rng), rng)
    elsewhere = rng.choice(LANGUAGES) if rng.random() < 0.6 else words.language
    found = draw_names(everything(elsewhere), kind, rng.randint(1, 4), rng)
    other = name_list(phrases(elsewhere), found, rng)
    return (own, other) if rng.random() < 0.5 else (other, own)


def _same(words: Phrases, rng: random.Random) -> Line:
    """A date or a quantity in two wordings."""
    value = draw_value(words, rng)
    first, second = (value.text(words, rng.choice(("long", "short")), rng) for _ in range(2))
    return first, second


def _part(words: Phrases, rng: random.Random) -> Line:
    """A unit or a month, and three values of which one holds it."""
    values = [draw_value(words, rng) for _ in range(3)]
    told = "; ".join(value.text(words, rng.choice(("long", "short")), rng) for value in values)
    return rng.choice(values).part(words), told
