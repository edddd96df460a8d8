"""Questions whose answers stand in a passage of names, quantities and dates."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mtlbench_tasks.cldr.kinds import KINDS
from mtlbench_tasks.cldr.phrases import Phrases
from mtlbench_tasks.cldr.sentences import draw_names, name_list
from mtlbench_tasks.cldr.splits import Lexicon
from mtlbench_tasks.cldr.values import Measure, Value, When, Wording, differ

__all__ = ["Asked", "Question", "question"]

Asked = Literal["kind", "unit", "month"]
_SHARES: Final[dict[Asked, float]] = {"kind": 0.6, "unit": 0.25, "month": 0.15}


@dataclass(frozen=True)
class Question:
    """A question, its passage, and the characters [start, end) of the passage that answer it.

    items: the characters of every item of the passage, the answer among them.
    """

    text: str
    passage: str
    start: int
    end: int
    asked: Asked
    items: tuple[tuple[int, int], ...]

    @property
    def answer(self) -> str:
        """What is to be found."""
        return self.passage[self.start : self.end]


def question(words: Phrases, names: Lexicon, rng: random.Random) -> Question:
    """Three names, two quantities and two dates in random order, and a question that one of them answers.

    The question is two other names of a kind (the answer: the one name of that kind), a unit (the quantity of that
    unit) or a month with its year (the date in it). Passages are drawn alike for all three.
    """
    kind = rng.choice(KINDS)
    answer, *examples = draw_names(names, kind, 3, rng)
    others = [other for other in KINDS if other != kind]
    beside = draw_names(names, rng.choice(others), 1, rng) + draw_names(names, rng.choice(others), 1, rng)
    quantities = _two(lambda: Measure(rng.choice(words.units), words.number(rng)))
    dates = _two(lambda: When(words.day(rng)))
    wording: Wording = rng.choice(("long", "short"))
    texts = [answer.text, *(name.text for name in beside)]
    texts += [value.text(words, wording, rng) for value in (*quantities, *dates)]
    asked = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    right, text = {
        "kind": (0, name_list(words, examples, rng)),
        "unit": (3, quantities[0].part(words)),
        "month": (5, dates[0].part(words)),
    }[asked]

    order = rng.sample(range(len(texts)), len(texts))
    passage, items = "", []
    for place in order:
        passage += "; " if passage else ""
        items.append((len(passage), len(passage) + len(texts[place])))
        passage += texts[place]
    return Question(text, passage, *items[order.index(right)], asked, tuple(items))


def _two(draw: Callable[[], Value]) -> list[Value]:
    """Two values that share no part."""
    first = draw()
    while True:
        second = draw()
        if differ(first, second):
            return [first, second]
