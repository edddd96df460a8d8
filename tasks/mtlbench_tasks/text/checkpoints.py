"""Pretrained encoders by name: a local folder, the Hub or its cache, or a toy made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from mtlbench.interface import BadSetting, MissingData, SuiteContext
from mtlbench_tasks.hub.places import data_root
from mtlbench_tasks.text.tiny import TINY, tiny_bert, tiny_resnet, tiny_tokenizer

__all__ = [
    "encoder_digest",
    "encoder_origin",
    "load_checkpoint",
    "load_masked_lm",
    "open_encoder",
    "open_image_encoder",
    "open_masked_lm",
]


def open_encoder(
    name: str, revision: str | None, context: SuiteContext, texts: Callable[[], Iterable[str]]
) -> tuple[Any, Any]:
    """(model, tokenizer) of a text encoder. texts: what a toy's tokenizer is made from; asked for only then.

    Raises MissingData, as ``load_checkpoint`` does, for a checkpoint that is of another kind.
    """
    if name.startswith(TINY):
        if name != f"{TINY}bert":
            raise BadSetting(f"no text encoder is called {name!r}; there is {TINY}bert")
        tokenizer = tiny_tokenizer(texts())
        return tiny_bert(len(tokenizer)), tokenizer
    model, tokenizer = _hooked(name, revision, context)
    if tokenizer is None or not hasattr(model, "get_input_embeddings"):
        raise MissingData(f"{name!r} is no text encoder: it has no tokenizer")
    config = getattr(model, "config", None)
    if getattr(config, "is_encoder_decoder", False):
        raise MissingData(f"{name!r} is an encoder with a decoder ({type(model).__name__}): choose one without")
    if getattr(config, "hidden_size", None) is None or _input_of(model, "input_ids") != "input_ids":
        raise MissingData(f"{name!r} is no text encoder: {type(model).__name__} gives no hidden states of tokens alone")
    return model, tokenizer


def open_image_encoder(name: str, revision: str | None, context: SuiteContext) -> Any:
    """An image encoder; raises as ``open_encoder`` does."""
    if name.startswith(TINY):
        if name != f"{TINY}resnet":
            raise BadSetting(f"no image encoder is called {name!r}; there is {TINY}resnet")
        return tiny_resnet()
    model, _ = _hooked(name, revision, context)
    config = getattr(model, "config", None)
    taken = _input_of(model, "pixel_values")
    if taken != "pixel_values" or not (hasattr(config, "hidden_sizes") or hasattr(config, "hidden_size")):
        raise MissingData(f"{name!r} is no image encoder: {type(model).__name__} takes {taken}")
    return model


def _input_of(model: Any, default: str) -> str:
    """What a model of transformers is given first."""
    return str(getattr(model, "main_input_name", default))


def open_masked_lm(name: str, revision: str | None, context: SuiteContext) -> Any:
    """A text encoder under its pretrained masked-LM head, or None for one without: a toy, or another kind of head."""
    if name.startswith(TINY):
        return None
    home = _home(name, context)
    if home == name and context.load_masked_lm is not None:
        return context.load_masked_lm(name, revision)
    return load_masked_lm(home, revision)


def _hooked(name: str, revision: str | None, context: SuiteContext) -> tuple[Any, Any]:
    home = _home(name, context)
    found = None
    if home == name and context.load_encoder is not None:
        found = context.load_encoder(name, revision)
    model, tokenizer = found if found is not None else load_checkpoint(home, revision)
    return model, tokenizer


def _home(name: str, context: SuiteContext) -> str:
    """The folder of that name below the data root, if it holds a checkpoint; else the name."""
    root = data_root(context)
    return str(root / name) if root is not None and (root / name / "config.json").is_file() else name


def load_checkpoint(name: str, revision: str | None) -> tuple[Any, Any]:
    """(model, tokenizer or None) with ``transformers``, without code from the checkpoint, weights as safetensors only.

    Raises MissingData, in one line, when it is neither a folder nor on the Hub or in its cache, cannot be read, or has
    weights of other shapes than its config.json says.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    options = {"revision": revision or "main", "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(name, **options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # for what a checkpoint lacks, such as the pooler of one saved with another head
            model, loading = AutoModel.from_pretrained(
                name,
                config=config,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, with the name of one
                **options,
            )
        tokenizer = AutoTokenizer.from_pretrained(name, **options) if hasattr(config, "vocab_size") else None
    except SafetensorError as broken:
        raise MissingData(f"encoder {name!r}: its safetensors cannot be read ({broken}); fetch it again") from None
    except (OSError, ValueError) as missing:
        reason = next((line.strip() for line in str(missing).splitlines() if line.strip()), type(missing).__name__)
        what = (
            "cannot be read from that folder"
            if Path(name).is_dir()
            else "is neither a folder here nor to be had from the Hub or its cache"
        )
        raise MissingData(
            f"encoder {name!r} {what} ({reason}); only weights in safetensors are read; run "
            f"'mtlbench data fetch' with network access, give a local path, or try {TINY}bert or {TINY}resnet"
        ) from None
    _check_weights(name, model, loading)
    return model, tokenizer


def _check_weights(name: str, model: Any, loading: Mapping[str, Any]) -> None:
    """Raise MissingData for weights of other shapes than the model's, and for none of them. loading: transformers'."""
    if loading["mismatched_keys"]:
        key, found, wanted = min(loading["mismatched_keys"])
        raise MissingData(
            f"encoder {name!r}: its weights do not fit its config.json: {key} is {tuple(found)}, not {tuple(wanted)}"
        )
    if set(loading["missing_keys"]) >= {key for key, _ in model.named_parameters()}:
        raise MissingData(f"encoder {name!r}: its weights are not those of a {type(model).__name__}: none has its name")


def load_masked_lm(name: str, revision: str | None) -> Any:
    """The checkpoint as ``AutoModelForMaskedLM``, or None when it is of a kind or was saved without that head."""
    from transformers import AutoModelForMaskedLM

    options = {
        "revision": revision or "main",
        "trust_remote_code": False,
        "use_safetensors": True,
        "ignore_mismatched_sizes": True,
    }
    try:
        with torch.random.fork_rng(devices=[]):  # what a checkpoint lacks is drawn
            model, loading = AutoModelForMaskedLM.from_pretrained(name, output_loading_info=True, **options)
    except (OSError, ValueError):  # no such checkpoint, or a kind that transformers has no masked-LM model of
        return None
    inside = f"{model.base_model_prefix}."
    drawn = [*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])]
    return None if any(not key.startswith(inside) for key in drawn) else model


def encoder_digest(name: str, context: SuiteContext) -> str:
    """What tells checkpoints of one name apart: for a folder its files' content, else nothing."""
    from mtlbench_tasks.hub.digests import files_digest

    folder = Path(_home(name, context))
    if name.startswith(TINY) or not folder.is_dir():
        return ""
    wanted = {".json", ".safetensors", ".txt", ".model"}
    return files_digest(sorted(path for path in folder.iterdir() if path.suffix in wanted))


def encoder_origin(name: str, context: SuiteContext) -> str:
    """The folder of an encoder, if it is one here; else nothing."""
    home = _home(name, context)
    return f"folder {home}" if Path(home).is_dir() else ""
