"""Probes: measurements of a model that belong to no suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mtlbench.interface.oracle import Batch, Segment, TaskInfo
    from mtlbench.interface.suite import Suite
    from mtlbench.interface.suite_values import SuiteContext

__all__ = ["Probe", "ProbeView"]


class ProbeView(Protocol):
    """A model under measurement: evaluation mode, training clock stopped, nothing counted."""

    @property
    def suite(self) -> Suite: ...

    @property
    def context(self) -> SuiteContext: ...

    @property
    def model(self) -> nn.Module: ...

    @property
    def tasks(self) -> Sequence[TaskInfo]: ...

    @property
    def segments(self) -> Sequence[Segment]: ...

    @property
    def last(self) -> bool:
        """Whether this is the end of training."""

    def batches(self, draw: int) -> list[Batch]:
        """One held-out batch per task; draw ``draw`` is the same for every method of a (suite, seed)."""

    def gram(self, batches: Sequence[Batch]) -> Tensor:
        """(T, T) float64 Gram matrix of the batches' gradients over the shared encoder parameters, dropout off."""

    def generator(self, name: str) -> torch.Generator:
        """A generator that is the same for every method of a (suite, seed)."""


@dataclass
class Probe:
    """A measurement at every evaluation point. A dataclass whose fields are its settings."""

    name: ClassVar[str]
    label: ClassVar[str] = ""
    version: ClassVar[str] = "1"

    def measure(self, view: ProbeView) -> Mapping[str, Any] | None:
        """JSON to store under the probe's name, or None where it does not apply; must not change the model."""
        raise NotImplementedError
