"""The digits suite's network: a small convolutional encoder, pretrained on clean digits, and a linear head a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench_tasks.kept import kept, origin

__all__ = ["DigitsEncoder", "DigitsNetwork", "Packed", "pretrained_encoder"]

_PROGRAMS = ("mtlbench_tasks:_digits_data.py", "mtlbench_tasks:_digits_network.py")
"""Where images and encoder come from."""
_STEM = 16
"""Channels at 8 x 8 pixels, where noise may enter: 64 tokens of width 16."""
_FEATURES = 64
"""Channels at 4 x 4 pixels, which are as many numbers as 64 tokens of width 16."""
_DIGITS = 10
_STEPS, _BATCH, _RATE, _MOMENTUM = 600, 16, 0.03, 0.9

_encoders: dict[str, dict[str, Tensor]] = {}
"""What this process has pretrained or read, by name."""


@dataclass(frozen=True)
class Packed(Sequence[Any]):
    """Examples, or a batch of them. images: (n, 1, 8, 8) float32. labels: (n,) int64."""

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Any, labels: Any, device: str = "cpu") -> Packed:
        """From NumPy: images (n, 8, 8) with ink in [0, 1], spread over [-1, 1]."""
        return cls(torch.from_numpy(images)[:, None].to(device) * 2 - 1, torch.from_numpy(labels).to(device))

    @classmethod
    def stack(cls, examples: Iterable[tuple[Tensor, Tensor]]) -> Packed:
        """The inverse of taking examples one by one."""
        images, labels = zip(*examples, strict=True)
        return cls(torch.stack(images), torch.stack(labels))

    def take(self, indices: Sequence[int]) -> Packed:
        rows = torch.tensor(indices, device=self.labels.device)
        return Packed(self.images[rows], self.labels[rows])

    def __getitem__(self, index: Any) -> Any:
        return self.images[index], self.labels[index]

    def __len__(self) -> int:
        return len(self.labels)


class _Stem(nn.Module):
    """The first convolution, with its pixels as tokens: (B, 1, 8, 8) to (B, 64, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, _STEM, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        pixels: Tensor = self.convolution(images)  # (B, 16, 8, 8)
        return pixels.flatten(2).transpose(1, 2)


class _Block(nn.Module):
    """Convolution, GroupNorm (no statistics that would mix tasks), ReLU."""

    def __init__(self, channels: int, wider: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, wider, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(4, wider)

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.norm(self.convolution(features)))


class DigitsEncoder(nn.Module):
    """(B, 1, 8, 8) to features (B, 64, 4, 4); 26 thousand parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Stem()
        self.blocks = nn.Sequential(_Block(_STEM, 16), _Block(16, 32, stride=2), _Block(32, _FEATURES))

    def forward(self, images: Tensor) -> Tensor:
        pixels = self.stem(images).transpose(1, 2).unflatten(2, (8, 8))  # (B, 16, 8, 8)
        features: Tensor = self.blocks(functional.relu(pixels))
        return features


class DigitsNetwork(nn.Module):
    """One encoder and, for every task, a linear head on the mean over its 4 x 4 map."""

    def __init__(self, classes: Mapping[str, int]) -> None:
        super().__init__()
        self.encoder = DigitsEncoder()
        self.heads = nn.ModuleDict({task: nn.Linear(_FEATURES, count) for task, count in classes.items()})

    def forward(self, images: Tensor, task: str) -> Tensor:
        """(B, classes of the task) logits."""
        logits: Tensor = self.heads[task](_pooled(self.encoder(images)))
        return logits

    def hidden(self, images: Tensor) -> Tensor:
        """The last features, put back in the place of the stem's pixels: (B, 64, 16).

        Each cell of the 4 x 4 map holds as many numbers as the four pixels below it.
        """
        return functional.pixel_shuffle(self.encoder(images), 2).flatten(2).transpose(1, 2)


def _pooled(features: Tensor) -> Tensor:
    return features.mean((2, 3))  # (B, 64)


def pretrained_encoder(clean: Packed, seed: int, *, name: str, cache_dir: Path | None = None) -> Mapping[str, Tensor]:
    """An encoder's parameters after 600 steps of classifying clean images into ten digits.

    The same on every call on one CPU type. clean: on the CPU. name: of the images and the seed; what it stands for
    is kept in this process, and in ``cache_dir`` for others that would make the same (``origin``).
    """
    if name not in _encoders:
        path = None
        if cache_dir is not None:
            path = cache_dir / "digits" / f"{name}-{origin(modules=_PROGRAMS)[:32]}.safetensors"
        _encoders[name] = kept(path, lambda: _pretrain(clean, seed))
    return _encoders[name]


def _pretrain(clean: Packed, seed: int) -> dict[str, Tensor]:
    """SGD with momentum, the rate falling linearly to 0; on one thread and with a generator of its own."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over several threads would depend on their number
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed % (1 << 63))
            network = DigitsNetwork({"digit": _DIGITS})
            _descend(network, clean)
    finally:
        torch.set_num_threads(threads)
    return {key: value.detach().clone() for key, value in network.encoder.state_dict().items()}


def _descend(network: DigitsNetwork, clean: Packed) -> None:
    parameters = list(network.parameters())
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    for step in range(_STEPS):
        rows = torch.randint(len(clean), (_BATCH,))
        loss = functional.cross_entropy(network(clean.images[rows], "digit"), clean.labels[rows])
        gradients = torch.autograd.grad(loss, parameters)
        rate = _RATE * (1 - step / _STEPS)
        with torch.no_grad():
            for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
                parameter.sub_(velocity.mul_(_MOMENTUM).add_(gradient), alpha=rate)
