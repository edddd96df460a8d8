"""A CLDR suite's tokenised texts in the form in which they are kept between runs, and what they depend on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from mtlbench.interface import Split
from mtlbench_tasks.kept import origin
from mtlbench_tasks.text.packing import Packed
from mtlbench_tasks.text.pseudo_tasks import state_digest

__all__ = ["Texts", "in_one", "made_by", "taken_apart"]

_PACKAGES = ("mtlbench_tasks", "mtlbench_tasks.cldr", "mtlbench_tasks.text")
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
    told = json.loads(tensors[_TOLD].numpy().tobytes())
    return Texts({place: Packed(**found) for place, found in fields.items()}, told)


def made_by(tokenizer: Any, encoder: Any) -> str:
    """A digest of all that texts, tokens and clusters are made by."""
    return origin(tokenizer.to_str(), state_digest(encoder), modules=_PACKAGES)
