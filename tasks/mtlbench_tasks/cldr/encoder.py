"""The encoder that ships with mtlbench: a small BERT over 26 languages, and how it is loaded and made again."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from mtlbench.interface import BadSetting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from torch import nn

__all__ = ["ENCODER", "card", "load_encoder", "masked_lm_head", "read_encoder"]

ENCODER: Final = "cldr-mini"
_REVISION: Final = "1"
_SPECIAL: Final = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@hookimpl
def mtlbench_load_encoder(name: str, revision: str | None) -> Any:
    return load_encoder(name, revision)


@hookimpl
def mtlbench_load_masked_lm(name: str) -> Any:
    if name != ENCODER:
        return None
    with _shipped() as folder:
        return read_encoder(folder)[0]


@hookimpl
def mtlbench_pretrain_encoder(
    name: str, out: Path, seed: int | None, report: Callable[[str], None]
) -> Mapping[str, Any] | None:
    if name != ENCODER:
        return None
    from mtlbench_tasks.cldr.pretraining import Recipe, write_encoder

    return write_encoder(Recipe() if seed is None else Recipe(seed=seed), out, report)


def load_encoder(name: str, revision: str | None) -> Any:
    """(BertModel in evaluation mode, without pooler; its fast tokenizer) for ``cldr-mini``, None for other names."""
    if name != ENCODER:
        return None
    if revision not in (None, _REVISION):
        raise BadSetting(f"{ENCODER} comes in revision {_REVISION!r} alone, found {revision!r}")
    with _shipped() as folder:
        model, tokenizer = read_encoder(folder)
    return model.base_model, tokenizer


def masked_lm_head() -> nn.Module:
    """The head that ``cldr-mini`` was pretrained under (transformers' ``cls``)."""
    with _shipped() as folder:
        return cast("nn.Module", read_encoder(folder)[0].cls)


@contextmanager
def _shipped() -> Iterator[Path]:
    """The folder of the shipped encoder."""
    from importlib import resources

    with resources.as_file(resources.files(__package__) / ENCODER) as folder:
        yield folder


def read_encoder(folder: Path) -> Any:
    """(BertForMaskedLM in evaluation mode, its tokenizer) from a folder that ``mtlbench pretrain`` wrote."""
    from safetensors.torch import load_file
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    config = BertConfig.from_json_file(str(folder / "config.json"))
    model = BertForMaskedLM(config)
    weights = {key: value.float() for key, value in load_file(folder / "model.safetensors").items()}
    # Stored once: the decoder's matrix is the word embeddings', and its bias the head's.
    weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"]
    weights["cls.predictions.decoder.bias"] = weights["cls.predictions.bias"]
    model.load_state_dict(weights)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(folder / "tokenizer.json"), model_max_length=config.max_position_embeddings, **_SPECIAL
    )
    model.train(False)
    return model, tokenizer


@cache
def card() -> Mapping[str, Any]:
    """The shipped encoder's model card: recipe, losses, digests, versions."""
    import json
    from importlib import resources

    text = (resources.files(__package__) / ENCODER / "card.json").read_text("utf-8")
    return cast("Mapping[str, Any]", json.loads(text))
