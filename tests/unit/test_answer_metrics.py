"""SQuAD's and MLQA's scores on pairs worked out by hand, in the scripts of the data sets' languages."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest

from mtlbench.interface import BadDataset, BadSetting
from mtlbench_tasks.metrics import mlqa_scores, squad_scores
from mtlbench_tasks.metrics.answers import mlqa_words, squad_words


def squad(prediction: str, *golds: str) -> tuple[float, float]:
    scores = squad_scores({"q": prediction}, {"q": golds})
    return pytest.approx(scores.f1, abs=1e-6), scores.exact_match


def mlqa(language: str, prediction: str, *golds: str) -> tuple[float, float]:
    scores = mlqa_scores({"q": prediction}, {"q": golds}, language)
    return pytest.approx(scores.f1, abs=1e-6), scores.exact_match


# prediction, gold, F1, exact match; the words after normalising stand in the comment
SQUAD_PAIRS = {
    "articles, case and punctuation are ignored": ("The Eiffel-Tower!", "eiffeltower", 100, 100),
    "half of the words": ("Denver Broncos won", "the Denver Broncos", 80, 0),  # 2 of 3, 2 of 2
    "repeated words count as often as both have them": ("no no yes", "no no no no", 400 / 7, 0),  # 2 of 3, 2 of 4
    "an article inside a word stays": ("theory", "ory", 0, 0),
    "both normalise to nothing: exact, and no shared word": ("the", "a!", 0, 100),
    "an empty prediction": ("", "Rome", 0, 0),
    "arabic keeps its article": ("القاهرة", "قاهرة", 0, 0),
    "arabic comma is not ASCII": ("مصر،", "مصر", 0, 0),
    "hindi danda is not ASCII": ("भारत।", "भारत", 0, 0),
    "hindi words": ("नई दिल्ली भारत", "नई दिल्ली", 80, 0),
    "thai has no spaces, so one word": ("กรุงเทพมหานคร", "กรุงเทพ", 0, 0),
    "chinese has no spaces, so one word": ("北京市", "北京", 0, 0),
    "telugu words": ("హైదరాబాద్ నగరం", "హైదరాబాద్", 200 / 3, 0),
    "korean particles make another word": ("서울은", "서울", 0, 0),
    "korean words": ("대한민국 서울", "서울", 200 / 3, 0),
    "full-width letters differ from ASCII": ("ＡＢＣ", "abc", 0, 0),
    "full-width letters have a lower case": ("ＡＢＣ", "ａｂｃ", 100, 100),
    "full-width punctuation stays": ("abc！", "abc", 0, 0),
    "an ideographic space parts words": ("東京\u3000大阪", "東京 大阪", 100, 100),
    "a zero-width space does not": ("Rome\u200b", "Rome", 0, 0),
    "combining marks are not composed": ("caf\u0065\u0301", "caf\u00e9", 0, 0),
    "a dotted capital I becomes two characters": ("İstanbul", "i\u0307stanbul", 100, 100),
}


@pytest.mark.parametrize("case", SQUAD_PAIRS)
def test_squad_scores_agree_with_the_working_by_hand(case: str) -> None:
    prediction, gold, f1, exact = SQUAD_PAIRS[case]
    assert squad(prediction, gold) == (f1, exact)


MLQA_PAIRS = {
    "en: unicode punctuation goes": ("en", "“Rome”…", "the rome", 100, 100),
    "en: a currency sign is no punctuation": ("en", "€5", "5", 0, 0),
    "en: ASCII symbols count as punctuation": ("en", "$5", "5", 100, 100),
    "es: articles": ("es", "¿La casa?", "una casa", 100, 100),
    "es: an english article stays": ("es", "the casa", "casa", 200 / 3, 0),
    "de: articles by case": ("de", "dem Hund des Manns", "der Hund Manns", 100, 100),
    "de: einer goes, einig stays": ("de", "einig einer", "einig", 100, 100),
    "vi: classifiers": ("vi", "những chiếc thuyền của tôi", "thuyền tôi", 100, 100),
    "ar: the article goes at the start of a word": ("ar", "القاهرة", "قاهرة", 100, 100),
    "ar: and inside one, which it splits": ("ar", "مثال", "مث", 100, 100),
    "ar: punctuation": ("ar", "مصر،", "مصر؟", 100, 100),
    "hi: danda goes": ("hi", "भारत।", "भारत", 100, 100),
    "hi: nothing is an article": ("hi", "a भारत", "भारत", 200 / 3, 0),
    "hi: vowel signs stay": ("hi", "दिल्ली", "दल्ली", 0, 0),
    "zh: every character is a word": ("zh", "北京市", "北京", 80, 0),
    "zh: latin words stay whole": ("zh", "GPT模型", "gpt 模型", 100, 100),
    "zh: full-width punctuation goes": ("zh", "《北京》，", "北京", 100, 100),
    "zh: full-width letters are no Han characters": ("zh", "ＡＢ京", "ａｂ京", 100, 100),
    "zh: beyond U+9FA5 characters do not part": ("zh", "\u9fa6\u9fa7", "\u9fa6", 0, 0),
    "zh: articles of other languages stay": ("zh", "the 京", "京", 200 / 3, 0),
    "punctuation alone equals nothing": ("en", "…", "", 0, 100),
}


@pytest.mark.parametrize("case", MLQA_PAIRS)
def test_mlqa_scores_agree_with_the_working_by_hand(case: str) -> None:
    language, prediction, gold, f1, exact = MLQA_PAIRS[case]
    assert mlqa(language, prediction, gold) == (f1, exact)


def test_a_decomposed_vietnamese_classifier_is_not_recognised() -> None:
    decomposed = unicodedata.normalize("NFD", "của tôi")
    assert mlqa_words("của tôi", "vi") == ["tôi"]
    assert len(mlqa_words(decomposed, "vi")) == 2


def test_chinese_scores_higher_by_mlqas_rules_than_by_squads() -> None:
    assert mlqa("zh", "于1997年在香港", "1997年") == (100 * 2 * 2 / (6 + 2), 0)
    assert squad("于1997年在香港", "1997年") == (0, 0)


def test_the_best_reference_counts_for_f1_and_exact_match_alike() -> None:
    assert squad("Santa Clara", "California", "Santa Clara, California", "santa clara") == (100, 100)


def test_the_total_is_the_mean_over_questions_and_a_missing_prediction_scores_zero() -> None:
    references = {"a": ["one two"], "b": ["three"], "c": ["four"]}
    scores = squad_scores({"a": "one", "b": "three", "unknown": "four"}, references)
    assert scores.f1 == pytest.approx((200 / 3 + 100) / 3)
    assert scores.exact_match == pytest.approx(100 / 3)
    assert scores.unanswered == 1
    assert list(scores.questions) == ["a", "b", "c"]
    assert scores.questions["c"] == (0.0, 0.0)
    assert scores.questions["a"] == (pytest.approx(2 / 3), 0.0)


def test_a_question_without_reference_is_named() -> None:
    with pytest.raises(BadDataset, match="'q7' has no reference"):
        squad_scores({"q7": "x"}, {"q7": []})


def test_no_questions_is_an_error() -> None:
    with pytest.raises(BadDataset, match="no questions"):
        squad_scores({}, {})


def test_a_language_without_rules_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"'th'; it knows ar, de, en, es, hi, vi, zh"):
        mlqa_scores({"q": "x"}, {"q": ["x"]}, "th")


def test_words_come_out_in_order() -> None:
    assert squad_words("A  man, the plan:\ta canal") == ["man", "plan", "canal"]
    assert mlqa_words("在1997年 Hong Kong", "zh") == ["在", "1997", "年", "hong", "kong"]


def test_references_as_the_hub_has_them_score_as_their_texts() -> None:
    predictions = {"a": "Rome", "b": "in Rome"}
    hub = {name: {"text": np.array(["Paris", "Rome"]), "answer_start": [3, 9]} for name in predictions}
    assert squad_scores(predictions, hub) == squad_scores(predictions, {name: ["Paris", "Rome"] for name in hub})
    assert mlqa_scores(predictions, hub, "en").f1 == squad_scores(predictions, hub).f1 > 0


@pytest.mark.parametrize("golds", ["Rome", None, {"answer_start": [1]}, {"text": "Rome"}, [1], [["Rome"]]])
def test_references_of_another_form_are_refused_in_one_line(golds: Any) -> None:
    with pytest.raises(BadDataset, match="the references of question 'q' must be a list of texts, or"):
        squad_scores({"q": "Rome"}, {"q": golds})
    with pytest.raises(BadDataset, match="the references of question 'q' must be a list of texts, or"):
        mlqa_scores({"q": "Rome"}, {"q": golds}, "en")


@pytest.mark.parametrize("given", [None, ["Rome"], 3])
def test_a_prediction_that_is_no_text_is_refused_in_one_line(given: Any) -> None:
    with pytest.raises(BadDataset, match="the prediction for question 'q' must be a text"):
        squad_scores({"q": given}, {"q": ["Rome"]})
