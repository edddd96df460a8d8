"""A suite that trains in milliseconds, on which the laws about methods are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.settings import settings_of
from mtlbench.interface.suite import Split, Suite
from mtlbench.interface.suite_values import Score, SuiteContext, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.testing._toy_network import ToyModel

__all__ = ["ToySuite", "small_settings"]

_SIZES: Mapping[str, int] = {"first": 24, "second": 12, "third": 12, "fourth": 6}
_LENGTH = 5


def small_settings(method: type) -> Mapping[str, Any]:
    """Values for a method's settings with which the toy suite's budget has room for several steps."""
    return {"inner_steps": 2} if any(setting.name == "inner_steps" for setting in settings_of(method)) else {}


@dataclass
class ToySuite(Suite):
    """Sentences of five words, the last of them sometimes padding; a task's label is whether its own word occurs."""

    name = "toy"
    label = "Toy"
    embedded = True

    def open(self, context: SuiteContext) -> None:
        import torch

        from mtlbench.testing._toy_network import PADDING, VOCABULARY

        generator = torch.Generator().manual_seed(context.seed)
        self._examples: dict[tuple[str, Split], list[tuple[Tensor, Tensor]]] = {}
        splits: tuple[Split, ...] = ("train", "dev", "test")
        for place, (task, size) in enumerate(_SIZES.items()):
            for split in splits:
                ids = torch.randint(1, VOCABULARY, (size, _LENGTH), generator=generator)
                ids[::3, -1] = PADDING
                labels = (ids == place + 1).any(1).long()
                self._examples[task, split] = list(zip(ids, labels, strict=True))

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=25, batch_size=4, rows=3, lr=0.01, clip=5.0, reduction="mean", evaluations=2)

    def fingerprint(self, context: SuiteContext) -> str:
        return "0" * 64

    def tasks(self) -> Sequence[Task]:
        return [Task(name, size) for name, size in _SIZES.items()]

    def model(self, seed: int) -> nn.Module:
        from mtlbench.testing._toy_network import ToyModel

        return ToyModel(list(_SIZES))

    def examples(self, task: str, split: Split) -> Sequence[tuple[Tensor, Tensor]]:
        return self._examples[task, split]

    def collate(self, examples: Sequence[Any]) -> tuple[Tensor, Tensor]:
        import torch

        ids, labels = zip(*examples, strict=True)
        return torch.stack(ids), torch.stack(labels)

    def tokens(self, batch: tuple[Tensor, Tensor]) -> int:
        return batch[0].numel()

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], task: str) -> Tensor:
        from torch.nn import functional

        ids, labels = batch
        return functional.cross_entropy(model(ids, task), labels)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        ids, labels = self.collate(self.examples(task, split))
        right = (model(ids, task).argmax(1) == labels).double().mean()
        return Score(100.0 * float(right), len(labels))

    def noise_point(self, model: nn.Module) -> nn.Module:
        return cast("ToyModel", model).encoder.words

    def hidden(self, model: nn.Module, batch: tuple[Tensor, Tensor], task: str) -> tuple[Tensor, Tensor]:
        from mtlbench.testing._toy_network import PADDING

        return cast("ToyModel", model).encoder.hidden(batch[0]), batch[0] != PADDING
