"""F1 and exact match of extracted answers, by the rules of SQuAD v1.1 and by those of MLQA.

Both compare bags of words after lower-casing and after removing punctuation and articles; they differ in what
counts as punctuation, as an article and as a word. docs/metrics.md has the rules beside worked cases.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mtlbench.interface import BadDataset, BadSetting

__all__ = ["MLQA_LANGUAGES", "AnswerScores", "mlqa_scores", "mlqa_words", "squad_scores", "squad_words"]

_ASCII_PUNCTUATION = frozenset(string.punctuation)
_HAN = re.compile("[\u4e00-\u9fa5]")
"""The Chinese characters that MLQA knows: not the whole block, and none of its extensions."""


def _words_out(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words.split())})\b")


_ENGLISH_ARTICLES = _words_out("a an the")
_ARTICLES: Mapping[str, re.Pattern[str] | None] = {
    "ar": re.compile("ال"),  # wherever it stands, also inside a word
    "de": _words_out("ein eine einen einem eines einer der die das den dem des"),
    "en": _ENGLISH_ARTICLES,
    "es": _words_out("un una unos unas el la los las"),
    "hi": None,
    "vi": _words_out("của là cái chiếc những"),
    "zh": None,
}
MLQA_LANGUAGES = tuple(_ARTICLES)


@dataclass(frozen=True)
class AnswerScores:
    """Means over all questions, in percent, and both scores of each question, in [0, 1]."""

    f1: float
    exact_match: float
    questions: Mapping[str, tuple[float, float]]
    """Id to (F1, exact match), in the order of the references."""
    unanswered: int
    """Questions without a prediction; they score 0."""


Golds = Sequence[str] | Mapping[str, Any]
"""The texts that count as right: a list of them, or the Hub's ``{"text": [...], "answer_start": [...]}``."""


def squad_scores(predictions: Mapping[str, str], references: Mapping[str, Golds]) -> AnswerScores:
    """SQuAD v1.1's scores, which are also TyDiQA-GoldP's in every language.

    predictions: id to text; ids that no question has are ignored. references: id to the texts that count as
    right, of which the best match is scored. Raises BadDataset for a question without one, for references or
    predictions of another form (a text in place of a list of texts), and for no questions.
    """
    return _scores(predictions, references, squad_words)


def mlqa_scores(predictions: Mapping[str, str], references: Mapping[str, Golds], language: str) -> AnswerScores:
    """MLQA's scores; ``language`` is that of the answers, hence of the passage. Otherwise as ``squad_scores``."""
    if language not in _ARTICLES:
        raise BadSetting(f"MLQA has no rules for language {language!r}; it knows {', '.join(MLQA_LANGUAGES)}")
    return _scores(predictions, references, lambda text: mlqa_words(text, language))


def squad_words(text: str) -> list[str]:
    """The words of an answer: ASCII punctuation is dropped, English articles too, white space parts words."""
    kept = "".join(char for char in text.lower() if char not in _ASCII_PUNCTUATION)
    return _ENGLISH_ARTICLES.sub(" ", kept).split()


def mlqa_words(text: str, language: str) -> list[str]:
    """The words of an answer: all Unicode punctuation is dropped, and the language's own articles.

    White space parts words; in Chinese every Han character is a word of its own besides.
    """
    kept = "".join(char for char in text.lower() if not _is_punctuation(char))
    articles = _ARTICLES[language]
    if articles is not None:
        kept = articles.sub(" ", kept)
    return _HAN.sub(lambda found: f" {found.group()} ", kept).split() if language == "zh" else kept.split()


@lru_cache(maxsize=4096)
def _is_punctuation(char: str) -> bool:
    return char in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


def _scores(
    predictions: Mapping[str, str], references: Mapping[str, Golds], words: Callable[[str], list[str]]
) -> AnswerScores:
    if not references:
        raise BadDataset("there are no questions to score")
    questions: dict[str, tuple[float, float]] = {}
    for name, given in references.items():
        golds = _texts(name, given)
        if name not in predictions:
            questions[name] = (0.0, 0.0)
            continue
        answer = predictions[name]
        if not isinstance(answer, str):
            raise BadDataset(f"the prediction for question {name!r} must be a text, found {answer!r}")
        predicted = words(answer)
        wanted = [words(gold) for gold in golds]
        questions[name] = (max(_f1(predicted, gold) for gold in wanted), float(predicted in wanted))
    f1, exact = (sum(column) / len(questions) for column in zip(*questions.values(), strict=True))
    return AnswerScores(100.0 * f1, 100.0 * exact, questions, len(references.keys() - predictions.keys()))


def _texts(name: str, golds: Golds) -> list[str]:
    """The reference answers of a question, at least one."""
    texts = golds.get("text") if isinstance(golds, Mapping) else golds
    found = None if isinstance(texts, str | Mapping) or not isinstance(texts, Iterable) else list(texts)
    if found is None or not all(isinstance(text, str) for text in found):
        raise BadDataset(
            f"the references of question {name!r} must be a list of texts, or {{'text': [...], 'answer_start': [...]}} "
            f"as on the Hub, found {golds!r}"
        )
    if not found:
        raise BadDataset(f"question {name!r} has no reference answer")
    return found


def _f1(predicted: list[str], gold: list[str]) -> float:
    """Of two bags of words; 0 when they share none, also when both are empty."""
    shared = (Counter(predicted) & Counter(gold)).total()
    return 2.0 * shared / (len(predicted) + len(gold)) if shared else 0.0
