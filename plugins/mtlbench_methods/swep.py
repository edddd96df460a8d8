"""SWEP: train on copies whose word embeddings are multiplied by learned noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlbench.interface import Method, Suite, hookimpl, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mtlbench.interface import BatchView, GoldenBench, GoldenCase, GradientOracle

__all__ = ["SWEP", "divergence", "noise"]


def noise(mean: Tensor, log_variance: Tensor, eps: Tensor) -> Tensor:
    """z = mean + eps * exp(log_variance / 2), all of one shape; eps ~ N(0, 1)."""
    return mean + eps * (log_variance / 2).exp()


def divergence(mean: Tensor, log_variance: Tensor, prior_variance: float) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(1, prior_variance)) per token, in nats; (..., d) to (...)."""
    ratio = (log_variance.exp() + (mean - 1.0) ** 2) / prior_variance
    return 0.5 * (math.log(prior_variance) - log_variance + ratio - 1.0).sum(-1)


@dataclass
class SWEP(Method):
    """Stochastic word embedding perturbation: loss (L0 + L1) / 2 + b KL, L1 with word embeddings times noise.

    Source: Lee et al. 2021 and its code. A module nu, trained along by the same optimizer, maps the encoder's last
    hidden states on the clean batch (no gradient) to mean and log variance of a Gaussian per token and dimension;
    the KL to the prior N(1, v) is averaged over tokens that are not padding. Evaluation uses the plain encoder.
    Applied to every drawn batch and summed as MTL does. Each batch costs two gradients and a forward pass without.
    """

    name = "swep"
    label = "SWEP"
    paper = "Lee et al., Learning to Perturb Word Embeddings for Out-of-distribution QA, 2021"
    gradients_per_batch = 2

    kl_weight: float = 1.0
    """b, the weight of the divergence from the prior; not negative."""
    prior_dropout: float = 0.1
    """q in the prior's variance v = sqrt(q / (1 - q)), in (0, 1): the encoder's dropout in the source."""
    start_at_prior: bool = False
    """Whether the noise starts as the prior, so that the divergence starts at 0; as published it starts at about two
    nats per dimension and rules the clipped gradient."""

    def __post_init__(self) -> None:
        require(self.kl_weight >= 0, f"kl_weight must not be negative, found {self.kl_weight}")
        require(0 < self.prior_dropout < 1, f"prior_dropout must lie in (0, 1), found {self.prior_dropout}")

    @property
    def prior_variance(self) -> float:
        """v; the source takes the root of the usual q / (1 - q) on purpose."""
        return math.sqrt(self.prior_dropout / (1.0 - self.prior_dropout))

    def unfit(self, suite: Suite) -> str | None:
        if type(suite).noise_point is Suite.noise_point:
            return "it has no word embeddings to perturb (no noise_point)"
        return None

    def start(self, oracle: GradientOracle) -> None:
        self._generator = oracle.generator
        self._noise_model = self._new_noise_model(*oracle.noise_widths())
        oracle.attach("swep-noise", self._noise_model)

    def _new_noise_model(self, hidden: int, width: int) -> nn.Module:
        """nu(h) = Linear(2d)(ReLU(Linear(d)(h))), d = width."""
        from torch import nn

        first = _linear(hidden, width, self._generator)
        last = _linear(width, 2 * width, self._generator)
        if self.start_at_prior:
            nn.init.zeros_(last.weight)
            nn.init.ones_(last.bias[:width])
            nn.init.constant_(last.bias[width:], math.log(self.prior_variance))
        return nn.Sequential(first, nn.ReLU(), last)

    def objective(self, view: BatchView) -> Tensor:
        import torch

        hidden, mask = view.hidden()  # (B, L, hidden width), (B, L)
        mean, log_variance = self._noise_model(hidden).chunk(2, dim=-1)  # (B, L, d) each
        eps = torch.randn(mean.shape, generator=self._generator).to(mean)
        clean = view.loss()
        perturbed = view.loss(scale=noise(mean, log_variance, eps))
        kl = _over_tokens(divergence(mean, log_variance, self.prior_variance), mask)
        return 0.5 * (clean + perturbed) + self.kl_weight * kl

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        mu, log_var, eps, embeddings, mask = (
            bench.tensor(case.inputs[name], case) for name in ("mu", "log_var", "eps", "embeddings", "mask")
        )
        scale = noise(mu, log_var, eps)
        per_token = divergence(mu, log_var, case.inputs["prior_var"])
        return {
            "noise": scale.tolist(),
            "perturbed": (embeddings * scale).tolist(),
            "kl_per_token": per_token.tolist(),
            "kl": float(_over_tokens(per_token, mask)),
        }


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer with torch's default initialisation, drawn from the method's own stream."""
    import torch
    from torch import nn

    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")  # torch's own stream is left alone
    bound = 1.0 / math.sqrt(inputs)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-bound, bound, generator=generator)
    return layer


def _over_tokens(per_token: Tensor, mask: Tensor) -> Tensor:
    """The mean over tokens that are not padding. per_token: (B, L). mask: (B, L), true where a token stands."""
    weights = mask.to(per_token)
    return (per_token * weights).sum() / weights.sum()


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [SWEP]
