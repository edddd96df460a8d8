"""Which of the 26 languages is a task of which suite, and how many training examples it has.

The languages, and the sizes before scaling, are those of the paper: its tables 6 (TyDiQA-GoldP) and 7 (WikiAnn);
the languages of MLQA and XNLI are scored and never trained.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LANGUAGES", "MLQA_ONLY", "NER_SIZES", "QA_SIZES", "SCRIPTS", "UNSPACED", "XNLI_UNSEEN"]

NER_SIZES: Final = {
    "de": 2000,
    "en": 2000,
    "es": 2000,
    "hi": 500,
    "jv": 12,
    "kk": 100,
    "mr": 500,
    "my": 12,
    "sw": 100,
    "te": 1000,
    "fil": 12,
    "yo": 12,
}
"""Table 7 by ten, at least 12. CLDR's ``fil`` stands for WikiAnn's ``tl``."""

QA_SIZES: Final = {
    "ar": 1480,
    "bn": 239,
    "en": 370,
    "fi": 686,
    "id": 570,
    "ko": 163,
    "ru": 649,
    "sw": 276,
    "te": 556,
}
"""Table 6 by ten."""

MLQA_ONLY: Final = ("de", "es", "hi", "vi", "zh")
"""Languages of MLQA that are no task of TyDiQA."""

XNLI_UNSEEN: Final = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
"""Languages of XNLI but English."""

LANGUAGES: Final = tuple(sorted({*NER_SIZES, *QA_SIZES, *MLQA_ONLY, *XNLI_UNSEEN}))
"""All 26, in the order of their codes."""

UNSPACED: Final = frozenset({"my", "th", "zh"})
"""Languages that write words without spaces between them."""

_OTHER_SCRIPTS: Final = {
    "ar": "ARABIC",
    "bg": "CYRILLIC",
    "bn": "BENGALI",
    "el": "GREEK",
    "hi": "DEVANAGARI",
    "kk": "CYRILLIC",
    "ko": "HANGUL",
    "mr": "DEVANAGARI",
    "my": "MYANMAR",
    "ru": "CYRILLIC",
    "te": "TELUGU",
    "th": "THAI",
    "ur": "ARABIC",
    "zh": "CJK",
}
SCRIPTS: Final = {language: _OTHER_SCRIPTS.get(language, "LATIN") for language in LANGUAGES}
"""Language to the first word of its letters' Unicode names."""
