"""Encoders of random weights and toy size, made on the spot: to try a suite without any download."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch

__all__ = ["TINY", "tiny_bert", "tiny_resnet", "tiny_tokenizer"]

TINY = "tiny-random:"
"""How the names of these encoders begin: ``tiny-random:bert``, ``tiny-random:resnet``."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORD = re.compile(r"\w+|[^\w\s]")


def tiny_tokenizer(texts: Iterable[str], size: int = 4096) -> Any:
    """A WordPiece tokenizer of the texts' own characters and frequent words, the same for the same texts.

    Counting words is enough for a toy, and unlike a trainer's merges its ties are ordered. size: pieces at most; all
    characters are kept (as beginning and as continuation) up to a half of it.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words: Counter[str] = Counter()
    for text in texts:
        words.update(_WORD.findall(text))
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    alphabet = _frequent(characters, size // 4)
    pieces = [*_SPECIAL, *alphabet, *(f"##{character}" for character in alphabet)]
    known = set(pieces)
    for word in _frequent(words, size):
        if len(pieces) >= size:
            break
        if word not in known:
            pieces.append(word)
            known.add(word)
    ids = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=500))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False, handle_chinese_chars=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), _SPECIAL, strict=True))
    wrapper: Any = PreTrainedTokenizerFast
    return wrapper(
        tokenizer_object=tokenizer,
        model_max_length=512,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    )


def tiny_bert(vocabulary: int) -> Any:
    """Two layers of width 64, the same weights every time."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=vocabulary, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return BertModel(config)


def tiny_resnet() -> Any:
    """Two stages of one block each, the same weights every time."""
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNetModel(config)


def _frequent(counts: Counter[str], size: int) -> list[str]:
    """The most frequent keys; of equally frequent ones, those that sort first."""
    return sorted(counts, key=lambda key: (-counts[key], key))[:size]
