"""Digits: eight unlike questions about scikit-learn's 1797 images of 8 x 8 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from mtlbench.interface import Split, Suite, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import Recommendation, Score, SuiteContext, Task, TrainingProtocol
    from mtlbench_tasks._digits_network import DigitsNetwork, Packed

__all__ = ["Digits"]


@dataclass
class Digits(Suite):
    """Eight heterogeneous image tasks with few labels, and an encoder pretrained on other images of the same digits.

    The images are cut into parts for pretraining, training, selection (dev) and test; no image lies in two parts,
    whatever the task. Tasks share images within a part. Every task has a linear head of its own.
    """

    name = "digits"
    label = "Digits"
    embedded = True

    vary_data: bool = True
    """Whether the seed also decides which images train, select and test, how they are corrupted, and phi_0; if not,
    all seeds share the data and the encoder of seed 0."""

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(
            budget=1600,
            batch_size=16,
            rows=8,
            reduction="mean",
            clip=1.0,
            lr=3.2e-2,
            schedule="linear",
            warmup=0.1,
        )

    def recommended(self, method: str) -> Recommendation:
        from mtlbench.interface import Recommendation

        return _recommendations().get(method, Recommendation())

    def fingerprint(self, context: SuiteContext) -> str:
        import hashlib

        from mtlbench_tasks._digits_data import RECIPE_VERSION, archive, archive_digest

        return hashlib.sha256(f"digits {RECIPE_VERSION} {archive_digest(archive())}".encode()).hexdigest()

    def open(self, context: SuiteContext) -> None:
        from mtlbench_tasks._digits_data import RECIPES, archive, parts, read_archive, task_examples
        from mtlbench_tasks._digits_network import Packed

        self._seed = context.seed if self.vary_data else 0
        self._encoder_name = f"{self.fingerprint(context)[:16]}-{self._seed}"
        self._cache_dir = context.cache_dir
        images, digits = read_archive(archive())
        rows = parts(digits, self._seed)
        self._clean = Packed.of(images[rows["pretrain"]], digits[rows["pretrain"]])
        self._packed: dict[tuple[str, Split], Packed] = {}
        splits: tuple[Split, ...] = ("train", "dev", "test")
        for task in RECIPES:
            for split in splits:
                found = task_examples(images, digits, rows, task, split, self._seed)
                self._packed[task, split] = Packed.of(found.images, found.labels, context.device)

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task
        from mtlbench_tasks._digits_data import RECIPES

        return [Task(name, recipe.size, label=recipe.label) for name, recipe in RECIPES.items()]

    def model(self, seed: int) -> nn.Module:
        """The pretrained encoder with new heads, which torch's global generator initialises."""
        import torch

        from mtlbench_tasks._digits_data import RECIPES
        from mtlbench_tasks._digits_network import DigitsNetwork, pretrained_encoder

        torch.manual_seed(seed)
        model = DigitsNetwork({task: recipe.classes for task, recipe in RECIPES.items()})
        encoder = pretrained_encoder(self._clean, self._seed, name=self._encoder_name, cache_dir=self._cache_dir)
        model.encoder.load_state_dict(encoder)
        return model

    def examples(self, task: str, split: Split) -> Sequence[Any]:
        return self._packed[task, split]

    def collate(self, examples: Sequence[Any]) -> Packed:
        from mtlbench_tasks._digits_network import Packed

        return Packed.stack(examples)

    def batch(self, task: str, split: Split, indices: Sequence[int]) -> Packed:
        return self._packed[task, split].take(indices)

    def loss(self, model: nn.Module, batch: Packed, task: str) -> Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(cast("DigitsNetwork", model)(batch.images, task), batch.labels)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        """Percent of the split's examples whose most probable class is theirs."""
        from mtlbench.interface import Score

        packed = self._packed[task, split]
        right = cast("DigitsNetwork", model)(packed.images, task).argmax(dim=1) == packed.labels
        return Score(100 * int(right.sum()) / len(packed), len(packed))

    def noise_point(self, model: nn.Module) -> nn.Module:
        """The first convolution, its 64 pixels as tokens of width 16: what comes nearest to word embeddings."""
        return cast("DigitsNetwork", model).encoder.stem

    def hidden(self, model: nn.Module, batch: Packed, task: str) -> tuple[Tensor, Tensor]:
        hidden = cast("DigitsNetwork", model).hidden(batch.images)  # (B, 64, 16)
        return hidden, hidden.new_ones(hidden.shape[:2]).bool()


@cache
def _recommendations() -> Mapping[str, Recommendation]:
    """Per method, from ``digits.toml``; docs/suites.md tells how they were selected."""
    import tomllib
    from importlib import resources

    from mtlbench.interface import Recommendation

    table = tomllib.loads(resources.files(__package__).joinpath("digits.toml").read_text("utf-8"))
    return {method: Recommendation(**found) for method, found in table.items()}


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Digits]
