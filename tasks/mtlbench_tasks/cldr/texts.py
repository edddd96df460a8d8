"""A CLDR suite's tokenised texts in the form in which they are kept between runs, and what they depend on."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from importlib import metadata, resources
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from mtlbench.interface import Split
from mtlbench_tasks.text.packing import Packed
from mtlbench_tasks.text.pseudo_tasks import state_digest

__all__ = ["Texts", "in_one", "origin", "taken_apart"]

_PACKAGES = ("mtlbench_tasks", "mtlbench_tasks.cldr", "mtlbench_tasks.text")
_LIBRARIES = ("babel", "numpy", "scikit-learn", "tokenizers", "torch")
_TOLD = "told"


class Texts(NamedTuple):
    """packed: of each split of each task. told: what scoring needs beside tokens, as JSON."""

    packed: Mapping[tuple[str, Split], Packed]
    told: Mapping[str, Any] = {}


def in_one(texts: Texts) -> dict[str, Tensor]:
    """Tensors by name."""
    tensors = {
        f"{task} {split} {field}": tensor
        for (task, split), packed in texts.packed.items()
        for field, tensor in vars(packed).items()
    }
    return {**tensors, _TOLD: torch.frombuffer(bytearray(json.dumps(texts.told).encode()), dtype=torch.uint8)}


def taken_apart(tensors: Mapping[str, Tensor]) -> Texts:
    """The texts of ``in_one``."""
    fields: dict[tuple[str, Split], dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in tensors.items():
        if name != _TOLD:
            task, split, field = name.split(" ")
            fields[task, cast("Split", split)][field] = tensor
    told = json.loads(tensors[_TOLD].to(torch.uint8).numpy().tobytes())
    return Texts({place: Packed(**found) for place, found in fields.items()}, told)


def origin(tokenizer: Any, encoder: Any) -> str:
    """A digest of all that texts, tokens and clusters are made by: programs, libraries, tokenizer, encoder, CPU type.

    A developer who changes a generator thus never meets texts of the one before.
    """
    parts = [tokenizer.to_str(), state_digest(encoder), torch.backends.cpu.get_cpu_capability()]
    parts += [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    for package in _PACKAGES:
        files = (file for file in resources.files(package).iterdir() if file.name.endswith(".py"))
        parts += [file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
