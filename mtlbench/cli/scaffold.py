"""The files that ``mtlbench new`` writes."""

from __future__ import annotations

from string import Template

__all__ = ["files", "module_name"]


def files(kind: str, name: str) -> dict[str, str]:
    """Path to text of every file of a new distribution. kind: ``method`` or ``suite``."""
    module = module_name(name)
    words = {"kind": kind, "name": name, "module": module, "cls": _class_name(kind, name), "title": _title(name)}
    texts = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        f"src/{module}.py": _METHOD if kind == "method" else _SUITE,
        f"tests/test_{module}.py": _TEST,
    }
    return {path: Template(text).substitute(words) for path, text in texts.items()}


def module_name(name: str) -> str:
    """The module of a new distribution."""
    return f"mtlbench_{name.replace('-', '_')}"


def _class_name(kind: str, name: str) -> str:
    camel = "".join(word.capitalize() for word in name.split("-"))
    return f"{kind.capitalize()}{camel}" if camel[0].isdigit() else camel


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "mtlbench-$name"
version = "0.1.0"
description = "The $kind $name for mtlbench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["mtlbench"]

[project.optional-dependencies]
dev = ["pytest"]

[project.entry-points.mtlbench]
$name = "$module"

[tool.setuptools]
package-dir = {"" = "src"}
py-modules = ["$module"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = ["-p", "mtlbench.testing.pytest_plugin"]
"""

_README = """\
# mtlbench-$name

The $kind `$name` for mtlbench.

    pip install -e '.[dev]'
    mtlbench show $name
    pytest
"""

_METHOD = '''\
"""$title: a method for mtlbench."""

from __future__ import annotations

from dataclasses import dataclass

import mtlbench


@dataclass
class $cls(mtlbench.GradientMethod):
    """Every task pulls equally hard: gradients are scaled to their mean norm before they are added."""

    name = "$name"
    power: float = 1.0
    """How far: 0 leaves the norms as they are, 1 makes them equal."""

    def combine(self, grads: mtlbench.TaskGradients) -> mtlbench.Direction:
        norms = grads.gram().diagonal().sqrt()  # (R,)
        return grads.weighted([float(norms.mean() / norm) ** self.power if norm > 0 else 0.0 for norm in norms])


@mtlbench.hookimpl
def mtlbench_methods() -> list[type[mtlbench.Method]]:
    return [$cls]
'''

_SUITE = '''\
"""$title: a suite for mtlbench."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mtlbench

if TYPE_CHECKING:
    from torch import Tensor, nn

SLOPES = {"rising": 1.0, "level": 0.0, "falling": -1.0}
SIZES = {"train": 64, "dev": 32, "test": 32}


@dataclass
class $cls(mtlbench.Suite):
    """Straight lines with noise, one task a slope, through one hidden layer; the same data for every seed."""

    name = "$name"
    label = "$title"
    embedded = True

    noise: float = 0.1
    """Standard deviation of the noise on y; not negative."""

    def __post_init__(self) -> None:
        mtlbench.require(self.noise >= 0, f"noise must not be negative, found {self.noise}")

    @property
    def protocol(self) -> mtlbench.TrainingProtocol:
        return mtlbench.TrainingProtocol(budget=240, batch_size=8, rows=3, lr=1e-2)

    def fingerprint(self, context: mtlbench.SuiteContext) -> str:
        # Options are part of a cell's key already; this says which data they are applied to.
        return hashlib.sha256(repr((SLOPES, SIZES)).encode()).hexdigest()

    def open(self, context: mtlbench.SuiteContext) -> None:
        import torch

        self._device = context.device
        self._data: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}
        generator = torch.Generator().manual_seed(0)
        for task, slope in SLOPES.items():
            for split, size in SIZES.items():
                x = torch.randn(size, 1, generator=generator)
                y = slope * x + self.noise * torch.randn(size, 1, generator=generator)
                self._data[task, split] = (x.to(self._device), y.to(self._device))

    def tasks(self) -> Sequence[mtlbench.Task]:
        return [mtlbench.Task(task, SIZES["train"], metric="mse", higher_is_better=False) for task in SLOPES]

    def model(self, seed: int) -> nn.Module:
        from torch import nn

        encoder = nn.Sequential(nn.Linear(1, 8), nn.Tanh())
        heads = nn.ModuleDict({task: nn.Linear(8, 1) for task in SLOPES})
        return nn.ModuleDict({"encoder": encoder, "heads": heads}).to(self._device)

    def examples(self, task: str, split: mtlbench.Split) -> Sequence[Any]:
        return list(zip(*self._data[task, split], strict=True))

    def collate(self, examples: Sequence[Any]) -> tuple[Tensor, Tensor]:
        import torch

        inputs, targets = zip(*examples, strict=True)
        return torch.stack(inputs), torch.stack(targets)  # (B, 1) each

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], task: str) -> Tensor:
        inputs, targets = batch
        predicted: Tensor = model.get_submodule(f"heads.{task}")(self.encoder(model)(inputs))  # (B, 1)
        return (predicted - targets).square().mean()

    def score(self, model: nn.Module, task: str, split: mtlbench.Split) -> mtlbench.Score:
        batch = self._data[task, split]
        return mtlbench.Score(float(self.loss(model, batch, task)), len(batch[0]))


@mtlbench.hookimpl
def mtlbench_suites() -> list[type[mtlbench.Suite]]:
    return [$cls]
'''

_TEST = '''\
"""$title keeps the laws of every $kind; ``mtlbench check $name`` tries the same ones."""

import pytest


@pytest.mark.mtlbench("$name")
def test_it_keeps_the_laws(mtlbench_law):
    mtlbench_law.check()
'''
