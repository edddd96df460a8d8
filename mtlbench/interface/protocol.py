"""The training protocol: everything about a cell's training that is neither the method's nor the data's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from mtlbench.interface.errors import require

__all__ = ["TrainingProtocol"]


@dataclass(frozen=True)
class TrainingProtocol:
    """How every method trains on a suite, so that only the method differs.

    A suite gives its protocol, with values of its own for single methods if it has tuned them
    (``Suite.recommended``); a study or the command line may override any field for one method:
    ``-m 'mtl[rows=1,lr=1e-3]'``. All fields are part of a cell's key.
    """

    budget: int = 1600
    """Gradients that a cell may spend: one is one differentiated pass of one mini-batch of one task."""
    batch_size: int = 16
    """Examples in a batch."""
    rows: int = 8
    """Tasks in a joint step, R = min(rows, T); the paper draws eight."""
    draws: Literal["distinct", "independent"] = "distinct"
    """Whether the tasks of a joint step differ (drawn without replacement by p_t) or may repeat."""
    q: float = 0.2
    """Sharpness of the task distribution p_t = N_t^q / sum_s N_s^q; the paper's value is 1/5."""
    reduction: Literal["sum", "mean"] = "sum"
    """Whether a joint step follows the sum of its rows' gradients (Eq. 1 of the paper) or their mean."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """The optimizer of every method that does not bring its own."""
    lr: float = 3e-5
    """Peak learning rate."""
    beta1: float = 0.9
    """AdamW's decay of the first moment; sgd does not read it."""
    beta2: float = 0.999
    """AdamW's decay of the second moment; sgd does not read it."""
    eps: float = 1e-8
    """AdamW's epsilon, added to the bias-corrected root; sgd does not read it."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """The learning rate after warm-up, over the share of the gradient budget spent: flat, or decayed to 0."""
    warmup: float = 0.0
    """Share of the gradient budget over which the rate rises linearly from 0."""
    clip: float | None = None
    """Bound on the norm of the combined gradient, or none; with a bound, use the mean reduction."""
    evaluations: int = 4
    """Evaluation points, evenly spaced over the budget; the last one is its end."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What losses and scores are computed in: bfloat16 is torch's autocast; parameters, rows of gradients, their inner
    products and the optimizer stay float32."""
    accumulate: int = 1
    """Micro-batches that a batch is cut into and differentiated in, one after the other: less memory, one gradient.
    The same gradient up to rounding where the loss is a mean over examples or ``Suite.terms``; dropout, batch
    normalisation and what a method draws or averages within a batch (SWEP's noise and KL) see each part alone."""
    activation_checkpointing: bool = False
    """Whether the encoder's layers are computed again in the backward pass instead of being kept for it; for encoders
    of transformers that support it. Not counted as further forward passes."""
    passes: Literal["task", "joint"] = field(default="task", metadata={"late": True})
    """Whether every batch of a joint step takes a pass of the encoder of its own, or all take one together, which is
    faster where passes are small. The same gradients up to rounding; dropout draws other numbers. Batches take passes
    of their own wherever one together would not give the same: see docs/performance.md."""

    def __post_init__(self) -> None:
        require(self.budget > 0, f"budget must be a positive number of gradients, found {self.budget}")
        require(self.batch_size > 0, f"batch_size must be positive, found {self.batch_size}")
        require(self.rows > 0, f"rows must be positive, found {self.rows}")
        require(0 <= self.q <= 1, f"q must lie in [0, 1], found {self.q}")
        require(math.isfinite(self.lr) and self.lr >= 0, f"lr must be finite and not negative, found {self.lr}")
        require(0 <= self.beta1 < 1, f"beta1 must lie in [0, 1), found {self.beta1}")
        require(0 <= self.beta2 < 1, f"beta2 must lie in [0, 1), found {self.beta2}")
        require(self.eps > 0, f"eps must be positive, found {self.eps}")
        require(self.weight_decay >= 0, f"weight_decay must not be negative, found {self.weight_decay}")
        require(0 <= self.warmup < 1, f"warmup is a share of the budget in [0, 1), found {self.warmup}")
        require(self.clip is None or self.clip > 0, f"clip must be positive or none, found {self.clip}")
        require(self.evaluations > 0, f"evaluations must be positive, found {self.evaluations}")
        require(
            1 <= self.accumulate <= self.batch_size,
            f"accumulate cuts a batch of {self.batch_size} into 1 to {self.batch_size} parts, found {self.accumulate}",
        )

    def rate_at(self, progress: float) -> float:
        """The learning rate when ``progress`` in [0, 1] of the gradient budget is spent.

        The schedule follows gradients, not steps: at one budget, methods take very different numbers of steps.
        """
        if progress < self.warmup:
            return self.lr * progress / self.warmup
        if self.schedule == "constant":
            return self.lr
        left = (1.0 - min(progress, 1.0)) / (1.0 - self.warmup)
        return self.lr * left if self.schedule == "linear" else self.lr * (1.0 - math.cos(math.pi * left)) / 2.0
