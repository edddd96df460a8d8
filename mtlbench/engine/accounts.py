"""What training costs: counts by the oracle, seconds by phase, and the peak of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from mtlbench.engine.allocator import give_back_freed_pages

__all__ = ["Clock", "Meter", "PeakMemory"]


@dataclass
class Meter:
    """Counts made where the oracle does the work."""

    gradients: int = 0
    """Differentiated passes of one mini-batch of one task: the unit of cost."""
    forwards: int = 0
    """Forward passes with a graph: one a gradient, or one for each of its micro-batches."""
    backwards: int = 0
    """Backward passes."""
    extra_forwards: int = 0
    """Forward passes without a graph, asked for by the method."""
    examples: int = 0
    tokens: int = 0
    optimizer_steps: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    def load(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            setattr(self, name, count)


class Clock:
    """Training seconds by phase; stopped for evaluation, hooks and saving.

    On an accelerator every change of phase waits for the device, so that a phase is charged with its own work.
    """

    PHASES = ("gradients", "combine", "update", "other")

    def __init__(self, device: str = "cpu") -> None:
        self.seconds = dict.fromkeys(self.PHASES, 0.0)
        self._phase: str | None = None
        self._since = 0.0
        self._synchronise = device.startswith("cuda")

    def enter(self, phase: str | None) -> str | None:
        """Charge the time since the last change, go on in ``phase`` (None: stopped), return the last phase."""
        if self._synchronise:
            torch.cuda.synchronize()
        now = time.perf_counter()
        last = self._phase
        if last is not None:
            self.seconds[last] += now - self._since
        self._phase, self._since = phase, now
        return last

    @contextmanager
    def phase(self, name: str | None) -> Iterator[None]:
        """Within the block, time belongs to ``name`` (None: to nobody)."""
        last = self.enter(name)
        try:
            yield
        finally:
            self.enter(last)

    @property
    def total(self) -> float:
        """Training seconds so far, up to the last change of phase."""
        return sum(self.seconds.values())


class PeakMemory:
    """The peak of memory above the start of a cell: the device's where there is one, else resident memory.

    Resident memory is the kernel's own high-water mark, reset at the start after freed pages are given back; without
    such a mark (other systems than Linux) the peak is None. A mark of a few MiB is within the noise of the allocator.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._cuda = device.startswith("cuda")
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
            self._base: int | None = torch.cuda.memory_allocated()
            return
        give_back_freed_pages()  # where they stay in the start value, the peak is a lower bound
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            self._base = None
            return
        self._base = _status_bytes("VmRSS")

    def read(self) -> int | None:
        """Bytes above the start."""
        peak = torch.cuda.max_memory_allocated() if self._cuda else _status_bytes("VmHWM")
        return None if self._base is None or peak is None else max(0, peak - self._base)


def _status_bytes(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return None
