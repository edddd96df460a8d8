"""Questions whose answers stand in a passage of short lists of names, and whose shape says nothing of the answer."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from mtlbench_tasks.cldr.kinds import KINDS, Kind
from mtlbench_tasks.cldr.splits import Part, lexicon

__all__ = ["Asked", "Question", "Questions", "example_shapes"]

Asked = Literal["kind", "name"]
_SHARES: Final[dict[Asked, float]] = {"kind": 0.2, "name": 0.8}
_EACH: Final = 2
"""Names in an item."""
_ENTRIES: Final = 6
"""Items of a passage in which a name is looked up."""
_LONGEST: Final = 16
"""Characters of a name beside others in such a passage: six long ones would not fit into the encoder's positions."""
_EXAMPLES: Final[Mapping[Kind, tuple[int, ...]]] = {"LOC": (2, 3, 4), "LNG": (2, 3, 4), "CUR": (1, 2, 3)}
"""How many examples of a kind a question may give: fewer of currencies, which have more words."""
_POOL: Final = 1500
"""Draws of examples of each kind, from which those of one shape are taken."""

_Shape = tuple[int, int, int]
"""Spaces, characters and capitals of a text."""


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


class Questions:
    """Draws the questions of a language with the names of a split.

    Of a kind: the items of the passage are lists of names of different kinds, and the question gives other examples of
    one kind. Their shape is drawn first and the kind apart from it, among examples of that shape. Of a name: every item
    begins with a name of the same shape, and the question is one of these names, drawn last. So whatever the shapes of
    question and passage, each item is the answer equally often.
    """

    def __init__(self, language: str, part: Part, rng: random.Random) -> None:
        self._rng, self._names = rng, _texts(language, part)
        self._alike = _alike(language, part)
        self._examples = _examples(language, part)
        weights = example_shapes(language, part)
        self._shapes, self._weights = list(weights), list(weights.values())

    def draw(self) -> Question:
        """One question."""
        asked = self._rng.choices(list(_SHARES), list(_SHARES.values()))[0]
        return self._of_kind() if asked == "kind" else self._of_name()

    def _of_kind(self) -> Question:
        rng = self._rng
        shape = rng.choices(self._shapes, self._weights)[0]
        kinds = rng.sample(KINDS, len(KINDS))
        right = rng.randrange(len(kinds))
        text = rng.choice(self._examples[kinds[right]][shape])
        items: list[list[str]] = []
        for kind in kinds:
            item: list[str] = []
            while len(item) < _EACH:
                if (name := rng.choice(self._names[kind])) not in item and _titled(name) not in text:
                    item.append(name)
            items.append(item)
        return _asked("kind", text, items, right)

    def _of_name(self) -> Question:
        rng = self._rng
        first = rng.sample(rng.choices(self._alike, [len(found) for found in self._alike])[0], _ENTRIES)
        second: list[str] = []
        while len(second) < _ENTRIES:
            name = rng.choice(self._names[rng.choice(KINDS)])
            if len(name) <= _LONGEST and name not in (*first, *second):
                second.append(name)
        right = rng.randrange(_ENTRIES)
        return _asked("name", first[right], list(zip(first, second, strict=True)), right)


def _asked(asked: Asked, text: str, items: Sequence[Sequence[str]], right: int) -> Question:
    passage, places = "", []
    for item in items:
        passage += "; " if passage else ""
        begin = len(passage)
        passage += ", ".join(item)
        places.append((begin, len(passage)))
    return Question(text, passage, *places[right], asked, tuple(places))


def _shape(text: str) -> _Shape:
    return text.count(" "), len(text), sum(map(str.isupper, text))


def _titled(text: str) -> str:
    """A capital for every word: languages that write some kinds of names small would show the kind by it."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


@cache
def _texts(language: str, part: Part) -> Mapping[Kind, Sequence[str]]:
    return {kind: [name.text for name in found] for kind, found in lexicon(language, part).items()}


@cache
def _alike(language: str, part: Part) -> Sequence[Sequence[str]]:
    """The names of a split that are no longer than that, in groups of one shape that can fill a passage."""
    groups: dict[_Shape, list[str]] = defaultdict(list)
    for texts in _texts(language, part).values():
        for text in texts:
            if len(text) <= _LONGEST:
                groups[_shape(text)].append(text)
    return [found for _, found in sorted(groups.items()) if len(found) >= _ENTRIES]


@cache
def example_shapes(language: str, part: Part) -> Mapping[_Shape, int]:
    """The shapes that examples of all kinds can have, and how many of the rarest kind have it: their weight."""
    pools = _examples(language, part).values()
    common = sorted(set.intersection(*(set(found) for found in pools)))
    return {shape: min(len(found[shape]) for found in pools) for shape in common}


@cache
def _examples(language: str, part: Part) -> Mapping[Kind, Mapping[_Shape, Sequence[str]]]:
    """Kind to shape to texts of one to four names, with spaces alone between them so that nobody counts them."""
    rng = random.Random(f"cldr-qa examples {language} {part}")
    found: dict[Kind, Mapping[_Shape, list[str]]] = {}
    for kind, texts in _texts(language, part).items():
        of_kind: dict[_Shape, list[str]] = defaultdict(list)
        for _ in range(_POOL):
            text = _titled(" ".join(rng.sample(texts, rng.choice(_EXAMPLES[kind]))))
            of_kind[_shape(text)].append(text)
        found[kind] = dict(of_kind)
    return found
