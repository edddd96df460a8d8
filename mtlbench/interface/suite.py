"""Suites: tasks, data, one model and how both meet. What they are given and tell is in ``suite_values``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface.golden import GoldenBench, GoldenCase
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite_values import (
        DataReport,
        DataSource,
        MaskedLM,
        Recommendation,
        Score,
        SuiteContext,
        Task,
    )

__all__ = ["Split", "Suite"]

Split = Literal["train", "dev", "test"]


@dataclass
class Suite:
    """A set of tasks that one model is trained on. A dataclass whose fields are its options.

    ``open`` is called once before anything below it, and may load data; what stands above needs no data and no torch.
    """

    name: ClassVar[str]
    """How the command line, records and boards call it."""
    label: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    """Raised when the same options give other data or other models; part of a cell's key."""
    embedded: ClassVar[bool] = False
    """Whether it needs nothing but installed packages."""

    @property
    def protocol(self) -> TrainingProtocol:
        """How methods train here unless told otherwise."""
        from mtlbench.interface.protocol import TrainingProtocol

        return TrainingProtocol()

    def recommended(self, method: str) -> Recommendation:
        """Tuned values for a method; for most there are none.

        method: what the user asked for as boards name it, such as ``mtl[rows=1]``; if there is nothing for that, the
        name alone is asked.
        """
        from mtlbench.interface.suite_values import Recommendation

        return Recommendation()

    def fingerprint(self, context: SuiteContext) -> str:
        """A digest of the data, the same on every machine, without loading it; part of a cell's key."""
        raise NotImplementedError

    def sources(self) -> Sequence[DataSource]:
        """What it reads from outside; nothing for an embedded suite. Needs no data."""
        return ()

    def check_data(self, context: SuiteContext, *, fetch: bool = False) -> Iterator[DataReport]:
        """One report a split of every source, as they are read; problems are reported, not raised.

        fetch: first download what is missing; where that is impossible the problem says why.
        """
        return iter(())

    def open(self, context: SuiteContext) -> None:
        """Load the data for ``context.seed``. Raises MissingData or BadDataset."""

    def tasks(self) -> Sequence[Task]:
        """The tasks to train, in the order of every table."""
        raise NotImplementedError

    def unseen(self) -> Sequence[Task]:
        """Tasks that are scored and never trained."""
        return ()

    def model(self, seed: int) -> nn.Module:
        """A new model at phi_0; ``seed`` seeds what is not pretrained. Torch's global generator is seeded too."""
        raise NotImplementedError

    def encoder(self, model: nn.Module) -> nn.Module:
        """The part of the model that every loss passes through exactly once; ``model.encoder``, or the model.

        Where the user may choose it, the option is called ``encoder_name``: that is what ``--encoder`` sets.
        """
        return getattr(model, "encoder", model)

    def owners(self, model: nn.Module) -> Mapping[str, str]:
        """Parameter name to the one task that owns it; by default what lies in ``model.heads[task]``."""
        names = {task.name for task in self.tasks()}
        owned = {}
        for name, _ in model.named_parameters():
            first, _, rest = name.partition(".")
            task = rest.partition(".")[0]
            if first == "heads" and task in names:
                owned[name] = task
        return owned

    def pretrained(self, model: nn.Module) -> set[str]:
        """Names of the parameters that start from pretrained values; by default the encoder's."""
        inside = {id(parameter) for parameter in self.encoder(model).parameters()}
        return {name for name, parameter in model.named_parameters() if id(parameter) in inside}

    def examples(self, task: str, split: Split) -> Sequence[Any]:
        """The examples of one split; only ``len`` is asked of it when ``batch`` is overridden."""
        raise NotImplementedError

    def collate(self, examples: Sequence[Any]) -> Any:
        """One batch of examples, as ``loss`` takes it; tensors on ``context.device``."""
        raise NotImplementedError

    def batch(self, task: str, split: Split, indices: Sequence[int]) -> Any:
        """The batch of the examples at ``indices``; override where slicing packed tensors is faster."""
        examples = self.examples(task, split)
        return self.collate([examples[index] for index in indices])

    def tokens(self, batch: Any) -> int:
        """Tokens in a batch for the compute accounts; 0 where nothing is a token."""
        return 0

    def terms(self, batch: Any) -> int | None:
        """How many terms ``loss`` is a mean over, where these are not the batch's examples but its labelled tokens.

        Asked only where the protocol's ``accumulate`` cuts batches: the losses of the parts are weighed by it, or
        by their examples where it is None.
        """
        return None

    def loss(self, model: nn.Module, batch: Any, task: str) -> Tensor:
        """The mean loss of a batch, a scalar; calls ``encoder(model)`` exactly once."""
        raise NotImplementedError

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        """The score on one split; the model is in evaluation mode and no graph is made."""
        raise NotImplementedError

    def noise_point(self, model: nn.Module) -> nn.Module | None:
        """The module whose output (B, L, d) a method may multiply by noise (the word embeddings), or None."""
        return None

    def hidden(self, model: nn.Module, batch: Any, task: str) -> tuple[Tensor, Tensor]:
        """The encoder's last hidden states (B, L, d), aligned with the noise point, and the padding mask (B, L)."""
        raise NotImplementedError

    def masked_lm(self) -> MaskedLM | None:
        """The masked-LM texts of an open suite, for the probe of forgetting; None where there is no such head."""
        return None

    def trace(self, model: nn.Module) -> Sequence[float] | None:
        """A few numbers to record after every step (the point in the plane), or None."""
        return None

    def summary(self, trace: Sequence[Sequence[float]]) -> Mapping[str, Any]:
        """What to say of a whole trace, as JSON; ``trace`` has one row [gradients, *numbers] a step."""
        return {}

    def surface(self, point: Sequence[float]) -> Mapping[str, float] | None:
        """Task name to its loss at a point of the trace, for pictures of paths; None where there is no such surface.

        Needs neither data nor torch: boards ask it of a suite that was never opened.
        """
        return None

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        """As ``Method.replay``, for golden files that name the suite."""
        raise NotImplementedError(f"suite {cls.name} has no replay of golden vectors")

    @classmethod
    def title(cls) -> str:
        """The label, or the name."""
        return cls.label or cls.name
