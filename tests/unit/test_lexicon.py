"""Words tokenised once: the same ids as the tokenizer's own, for every kind of tokenizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import mtlbench_tasks.text.lexicon as lexicon
from mtlbench_tasks.cldr.encoder import load_encoder
from mtlbench_tasks.text.framing import Filled, Stretches, side_by_side
from mtlbench_tasks.text.lexicon import Lexicon
from mtlbench_tasks.text.tiny import tiny_tokenizer

UNKNOWN = "[UNK]"
SEEN = "ein Wort, and 12 others: don't naïve Ärger 北京市 ạ́b x\u00a0y"
ODD = [
    "",
    " ",
    "  a  b ",
    "\u0301b a\u0301 \u0301",
    "[SEP]a [MASK] [SEP",
    "\t a\nb\x1cc\u2028d",
    "´´ ¨a",
    "\ufffd\u200b",
    "Σας ΟΔΟΣ",
]


def wrapped(tokenizer: Tokenizer, *added: Any) -> Any:
    tokenizer.add_special_tokens(["[SEP]", "[MASK]"])
    tokenizer.add_tokens(list(added))
    wrapper: Any = PreTrainedTokenizerFast
    return wrapper(tokenizer_object=tokenizer)


def word_pieces(normalizer: Any, pre_tokenizer: Any, *added: Any) -> Any:
    pieces = [UNKNOWN, *sorted(set(SEEN)), *(f"##{each}" for each in sorted(set(SEEN))), "Wort", "ein", "##er"]
    made = Tokenizer(models.WordPiece({each: place for place, each in enumerate(pieces)}, unk_token=UNKNOWN))
    made.normalizer, made.pre_tokenizer = normalizer, pre_tokenizer
    return wrapped(made, *added)


def by_pairs(pre_tokenizer: Any) -> Any:
    characters = {each: place for place, each in enumerate([UNKNOWN, "▁", *sorted(set(SEEN) - {"▁"})])}
    made = Tokenizer(models.BPE(characters, [], unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizer
    return wrapped(made)


BERT = pre_tokenizers.BertPreTokenizer()
PARTED = {
    "tiny": lambda: tiny_tokenizer([SEEN]),
    "cldr-mini": lambda: load_encoder("cldr-mini", None)[1],
    "uncased": lambda: word_pieces(normalizers.BertNormalizer(lowercase=True, strip_accents=True), BERT),
    "composed": lambda: word_pieces(normalizers.Sequence([normalizers.NFKD(), normalizers.NFKC()]), BERT),
    "no normalizer": lambda: word_pieces(None, pre_tokenizers.WhitespaceSplit()),
    "added": lambda: word_pieces(
        normalizers.Lowercase(), BERT, AddedToken("Wort", single_word=True), AddedToken("er", lstrip=True, rstrip=True)
    ),
}
OTHERS = {
    "marked words": lambda: by_pairs(pre_tokenizers.Metaspace()),
    "bytes": lambda: by_pairs(pre_tokenizers.ByteLevel()),
    "an added token with a space": lambda: word_pieces(None, BERT, AddedToken("ein Wort")),
    "marked after splitting": lambda: word_pieces(
        None, pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    ),
}
_made: dict[str, Any] = {}


def tokenizer_of(name: str) -> Any:
    if name not in _made:
        _made[name] = {**PARTED, **OTHERS}[name]()
    return _made[name]


def own(tokenizer: Any, text: Any, words: bool = False) -> Any:
    return tokenizer.backend_tokenizer.encode(text, is_pretokenized=words, add_special_tokens=False)


@pytest.mark.parametrize("name", [*PARTED, *OTHERS])
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from(sorted({*SEEN, *"".join(ODD)})), max_size=30), max_size=5))
def test_its_ids_are_the_tokenizers_own(name: str, texts: list[str]) -> None:
    tokenizer = tokenizer_of(name)
    known = Lexicon(tokenizer)
    for each in ([*texts, SEEN, *ODD], texts):  # the second time all words are known
        found = known.texts(each)
        assert len(found) == len(each)
        assert [found[row].tolist() for row in range(len(each))] == [own(tokenizer, text).ids for text in each]
    sentences = [text.split(" ") for text in texts]
    found, counts = known.sentences(sentences)
    wanted = [own(tokenizer, words, words=True) for words in sentences]
    assert [found[row].tolist() for row in range(len(sentences))] == [each.ids for each in wanted]
    by_word = [
        each.word_ids.count(word) for each, words in zip(wanted, sentences, strict=True) for word in range(len(words))
    ]
    assert counts.tolist() == by_word


@pytest.mark.parametrize("name", [*PARTED, *OTHERS])
def test_only_tokenizers_that_part_words_by_spaces_are_asked_by_words(name: str) -> None:
    assert Lexicon(tokenizer_of(name))._is_parted == (name in PARTED)


def test_a_word_is_tokenised_once_until_too_many_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    given_words = lexicon.tokenized

    def told(tokenizer: Any, texts: Any, **how: bool) -> Any:
        asked.extend(word for words in texts for word in words)
        return given_words(tokenizer, texts, **how)

    monkeypatch.setattr(lexicon, "tokenized", told)
    monkeypatch.setattr(lexicon, "_MOST", 3)
    known = Lexicon(tokenizer_of("tiny"))
    for text in ("and others and", "others ein", "and ein Wort,", "ein x"):
        known.texts([text])
    assert [sorted(asked[:2]), asked[2], asked[3]] == [["and", "others"], "ein", "Wort,"]
    assert sorted(asked[4:]) == ["ein", "x"]  # four were too many


def test_rows_are_put_together_from_their_segments() -> None:
    flat = np.array([5, 6, 7, 8])
    text = Stretches(flat, np.array([0, 3, 2]), np.array([2, 0, 1]))
    found = side_by_side(3, [(1,), text, (2, 3), Filled(9, np.array([0, 2, 0])), ()], np.int16)
    assert [found[row].tolist() for row in range(3)] == [[1, 5, 6, 2, 3], [1, 2, 3, 9, 9], [1, 7, 2, 3]]
    assert found.flat.dtype == np.int16
    assert len(side_by_side(0, [(1,)], np.int8)) == 0
