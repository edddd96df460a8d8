"""Entity F1: seqeval's and the fast one, on sequences worked out by hand and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench.interface import BadDataset
from mtlbench_tasks.metrics import EntityScores, entity_scores, span_scores

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def fast(predicted: list[list[str]], gold: list[list[str]]) -> EntityScores:
    flat = [np.array([TAGS.index(tag) for tags in side for tag in tags], dtype=np.int64) for side in (predicted, gold)]
    return span_scores(*flat, [len(tags) for tags in gold], TAGS)


def both(predicted: list[list[str]], gold: list[list[str]]) -> EntityScores:
    named = [{str(at): tags for at, tags in enumerate(side)} for side in (predicted, gold)]
    scores = entity_scores(*named)
    assert vars(fast(predicted, gold)) == pytest.approx(vars(scores))
    return scores


def test_an_entity_needs_type_and_both_ends_right() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG"]]
    found = [["B-PER", "I-PER", "O", "B-ORG"], ["B-ORG"]]
    scores = both(found, gold)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((200 / 3, 200 / 3, 200 / 3))
    assert scores.entities == 3


def test_a_shorter_span_is_wrong_and_counts_on_both_sides() -> None:
    scores = both([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]])
    assert (scores.precision, scores.recall) == (50, 50)


def test_an_inside_tag_without_a_begin_starts_an_entity() -> None:
    assert both([["O", "I-PER", "I-PER"]], [["O", "B-PER", "I-PER"]]).f1 == 100


def test_an_inside_tag_of_another_type_starts_another_entity() -> None:
    assert both([["B-PER", "I-LOC"]], [["B-PER", "B-LOC"]]).f1 == 100


def test_a_second_begin_starts_another_entity_of_the_same_type() -> None:
    scores = both([["B-PER", "B-PER"]], [["B-PER", "I-PER"]])
    assert (scores.precision, scores.recall, scores.f1) == (0, 0, 0)


def test_entities_end_with_their_sentence() -> None:
    assert both([["B-PER"], ["I-PER"]], [["B-PER"], ["B-PER"]]).f1 == 100


@pytest.mark.parametrize("gold", [[["O", "O"]], [["B-PER", "O"]]], ids=["nothing to find", "nothing found"])
def test_where_nothing_can_be_divided_the_score_is_zero(gold: list[list[str]]) -> None:
    assert both([["O", "O"]], gold).f1 == 0


def test_a_found_entity_where_there_is_none_scores_zero() -> None:
    scores = both([["B-PER", "O"]], [["O", "O"]])
    assert (scores.precision, scores.recall, scores.f1, scores.entities) == (0, 0, 0, 0)


def test_a_sentence_without_prediction_counts_as_untagged() -> None:
    scores = entity_scores({"a": ["B-PER"]}, {"a": ["B-PER"], "b": ["B-PER"]})
    assert (scores.precision, scores.recall) == (100, 50)


def test_unequal_lengths_name_the_sentence() -> None:
    with pytest.raises(BadDataset, match="'b' has 1 predicted tags for 2 tokens"):
        entity_scores({"b": ["O"]}, {"b": ["O", "O"]})
    with pytest.raises(BadDataset, match="3 predicted and 2 gold tags for 2 tokens"):
        span_scores(np.zeros(3, int), np.zeros(2, int), [2], TAGS)


def test_other_tags_are_refused_by_the_fast_score() -> None:
    with pytest.raises(BadDataset, match="'S-PER' is neither"):
        span_scores(np.zeros(1, int), np.zeros(1, int), [1], ("O", "S-PER"))


def test_no_sentences_is_an_error() -> None:
    with pytest.raises(BadDataset, match="no sentences"):
        entity_scores({}, {})


sentences = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), max_size=6), min_size=1, max_size=5
)


@settings(max_examples=300, deadline=None)
@given(sentences)
def test_the_fast_score_is_seqevals_on_any_bio_sequences(pairs: list[list[tuple[str, str]]]) -> None:
    both([[found for found, _ in tags] for tags in pairs], [[gold for _, gold in tags] for tags in pairs])


@pytest.mark.parametrize("tags", ["O", [1]])
def test_tags_that_are_no_texts_are_refused_in_one_line(tags: Any) -> None:
    with pytest.raises(BadDataset, match="the tags of sentence 'a' must be a list of texts"):
        entity_scores({"a": ["O"]}, {"a": tags})
    with pytest.raises(BadDataset, match="the tags of sentence 'a' must be a list of texts"):
        entity_scores({"a": tags}, {"a": ["O"]})
