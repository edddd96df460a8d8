"""RecAdam: Adam that first holds weights near their pretrained values and lets go along a curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mtlbench.interface import Method, hookimpl, require

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.interface import GoldenBench, GoldenCase, GradientOracle, Optimizer, Segment, TrainingProtocol

__all__ = ["RecAdam", "RecallAdam"]

_CHUNK = 1 << 20
"""Numbers updated together: what a step reads and writes of them stays in the last-level cache between its lines."""


@dataclass
class RecAdam(Method):
    """Recall and learn: MTL's gradient, Adam's step times lambda(t), and a pull back to phi_0 times 1 - lambda(t).

    Source: Chen et al. 2020, Algorithm 1 in the order of its code; gamma, k and t0 are the script's defaults. With t
    the optimizer step and lr the scheduled rate:
    phi -= lr lambda (sqrt(1 - beta2^t) / (1 - beta1^t)) m / (sqrt(v) + eps), then phi -= lr (1 - lambda) gamma
    (phi - phi_0), then decoupled weight decay. Parameters without a pretrained value have lambda = 1 and no pull.
    Betas, eps, decay and rate are the protocol's.
    """

    name = "recadam"
    label = "RecAdam"
    paper = "Chen et al., Recall and Learn: Fine-tuning Deep Pretrained Language Models with Less Forgetting, 2020"
    unused_protocol = frozenset({"optimizer"})

    curve: Literal["sigmoid", "linear", "constant"] = "sigmoid"
    """lambda(t): 1 / (1 + exp(-k (t - t0))), min(1, t / t0), or 1 throughout, which is plain Adam."""
    gamma: float = 5000.0
    """Strength of the pull to the pretrained values, not negative; lr gamma must stay below 2 to be stable."""
    k: float = 0.5
    """Steepness of the sigmoid, positive."""
    t0: float = 250.0
    """Optimizer step at which the sigmoid is 1/2 and the linear curve is 1; not negative."""
    correct_bias: bool = True
    """Whether Adam's moments are corrected for starting at 0."""

    def __post_init__(self) -> None:
        require(self.gamma >= 0, f"gamma must not be negative, found {self.gamma}")
        require(self.k > 0, f"k must be positive, found {self.k}: at 0 the sigmoid stays at 1/2 for ever")
        require(self.t0 >= 0, f"t0 must not be negative, found {self.t0}")

    def anneal(self, t: int) -> float:
        """lambda(t), in [0, 1]; steps count from 1."""
        if self.curve == "constant":
            return 1.0
        if self.curve == "linear":
            return min(1.0, t / self.t0) if self.t0 > 0 else 1.0
        x = self.k * (t - self.t0)
        return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))

    def warnings(self, protocol: TrainingProtocol) -> list[str]:
        told = []
        steps = protocol.budget // protocol.rows
        if self.curve != "constant" and 2 * self.t0 >= steps:
            told.append(
                f"recadam: t0 {self.t0:g} is half or more of the about {steps} optimizer steps that a budget of "
                f"{protocol.budget} gradients allows, so most of training holds the start; choose a smaller t0"
            )
        if self.curve != "constant" and protocol.lr * self.gamma >= 2:
            told.append(
                f"recadam: lr {protocol.lr:g} times gamma {self.gamma:g} is 2 or more, where the pull back overshoots "
                "ever further; choose a smaller gamma"
            )
        return told

    def optimizer(self, oracle: GradientOracle) -> Optimizer:
        protocol = oracle.protocol
        return RecallAdam(
            self,
            oracle.segments,
            betas=(protocol.beta1, protocol.beta2),
            eps=protocol.eps,
            weight_decay=protocol.weight_decay,
        )

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench.interface import Segment

        params, inputs = case.params, case.inputs
        curve = params["kind"]
        require(curve in ("sigmoid", "linear", "constant"), f"kind is sigmoid, linear or constant, found {curve!r}")
        read: Mapping[str, Sequence[str]] = {"sigmoid": ("gamma", "k", "t0"), "linear": ("gamma", "t0"), "constant": ()}
        method = cls(curve, correct_bias=params["correct_bias"])
        for name in read[curve]:  # past the constructor: k = 0 is poor training and sound arithmetic
            setattr(method, name, float(params[name]))
        theta = bench.tensor(inputs["theta"], case).clone()
        pretrained = inputs["pretrained"] is not None
        start = bench.tensor(inputs["pretrained"] if pretrained else inputs["theta"], case)
        optimizer = RecallAdam(
            method,
            [Segment("theta", theta, start, None, pretrained)],
            betas=tuple(params["betas"]),
            eps=params["eps"],
            weight_decay=params["weight_decay"],
        )
        steps = []
        for t, gradient in enumerate(inputs["grads"], start=1):
            optimizer.step([bench.tensor(gradient, case)], params["lr"])
            steps.append({"theta": theta.tolist(), "anneal": method.anneal(t) if pretrained else 1.0})
        state = optimizer.state_dict()
        return {"steps": steps, "exp_avg": state["first"][0].tolist(), "exp_avg_sq": state["second"][0].tolist()}


class RecallAdam:
    """The optimizer of ``RecAdam`` over flat segments; implements ``mtlbench.interface.Optimizer``.

    A segment's steps are counted apart, so that a head whose task is not drawn waits with its moments.
    """

    def __init__(
        self,
        settings: RecAdam,
        segments: Sequence[Segment],
        *,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        import torch

        self._settings = settings
        self._segments = list(segments)
        self._betas, self._eps, self._decay = betas, eps, weight_decay
        self._first = [torch.zeros_like(segment.values) for segment in self._segments]
        self._second = [torch.zeros_like(segment.values) for segment in self._segments]
        self._steps = [0] * len(self._segments)

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        for index, gradient in enumerate(gradients):
            if gradient is not None:
                self._steps[index] += 1
                self._step_segment(index, gradient, lr)

    def _step_segment(self, index: int, gradient: Tensor, lr: float) -> None:
        import torch

        segment, t = self._segments[index], self._steps[index]
        anneal = self._settings.anneal(t) if segment.pretrained else 1.0
        first_left = 1.0 - self._betas[0] ** t
        root_left = math.sqrt(1.0 - self._betas[1] ** t)
        # torch's kernel steps by (rate / first_left) m / (sqrt(v) / root_left + eps): the rates and the epsilon that
        # make this lr anneal (root_left / first_left) m / (sqrt(v) + eps), or the same without the correction.
        rate = lr * anneal if self._settings.correct_bias else lr * anneal * first_left / root_left
        count = torch.tensor(float(t), device=segment.values.device)
        for start in range(0, segment.values.numel(), _CHUNK):
            part = slice(start, start + _CHUNK)
            values = segment.values[part]
            torch._fused_adamw_(
                [values],
                [gradient[part]],
                [self._first[index][part]],
                [self._second[index][part]],
                [],
                [count],
                lr=rate,
                beta1=self._betas[0],
                beta2=self._betas[1],
                weight_decay=0.0,
                eps=self._eps / root_left,
                amsgrad=False,
                maximize=False,
            )
            if anneal < 1.0:
                values.lerp_(segment.start[part], lr * (1.0 - anneal) * self._settings.gamma)
            if self._decay > 0:
                values.mul_(1.0 - lr * self._decay)

    def state_dict(self) -> dict[str, Any]:
        return {"first": self._first, "second": self._second, "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for mine, theirs in ((self._first, state["first"]), (self._second, state["second"])):
            for target, source in zip(mine, theirs, strict=True):
                target.copy_(source)
        self._steps = [int(steps) for steps in state["steps"]]


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [RecAdam]
