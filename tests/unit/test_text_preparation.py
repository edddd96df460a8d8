"""From rows of text to token ids: windows of passages, pieces of words, pairs, and what is kept on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlbench.interface import BadDataset, BadSetting
from mtlbench_tasks.text.answers import best_answers, best_spans
from mtlbench_tasks.text.batches import by_length, token_batch
from mtlbench_tasks.text.holding_out import hold_out
from mtlbench_tasks.text.packing import IGNORED
from mtlbench_tasks.text.pairs import LabelledTexts, make_texts
from mtlbench_tasks.text.pieces import frame_of, tokenizer_digest
from mtlbench_tasks.text.store import Ragged, stored
from mtlbench_tasks.text.tiny import tiny_bert, tiny_tokenizer
from mtlbench_tasks.text.windows import Windows, answer_tokens, make_windows
from mtlbench_tasks.text.words import TaggedPieces, make_pieces, tags_by_sentence

PASSAGE = "zero one two three four five six seven eight nine"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer([PASSAGE, "which number is it ?", "北京市 in Beijing"], size=200)


def span(text: str, passage: str = PASSAGE) -> tuple[int, int]:
    return passage.index(text), passage.index(text) + len(text)


def windows(tokenizer: Any, passage: str, answer: tuple[int, int] | None, **limits: int) -> Windows:
    settings = {"max_length": 10, "stride": 3, "max_question": 2, **limits}
    return Windows.of(make_windows(tokenizer, ["which number is it"], [passage], [answer], **settings))


def test_a_passage_is_cut_into_overlapping_windows(tokenizer: Any) -> None:
    # 10 tokens less 2 of question and 3 special ones leave 5 for the passage; windows begin 3 apart.
    found = windows(tokenizer, PASSAGE, span("six"))
    texts = [tokenizer.decode(found.ids[row]) for row in range(len(found))]
    assert texts == [
        "[CLS] which number [SEP] zero one two three four [SEP]",
        "[CLS] which number [SEP] three four five six seven [SEP]",
        "[CLS] which number [SEP] six seven eight nine [SEP]",
    ]
    assert found.types[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert found.passage_from.tolist() == [0, 3, 6]
    assert found.passage_held.tolist() == [5, 5, 4]
    assert found.passage_at.tolist() == [4, 4, 4]


def test_a_window_without_the_whole_answer_points_at_the_classification_token(tokenizer: Any) -> None:
    assert windows(tokenizer, PASSAGE, span("six")).answer.tolist() == [[0, 0], [7, 7], [4, 4]]
    assert windows(tokenizer, PASSAGE, span("four five")).answer.tolist() == [[0, 0], [5, 6], [0, 0]]
    assert windows(tokenizer, PASSAGE, None).answer.tolist() == [[0, 0]] * 3


def test_windows_leave_no_gap_when_the_stride_is_longer_than_what_one_holds(tokenizer: Any) -> None:
    assert windows(tokenizer, PASSAGE, None, stride=100).passage_from.tolist() == [0, 5]


@pytest.mark.parametrize("passage", ["", "   "])
def test_an_empty_passage_has_one_window_and_no_answer(tokenizer: Any, passage: str) -> None:
    found = windows(tokenizer, passage, None)
    assert found.passage_held.tolist() == [0]
    scores = np.zeros((1, len(found.ids[0])))
    assert best_answers(found, [passage], *best_spans(scores, scores, scores > 0, 5)) == [""]


def test_no_room_for_a_passage_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(BadSetting, match="max_length 8 leaves no room for a passage beside 5 tokens"):
        windows(tokenizer, PASSAGE, None, max_length=8, max_question=5)


def test_an_answer_inside_a_token_takes_the_whole_token() -> None:
    offsets = np.array([[0, 4], [5, 8], [9, 12]])
    assert answer_tokens(offsets, (6, 7)) == (1, 1)
    assert answer_tokens(offsets, (3, 9)) == (0, 1)
    assert answer_tokens(offsets, (4, 5)) is None


def test_the_best_span_over_windows_becomes_text_of_the_passage(tokenizer: Any) -> None:
    passage = "  zero one,two   three four five six seven eight nine"
    found = windows(tokenizer, passage, None)
    length = int(found.ids.lengths.max())
    start, end = np.zeros((len(found), length)), np.zeros((len(found), length))
    places = np.arange(length)
    held = (places >= found.passage_at[:, None]) & (places < (found.passage_at + found.passage_held)[:, None])
    start[0, 4 + 1] = end[0, 4 + 4] = 3.0  # "one,two   three"
    start[1, 0] = end[1, 0] = 99.0  # not in the passage
    assert best_answers(found, [passage], *best_spans(start, end, held, 30)) == ["one,two   three"]
    start[1, 5] = end[1, 5] = 4.0
    assert len(best_answers(found, [passage], *best_spans(start, end, held, 30))[0].split()) == 1


def test_spans_are_ordered_and_no_longer_than_allowed() -> None:
    start, end = np.array([[0.0, 0.0, 5.0, 0.0]]), np.array([[5.0, 0.0, 0.0, 4.0]])
    allowed = np.ones((1, 4), dtype=bool)
    assert [int(found[0]) for found in best_spans(start, end, allowed, 4)] == [9, 2, 3]
    assert [int(found[0]) for found in best_spans(start, end, allowed, 1)] == [5, 0, 0]
    assert best_spans(start, end, ~allowed, 4)[0][0] == -np.inf


def test_best_spans_are_those_of_a_search_through_all() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(20, 12)), rng.normal(size=(20, 12))
    allowed = rng.random((20, 12)) < 0.7
    score, first, last = best_spans(start, end, allowed, 4)
    for row in range(20):
        spans = [
            (start[row, a] + end[row, b], a, b)
            for a in range(12)
            for b in range(a, min(12, a + 4))
            if allowed[row, a] and allowed[row, b]
        ]
        best = max(spans, default=(-np.inf, 0, 0))
        assert score[row] == best[0]
        assert not spans or (first[row], last[row]) == best[1:]


def test_the_first_piece_of_a_word_carries_its_tag(tokenizer: Any) -> None:
    words = ["北京市", "is", "zeroone"]
    found = TaggedPieces.of(make_pieces(tokenizer, [words], [[1, 0, 2]], max_length=40))
    tagged = {int(word): int(label) for word, label in zip(found.words[0], found.labels[0], strict=True) if word >= 0}
    assert tagged == {0: 1, 1: 0, 2: 2}
    assert (found.labels[0] != IGNORED).sum() == 3
    assert found.labels[0][0] == found.labels[0][-1] == IGNORED
    assert len(found.ids[0]) > len(words) + 2  # some words have several pieces


def test_a_long_sentence_is_cut_between_words_and_every_word_is_seen(tokenizer: Any) -> None:
    words = PASSAGE.split()
    tags = list(range(10))
    found = TaggedPieces.of(make_pieces(tokenizer, [words, [], ["one"]], [tags, [], [5]], max_length=6))
    assert found.sentence.tolist() == [0, 0, 0, 2]
    assert found.ids.lengths.max() == 6
    back = tags_by_sentence(found, [found.labels[row] for row in range(len(found))], [10, 0, 1], 0)
    assert [row.tolist() for row in back] == [tags, [], [5]]


def test_a_word_longer_than_an_input_is_cut_and_a_blank_one_counts_as_outside(tokenizer: Any) -> None:
    words = ["eight" * 10, "\u200b \t", "one"]
    found = TaggedPieces.of(make_pieces(tokenizer, [words], [[3, 4, 5]], max_length=6))
    predicted = [np.full(len(found.ids[row]), 7) for row in range(len(found))]
    (back,) = tags_by_sentence(found, predicted, [3], 0)
    assert back[0] == back[2] == 7
    assert found.ids.lengths.max() <= 6


def test_a_sentence_of_words_without_pieces_is_left_out(tokenizer: Any) -> None:
    alone = TaggedPieces.of(make_pieces(tokenizer, [["\u200b", " "]], [[1, 0]], max_length=6))
    assert len(alone) == 0
    assert [row.tolist() for row in tags_by_sentence(alone, [], [2], 0)] == [[0, 0]]
    among = TaggedPieces.of(make_pieces(tokenizer, [["\u200b"], ["one"]], [[1], [2]], max_length=6))
    assert among.sentence.tolist() == [1]


@pytest.mark.parametrize(
    ("first", "second", "kept"), [(2, 3, (2, 3)), (9, 2, (5, 2)), (2, 9, (2, 5)), (9, 9, (4, 3)), (8, 3, (4, 3))]
)
def test_of_a_pair_that_is_too_long_the_longer_text_is_cut(
    tokenizer: Any, first: int, second: int, kept: tuple[int, int]
) -> None:
    texts = [" ".join(["one"] * first)], [" ".join(["two"] * second)]
    found = LabelledTexts.of(make_texts(tokenizer, *texts, [1], max_length=10))
    words = tokenizer.decode(found.ids[0]).split()
    assert (words.count("one"), words.count("two")) == kept
    assert found.types[0].sum() == kept[1] + 1


def test_single_sentences_are_framed_without_a_second_part(tokenizer: Any) -> None:
    found = LabelledTexts.of(make_texts(tokenizer, ["one two", ""], None, [0.5, 2.0], max_length=10))
    assert [tokenizer.decode(found.ids[row]) for row in (0, 1)] == ["[CLS] one two [SEP]", "[CLS] [SEP]"]
    assert found.labels.dtype == np.float32
    assert frame_of(tokenizer, pair=False).specials == 2


def test_batches_are_as_wide_as_their_longest_row(tokenizer: Any) -> None:
    found = LabelledTexts.of(make_texts(tokenizer, ["one", "one two three", ""], None, [0, 1, 2], max_length=10))
    batch = token_batch(found.ids, found.types, [2, 0], {"label": found.labels[[2, 0]]}, 0, "cpu")
    assert batch.ids.shape == (2, 3)
    assert batch.mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.targets["label"].tolist() == [2, 0]


def test_rows_of_like_length_are_looked_at_together_and_all_of_them_once() -> None:
    lengths = np.array([3, 9, 1, 9, 4])
    groups = list(by_length(lengths, 18))
    assert groups == [[1, 3], [4, 0, 2]]
    assert sorted(row for group in by_length(lengths, 1) for row in group) == list(range(5))


def test_arrays_are_made_once_and_mapped(tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"a": np.arange(3), "none": np.zeros(0, np.int32)}

    for _ in range(2):
        found = stored(tmp_path / "home", "d" * 32, make)
        assert found["a"].tolist() == [0, 1, 2]
        assert len(found["none"]) == 0
    assert len(made) == 1
    assert isinstance(found["a"].base, np.memmap)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["d" * 32]


def test_ragged_rows_come_back(tmp_path: Path) -> None:
    rows = Ragged.of([[1, 2], [], [3]], np.int32)
    assert [rows[row].tolist() for row in range(3)] == [[1, 2], [], [3]]
    assert rows.padded([2, 0], -1).tolist() == [[3, -1], [1, 2]]
    assert len(Ragged.of([], np.int32)) == 0


def test_rows_are_held_out_by_their_names_alone() -> None:
    names = [f"row {number}" for number in range(200)]
    kept, held = hold_out(names, 0.05, "x")
    assert len(held) == 10
    assert sorted(kept + held) == list(range(200))
    turned = names[::-1]
    assert {turned[row] for row in hold_out(turned, 0.05, "x")[1]} == {names[row] for row in held}
    assert len(hold_out(names * 100, 0.05, "x")[1]) == 500
    assert len(hold_out(["a", "b"], 0.9, "x")[1]) == 1
    with pytest.raises(BadDataset, match="x: 1 training rows are too few"):
        hold_out(["a"], 0.5, "x")


def test_a_toy_tokenizer_and_encoder_are_the_same_every_time() -> None:
    texts = ["b a a b", "c ab abc", "été"]
    digests = {tokenizer_digest(tiny_tokenizer(each, size=60)) for each in (texts, texts[::-1])}
    assert len(digests) == 1
    one, other = tiny_bert(50).state_dict(), tiny_bert(50).state_dict()
    assert all(bool((one[name] == other[name]).all()) for name in one)


def test_a_toy_tokenizer_knows_where_in_the_text_a_piece_stands(tokenizer: Any) -> None:
    encoded = tokenizer("北京市 nine", return_offsets_mapping=True, add_special_tokens=False)
    assert encoded["offset_mapping"] == [(0, 1), (1, 2), (2, 3), (4, 8)]
