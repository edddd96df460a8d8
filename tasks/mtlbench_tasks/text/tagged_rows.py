"""Rows of named entity recognition: words and their tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import BadDataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtlbench_tasks.hub import Rows

__all__ = ["COLUMNS", "Sentences", "read_sentences"]

COLUMNS = ("tokens", "ner_tags")


@dataclass(frozen=True)
class Sentences:
    """Tagged sentences; all lists are by sentence."""

    words: list[list[str]]
    tags: list[list[int]]
    names: tuple[str, ...]
    """The tag of each number."""

    def __len__(self) -> int:
        return len(self.words)

    def notes(self) -> list[str]:
        """What a rule handles, in words."""
        empty = sum(not words for words in self.words)
        blank = sum(not word.strip() for words in self.words for word in words)
        broken = sum(self._is_ill_formed(tags) for tags in self.tags)
        found = [
            (empty, "sentences without words: nothing to learn or to score"),
            (blank, "blank words: seen as untagged"),
            (broken, "sentences with an I- tag that continues nothing: it begins an entity, as in seqeval"),
        ]
        return [f"{count} {text}" for count, text in found if count]

    def _is_ill_formed(self, tags: Sequence[int]) -> bool:
        before = "O"
        for tag in tags:
            name = self.names[tag]
            if name.startswith("I-") and before[2:] != name[2:]:
                return True
            before = name
        return False


def read_sentences(rows: Rows) -> Sentences:
    """All sentences of a split.

    Raises BadDataset, naming file and row, for unequal lengths and unknown tags, and for names of tags without "O",
    which a word of no entity is scored as.
    """
    rows.need_text("tokens")
    names = tuple(rows.label_names("ner_tags"))
    if "O" not in names:
        raise BadDataset(f"{rows.files[0]}: the tags {', '.join(names)} lack 'O', the tag of words outside of names")
    words, tags = rows.column("tokens"), rows.column("ner_tags")
    for row, (sentence, marks) in enumerate(zip(words, tags, strict=True)):
        if sentence is None or marks is None:
            raise BadDataset(f"{rows.where(row)}: {'tokens' if sentence is None else 'ner_tags'} is missing (null)")
        if len(sentence) != len(marks):
            raise BadDataset(f"{rows.where(row)}: {len(sentence)} tokens but {len(marks)} tags")
        if any(word is None for word in sentence):
            raise BadDataset(f"{rows.where(row)}: a token is missing (null)")
        for mark in marks:
            if mark is None or not 0 <= mark < len(names):
                raise BadDataset(f"{rows.where(row)}: tag {mark} is none of 0 to {len(names) - 1} ({', '.join(names)})")
    return Sentences(words, tags, names)
