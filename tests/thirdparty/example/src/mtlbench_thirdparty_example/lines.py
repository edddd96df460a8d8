"""Lines: three noisy lines through one hidden layer, made up on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mtlbench import Score, Split, Suite, SuiteContext, Task, TrainingProtocol, hookimpl, require

if TYPE_CHECKING:
    from torch import Tensor, nn

SLOPES = {"rising": 1.0, "level": 0.0, "falling": -1.0}
SIZES = {"train": 64, "dev": 32, "test": 32}


@dataclass
class Lines(Suite):
    """Regression of y = slope x + noise, one task a slope; the same data for every seed."""

    name = "lines"
    label = "Three lines"
    embedded: ClassVar[bool] = True

    noise: float = 0.1
    """Standard deviation of the noise on y; not negative."""

    def __post_init__(self) -> None:
        require(self.noise >= 0, f"noise must not be negative, found {self.noise}")

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=120, batch_size=8, rows=3, lr=1e-2, evaluations=2)

    def fingerprint(self, context: SuiteContext) -> str:
        return hashlib.sha256(repr((SLOPES, SIZES)).encode()).hexdigest()

    def open(self, context: SuiteContext) -> None:
        import torch

        generator = torch.Generator().manual_seed(0)
        self._data: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}
        for task, slope in SLOPES.items():
            for split, size in SIZES.items():
                x = torch.randn(size, 1, generator=generator)
                y = slope * x + self.noise * torch.randn(size, 1, generator=generator)
                self._data[task, split] = (x.to(context.device), y.to(context.device))

    def tasks(self) -> Sequence[Task]:
        return [Task(task, SIZES["train"], metric="mse", higher_is_better=False) for task in SLOPES]

    def model(self, seed: int) -> nn.Module:
        from torch import nn

        encoder = nn.Sequential(nn.Linear(1, 8), nn.Tanh())
        return nn.ModuleDict(
            {"encoder": encoder, "heads": nn.ModuleDict({task: nn.Linear(8, 1) for task in SLOPES})}
        ).to(self._data["level", "train"][0].device)

    def examples(self, task: str, split: Split) -> Sequence[Any]:
        return list(zip(*self._data[task, split], strict=True))

    def collate(self, examples: Sequence[Any]) -> tuple[Tensor, Tensor]:
        import torch

        inputs, targets = zip(*examples, strict=True)
        return torch.stack(inputs), torch.stack(targets)  # (B, 1) each

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], task: str) -> Tensor:
        inputs, targets = batch
        predicted: Tensor = model.get_submodule(f"heads.{task}")(self.encoder(model)(inputs))  # (B, 1)
        return (predicted - targets).square().mean()

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        batch = self._data[task, split]
        return Score(float(self.loss(model, batch, task)), len(batch[0]))


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Lines]
