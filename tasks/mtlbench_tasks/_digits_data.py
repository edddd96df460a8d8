"""The digits suite's data: scikit-learn's 1797 images, cut by source image and turned into eight tasks.

All random choices come from NumPy's ``RandomState``, whose streams are frozen: they differ in no release.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from mtlbench.interface import BadDataset, MissingData

__all__ = [
    "RECIPES",
    "RECIPE_VERSION",
    "Examples",
    "Recipe",
    "archive",
    "archive_digest",
    "parts",
    "read_archive",
    "task_examples",
]

Images = NDArray[np.float32]
"""(n, 8, 8), ink in [0, 1] until noise is added."""
Numbers = NDArray[np.int64]
"""(n,)"""

RECIPE_VERSION = 1
"""Raised with every change to the parts, the tasks or pretraining; part of the suite's fingerprint."""

_DIGITS = 10
_PER_DIGIT = {"pretrain": 45, "train": 40, "dev": 40}
"""Images of each digit in a part; what is left, 49 to 58 of each, is the test part."""


@dataclass(frozen=True)
class Examples:
    """Packed examples of one split of one task. sources: (n,), rows of the archive."""

    images: Images
    labels: Numbers
    sources: Numbers


@dataclass(frozen=True)
class Recipe:
    """A task: what is done to an image and what is asked of it.

    make: (images, digits, generator) to changed images and labels. size: N_t, training examples.
    """

    label: str
    size: int
    classes: int
    make: Callable[[Images, Numbers, RandomState], tuple[Images, Numbers]]
    digits: tuple[int, ...] = tuple(range(_DIGITS))


def _low(images: Images, digits: Numbers, _: RandomState) -> tuple[Images, Numbers]:
    """Top and bottom half change places: whole digits would be as good as solved by pretraining."""
    return np.roll(images, 4, axis=1), digits


def _high(images: Images, digits: Numbers, _: RandomState) -> tuple[Images, Numbers]:
    return np.roll(images, 4, axis=1), digits - 5


def _inverted(images: Images, digits: Numbers, _: RandomState) -> tuple[Images, Numbers]:
    return 1 - images, digits


def _turns(images: Images, digits: Numbers, random: RandomState) -> tuple[Images, Numbers]:
    turns = _balanced(len(digits), 4, random)
    turned = np.stack([np.rot90(image, turn) for image, turn in zip(images, turns, strict=True)])
    return turned.astype(np.float32), turns


def _mirrored(images: Images, digits: Numbers, _: RandomState) -> tuple[Images, Numbers]:
    return images[:, :, ::-1], digits % 2


def _transposed(images: Images, digits: Numbers, _: RandomState) -> tuple[Images, Numbers]:
    return images.transpose(0, 2, 1), (digits >= 5).astype(np.int64)


def _occluded(images: Images, digits: Numbers, random: RandomState) -> tuple[Images, Numbers]:
    """A square of 4 x 4 pixels, anywhere, shows no ink."""
    hidden, corners = images.copy(), random.randint(0, 5, size=(len(digits), 2))
    for image, (top, left) in zip(hidden, corners, strict=True):
        image[top : top + 4, left : left + 4] = 0
    return hidden, digits


def _noisy(images: Images, digits: Numbers, random: RandomState) -> tuple[Images, Numbers]:
    noise = random.standard_normal(images.shape) * 0.35
    return (images + noise).astype(np.float32), digits


RECIPES: Mapping[str, Recipe] = {
    "low": Recipe("0 to 4", 20, 5, _low, digits=(0, 1, 2, 3, 4)),
    "high": Recipe("5 to 9", 20, 5, _high, digits=(5, 6, 7, 8, 9)),
    "inverted": Recipe("Inverted", 80, 10, _inverted),
    "turns": Recipe("Quarter turns", 150, 4, _turns),
    "parity": Recipe("Mirrored parity", 40, 2, _mirrored),
    "upper": Recipe("Transposed, 5 up", 60, 2, _transposed),
    "occluded": Recipe("Occluded", 300, 10, _occluded),
    "noisy": Recipe("Noisy", 300, 10, _noisy),
}
"""Eight unlike questions; sizes and corruption are such that no task sits at chance or at its ceiling."""


def archive() -> Path:
    """Where scikit-learn keeps the images; found without importing it. Raises MissingData."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return path
    raise MissingData(
        "the digits suite reads the images inside scikit-learn, which is not here: pip install scikit-learn"
    )


def archive_digest(path: Path) -> str:
    """sha256 of the file's unpacked text: packing may differ between builds of one release."""
    return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()


def read_archive(path: Path) -> tuple[Images, Numbers]:
    """All images and their digits. Raises BadDataset when the table is not 64 pixels of 0 to 16 and a digit."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.int64, ndmin=2)  # (n, 65)
    if table.shape[1] != 65 or table[:, :64].min() < 0 or table[:, :64].max() > 16:
        raise BadDataset(f"{path}: needs 64 pixels from 0 to 16 and a digit a row, found {table.shape[1]} columns")
    return (table[:, :64] / 16).astype(np.float32).reshape(-1, 8, 8), table[:, 64]


def parts(digits: Numbers, seed: int) -> dict[str, Numbers]:
    """Disjoint rows for ``pretrain``, ``train``, ``dev`` and ``test``, with equal shares of each digit."""
    random = _random(seed, "parts")
    cut: dict[str, list[Numbers]] = {name: [] for name in (*_PER_DIGIT, "test")}
    for digit in range(_DIGITS):
        rows, start = random.permutation(np.flatnonzero(digits == digit)), 0
        for name, count in _PER_DIGIT.items():
            cut[name].append(rows[start : start + count])
            start += count
        cut["test"].append(rows[start:])
    return {name: np.sort(np.concatenate(rows)) for name, rows in cut.items()}


def task_examples(
    images: Images, digits: Numbers, rows: Mapping[str, Numbers], task: str, split: str, seed: int
) -> Examples:
    """One split of one task: ``size`` training examples, digits in turn, or all that dev and test have."""
    recipe, random = RECIPES[task], _random(seed, f"{task}/{split}")
    chosen = rows[split][np.isin(digits[rows[split]], recipe.digits)]
    if split == "train":
        chosen = _digits_in_turn(chosen, digits, recipe, random)
    changed, labels = recipe.make(images[chosen], digits[chosen], random)
    return Examples(np.ascontiguousarray(changed), labels, chosen)


def _digits_in_turn(rows: Numbers, digits: Numbers, recipe: Recipe, random: RandomState) -> Numbers:
    """``recipe.size`` of the rows, numbers of digits differing by at most one."""
    queues = [random.permutation(rows[digits[rows] == digit]) for digit in recipe.digits]
    order = random.permutation(len(queues))
    return np.array([queues[order[n % len(queues)]][n // len(queues)] for n in range(recipe.size)])


def _balanced(count: int, classes: int, random: RandomState) -> Numbers:
    """(count,) labels in random order, numbers of classes differing by at most one."""
    return random.permutation(np.arange(count) % classes).astype(np.int64)


def _random(seed: int, stream: str) -> RandomState:
    """A generator of its own for every purpose, so that a change to one task leaves the others alone."""
    words = [seed >> shift & 0xFFFFFFFF for shift in range(0, max(seed.bit_length(), 1), 32)]
    return RandomState([*words, zlib.crc32(stream.encode())])
