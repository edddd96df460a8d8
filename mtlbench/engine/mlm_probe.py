"""The probe of forgetting: the masked-LM loss that a trained encoder has left, on seen and on unseen languages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mtlbench.interface.errors import require
from mtlbench.interface.hookspecs import hookimpl
from mtlbench.interface.probe import Probe, ProbeView

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface.suite import Suite
    from mtlbench.interface.suite_values import MaskedLM

__all__ = ["MaskedLMProbe"]

_GROUPS = ("seen", "unseen")


class _Masked(NamedTuple):
    """One language's sentences under their one mask: ids to read (N, L), what is asked for (N, L) bool, and the
    truth of that, row by row."""

    ids: Tensor
    chosen: Tensor
    truth: Tensor


@dataclass
class MaskedLMProbe(Probe):
    """Mean cross-entropy of masked tokens per language, then over languages; seen and unseen languages apart.

    phi's encoder stands under the pretrained masked-LM head, whose decoder stays tied to phi's word embeddings. Of
    the tokens that are not special a share is chosen: 8 in 10 are masked, 1 is replaced by a random token, 1 is
    kept. A sentence's mask is the same for all methods, seeds and evaluation points. ``start`` is what phi_0 has
    (drawn with seed 0 where it is not pretrained); ``languages`` comes at the end of training. Only for suites with
    masked-LM texts, and for a model that all tasks share: of many models there is no one loss.
    """

    name = "mlm"
    label = "masked-LM loss"

    share: float = 0.15
    """Share of the tokens to predict, in (0, 1)."""

    def __post_init__(self) -> None:
        require(0 < self.share < 1, f"share must lie in (0, 1), found {self.share}")
        self._suite: Suite | None = None
        self._task: MaskedLM | None = None
        self._masked: dict[str, _Masked] = {}
        self._start: dict[str, Any] = {}

    def measure(self, view: ProbeView) -> Mapping[str, Any] | None:
        if len(view.tasks) < len(view.suite.tasks()):
            return None
        if self._suite is not view.suite:
            self._prepare(view.suite)
        if self._task is None:
            return None
        losses = self._losses(self._task, view.model)
        found = {**_means(self._task, losses), "start": self._start}
        return {**found, "languages": losses} if view.last else found

    def _prepare(self, suite: Suite) -> None:
        import torch

        self._suite, self._task = suite, suite.masked_lm()
        if self._task is None:
            return
        texts = {**self._task.seen, **self._task.unseen}
        self._masked = {language: _mask(ids, self._task, self.share, language) for language, ids in texts.items()}
        with torch.random.fork_rng(devices=[]):  # making a model seeds torch's global generator
            start = suite.model(0).eval()
        self._start = _means(self._task, self._losses(self._task, start))

    def _losses(self, task: MaskedLM, model: nn.Module) -> dict[str, float]:
        """Language to its mean loss, in nats."""
        import torch
        from torch.nn.functional import cross_entropy

        losses = {}
        with torch.no_grad():
            for language, masked in self._masked.items():
                size = task.batch_size
                counts = [int(chosen.sum()) for chosen in torch.split(masked.chosen, size)]
                parts = zip(torch.split(masked.ids, size), torch.split(masked.chosen, size), strict=True)
                truths = torch.split(masked.truth, counts)
                # One part at a time: (chosen, V) logits of a whole language may be gigabytes.
                means = [
                    float(cross_entropy(task.logits(model, ids, chosen), truth)) if len(truth) else 0.0
                    for (ids, chosen), truth in zip(parts, truths, strict=True)
                ]
                losses[language] = means[0] if len(means) == 1 else _weighted(means, counts)
        return losses


def _mask(ids: Tensor, task: MaskedLM, share: float, language: str) -> _Masked:
    """The one mask of a language's sentences; a share of the tokens that are not special, at least one."""
    import zlib

    import torch

    generator = torch.Generator().manual_seed(zlib.crc32(f"masked-lm {language}".encode()))
    special = torch.tensor(sorted({*task.special_ids, task.pad_id}))
    truth = ids.cpu()
    free = ~torch.isin(truth, special)
    draw = torch.rand(truth.shape, generator=generator).masked_fill(~free, 2.0)
    chosen = draw < max(share, float(draw.min()) + 1e-9)
    how = torch.rand(truth.shape, generator=generator)
    noise = torch.randint(task.vocabulary, truth.shape, generator=generator)
    read = torch.where(chosen & (how < 0.8), task.mask_id, truth)
    read = torch.where(chosen & (how >= 0.8) & (how < 0.9), noise, read)
    return _Masked(read.to(ids.device), chosen.to(ids.device), truth[chosen].to(ids.device))


def _weighted(means: Sequence[float], counts: Sequence[int]) -> float:
    return math.fsum(mean * count for mean, count in zip(means, counts, strict=True)) / sum(counts)


def _means(task: MaskedLM, losses: Mapping[str, float]) -> dict[str, Any]:
    """The mean over seen and over unseen languages; None where there are none."""
    groups = {"seen": task.seen, "unseen": task.unseen}
    return {
        name: sum(losses[language] for language in groups[name]) / len(groups[name]) if groups[name] else None
        for name in _GROUPS
    }


@hookimpl
def mtlbench_probes() -> list[type[Probe]]:
    return [MaskedLMProbe]
