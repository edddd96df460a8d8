"""Characters: how CLDR text is cleaned for printing and folded for comparison."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

__all__ = ["clean", "fold", "in_script", "word_runs"]

_PLAIN = dict.fromkeys([0x200E, 0x200F, 0x061C, 0x200B, 0xFEFF]) | dict.fromkeys([0x00A0, 0x202F, 0x2009], " ")
"""No marks of direction, no spaces of unusual width."""
_JOINERS = "-'.\u2018\u2019\u02bb\u02bc\u2010\u2011\u200c\u200d"


def clean(text: str) -> str:
    """Text as the suites print it: NFC, no direction marks, plain single spaces."""
    plain = text if text.isascii() else unicodedata.normalize("NFC", text).translate(_PLAIN)
    return " ".join(plain.split())


@lru_cache(maxsize=1 << 16)
def fold(text: str) -> str:
    """What two spellings of one name share: no case, no diacritics, hyphens and apostrophes as spaces.

    Marks that carry sound (vowel signs and viramas of the Indic scripts, Thai and Burmese signs) stay. Other
    punctuation becomes a word of its own, so that nothing matches across it.
    """
    return " ".join("".join(map(_folded, unicodedata.normalize("NFKD", text.casefold()))).split())


@cache
def _folded(char: str) -> str:
    """What a character of a decomposed text becomes."""
    if char.isalnum():
        return char
    category = unicodedata.category(char)
    if category[0] == "M":
        rank = unicodedata.combining(char)
        return char if rank < 200 and not 27 <= rank <= 35 else ""  # neither an accent nor an Arabic vowel point
    if char.isspace() or char in _JOINERS:
        return " "
    return "" if category == "Cf" else " | "


def word_runs(folded: str) -> set[str]:
    """All runs of one or more whole words of a folded text."""
    words = folded.split()
    return {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(len(words), i + 8) + 1)}


def in_script(text: str, script: str) -> bool:
    """Whether every letter of a text is of a script, named as the letters' Unicode names begin; and one is there."""
    letters = [_alphabet(char) for char in text if char.isalpha()]
    return bool(letters) and all(name.startswith(script) for name in letters)


@cache
def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "")
