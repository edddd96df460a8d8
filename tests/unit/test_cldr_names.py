from __future__ import annotations

import pytest

from mtlbench_tasks.cldr.characters import clean, fold, in_script, word_runs
from mtlbench_tasks.cldr.inventory import names
from mtlbench_tasks.cldr.kinds import KINDS
from mtlbench_tasks.cldr.languages import (
    LANGUAGES,
    MLQA_ONLY,
    NER_SIZES,
    QA_SIZES,
    SCRIPTS,
    UNSPACED,
    XNLI_UNSEEN,
)
from mtlbench_tasks.cldr.splits import Part, groups, held_back, lexicon, part_of

PARTS: tuple[Part, ...] = ("train", "dev", "test")


def test_the_suites_have_the_26_languages_of_the_paper_between_them() -> None:
    assert len(LANGUAGES) == 26
    assert len(NER_SIZES) == 12
    assert list(QA_SIZES) == ["ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"]
    assert len(XNLI_UNSEEN) == 14
    assert not set(MLQA_ONLY) & set(QA_SIZES)


def test_folding_drops_case_and_accents_and_keeps_vowel_signs() -> None:
    assert fold("Saint-Barthélemy") == fold("SAINT BARTHELEMY") == "saint barthelemy"
    assert fold("Côte d’Ivoire") == "cote d ivoire"
    assert fold("केन्या") != fold("केनया")
    assert fold("Guinea, Bissau") == "guinea | bissau"


def test_cleaning_drops_direction_marks_and_odd_spaces() -> None:
    assert clean("5\u200f/3\u200f/2017\u202fг.") == "5/3/2017 г."


def test_word_runs_are_whole_words() -> None:
    assert word_runs("papua new guinea") == {
        "papua", "new", "guinea", "papua new", "new guinea", "papua new guinea",
    }  # fmt: skip


def test_codes_that_share_a_spelling_anywhere_share_a_split() -> None:
    parts: dict[str, set[Part]] = {}
    for language in LANGUAGES:
        for name in names(language):
            parts.setdefault(fold(name.text), set()).add(part_of(name.code))
    assert all(len(found) == 1 for found in parts.values())


def test_groups_are_small_and_splits_have_their_shares() -> None:
    found = groups()
    sizes = {leader: list(found.values()).count(leader) for leader in set(found.values())}
    assert max(sizes.values()) <= 10
    shares = {part: sum(part_of(code) == part for code in found) / len(found) for part in PARTS}
    assert shares["train"] == pytest.approx(0.6, abs=0.05)
    assert shares["dev"] == pytest.approx(0.1, abs=0.03)
    assert shares["test"] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("part", ["train", "dev"])
def test_a_name_holds_no_name_of_a_later_split(part: Part) -> None:
    forbidden = held_back(part)
    for language in LANGUAGES:
        own = {fold(name.text) for name in names(language)} & forbidden if language in UNSPACED else set()
        for kind, found in lexicon(language, part).items():
            for name in found:
                folded = fold(name.text)
                assert name.kind == kind
                assert not word_runs(folded) & forbidden
                assert not any(len(text) > 1 and text in folded for text in own)


def test_no_spelling_is_in_two_splits() -> None:
    spellings = {
        part: {fold(n.text) for language in LANGUAGES for kind in KINDS for n in lexicon(language, part)[kind]}
        for part in PARTS
    }
    assert not spellings["train"] & spellings["test"]
    assert not spellings["train"] & spellings["dev"]
    assert not spellings["dev"] & spellings["test"]


def test_every_language_has_names_of_every_kind_in_every_split() -> None:
    for language in LANGUAGES:
        for part in PARTS:
            assert all(len(found) >= 8 for found in lexicon(language, part).values()), (language, part)


def test_names_are_in_the_script_of_their_language() -> None:
    for language in LANGUAGES:
        assert all(in_script(name.text, SCRIPTS[language]) for name in names(language))
