"""Labelled images as arrays of bytes, and an image encoder under a head for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtlbench.interface import BadDataset

if TYPE_CHECKING:
    from mtlbench_tasks.hub import Rows

__all__ = ["ImageBatch", "ImageNetwork", "image_batch", "label_column", "make_images", "width_of"]

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's colours, on which the encoders were pretrained."""
_TOGETHER = 1024
"""Images that are read and decoded together."""


@dataclass(frozen=True)
class ImageBatch:
    """pixels: (B, 3, S, S) float32, normalised; labels: (B,) int64."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.pixels)


def label_column(rows: Rows, wanted: str | None) -> tuple[str, str, tuple[str, ...]]:
    """The image column, the label column and the classes: the first of each kind, or the label that is ``wanted``.

    Raises BadDataset when there is none.
    """
    features = rows.table.features
    images = [name for name, feature in features.items() if type(feature).__name__ == "Image"]
    labels = [name for name, feature in features.items() if getattr(feature, "names", None)]
    if wanted is not None:
        labels = [name for name in labels if name == wanted]
    if not images or not labels:
        lacking = "image column" if not images else f"column of classes{f' called {wanted}' if wanted else ''}"
        raise BadDataset(f"{rows.files[0]}: no {lacking}; found {', '.join(map(str, features))}")
    return images[0], labels[0], tuple(features[labels[0]].names)


def make_images(rows: Rows, image: str, label: str, size: int) -> dict[str, NDArray[Any]]:
    """pixels: (N, 3, S, S) uint8, scaled (bilinear) so that the shorter side is S, cut to the middle; labels: (N,).

    Grey images are given three equal colours; transparent ones lose their transparency. Raises BadDataset, naming
    file and row, for what is no image and for a label that is none of the classes.
    """
    from mtlbench_tasks._pictures import REFUSALS, square

    classes = len(rows.table.features[label].names)
    pixels = np.zeros((len(rows), 3, size, size), dtype=np.uint8)
    labels = rows.column(label)
    for start in range(0, len(rows), _TOGETHER):
        made: dict[str, tuple[list[int], list[bytes]]] = {"L": ([], []), "RGB": ([], [])}
        for row, stored in enumerate(rows.values(image, start, _TOGETHER), start):
            if labels[row] is None or not 0 <= labels[row] < classes:
                raise BadDataset(f"{rows.where(row)}: label {labels[row]} is none of {classes} classes")
            if stored is None or stored["bytes"] is None:
                found = "missing (null)" if stored is None else f"only named ({stored['path']}), its bytes are not here"
                raise BadDataset(f"{rows.where(row)}: the image is {found}")
            try:
                picture = square(stored["bytes"], size)
            except REFUSALS as broken:
                raise BadDataset(f"{rows.where(row)}: no readable image ({broken})") from None
            made[picture.mode][0].append(row)
            made[picture.mode][1].append(picture.tobytes())
        for mode, (places, contents) in made.items():
            squares = np.frombuffer(b"".join(contents), dtype=np.uint8).reshape(len(places), size, size, len(mode))
            pixels[places] = squares.transpose(0, 3, 1, 2)
    return {"pixels": pixels, "labels": np.array(labels, dtype=np.int64)}


def image_batch(
    arrays: Mapping[str, NDArray[Any]], rows: Sequence[int], device: str, *, first_class: int = 0
) -> ImageBatch:
    """The rows as one batch on ``device``. first_class: what the task's classes are counted from."""
    chosen = np.asarray(rows)
    stored = torch.from_numpy(arrays["pixels"][chosen]).to(device)  # (B, 3, S, S); indexing has copied them
    mean, deviation = _colours(device)
    pixels = stored.to(torch.float32)
    labels = torch.from_numpy(arrays["labels"][chosen] - first_class).to(device)
    return ImageBatch(pixels.sub_(mean).div_(deviation), labels)


@cache
def _colours(device: str) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the colours, (3, 1, 1), in the units of bytes."""
    mean, deviation = (torch.tensor(each, device=device)[:, None, None] * 255 for each in (_MEAN, _DEVIATION))
    return mean, deviation


class ImageNetwork(nn.Module):
    """An image encoder under one linear head a task."""

    def __init__(self, encoder: nn.Module, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(dict(heads))

    def forward(self, pixels: Tensor, task: str) -> Tensor:
        """(B, classes) logits of a task."""
        scores: Tensor = self.heads[task](self.encoder(pixel_values=pixels).pooler_output.flatten(1))
        return scores


def width_of(encoder: Any) -> int:
    """How many numbers the encoder makes of an image."""
    config = encoder.config
    return int(config.hidden_sizes[-1] if hasattr(config, "hidden_sizes") else config.hidden_size)
