"""What suites are given and what they tell: plain values, apart from ``Suite`` because listing suites needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = [
    "DataReport",
    "DataSource",
    "MaskedLM",
    "Recommendation",
    "Score",
    "SizeCheck",
    "SuiteContext",
    "Task",
]


@dataclass(frozen=True)
class Task:
    """One task of a suite."""

    name: str
    size: int
    """N_t, training examples (after chunking); 0 for an unseen task."""
    metric: str = "accuracy"
    """The score's main metric, as tables print it."""
    higher_is_better: bool = True
    label: str = ""
    """How tables print it; the name when empty."""


@dataclass(frozen=True)
class Score:
    """How well a model does on one split of one task.

    value: the main metric, in percent where it is a share. examples: how many it was measured on. extra: further
    metrics by name (EM beside F1).
    """

    value: float
    examples: int
    extra: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Recommendation:
    """What a suite suggests for one method: settings, and protocol fields, that differ from the defaults."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSource:
    """Something that a suite reads from outside: one configuration of a data set, or an encoder's weights."""

    name: str
    """The Hub's id, as in ``nyu-mll/glue``; a path below the data root, as in ``standin/squad``; for an encoder also
    any local path."""
    config: str | None = None
    splits: tuple[str, ...] = ()
    """The splits that the suite reads, by the data set's own names."""
    revision: str | None = None
    """A commit, tag or branch of the Hub's repository; its main branch when None."""
    stands_for: str = ""
    """The data set that this one stands in for; empty when it is the one that the suite asks for."""
    kind: Literal["dataset", "encoder"] = "dataset"
    files: int | None = None
    """How many files of a split are read, the first ones; all when None."""


@dataclass(frozen=True)
class SizeCheck:
    """How many examples of a task a publication tells of, and how many are there."""

    task: str
    expected: int
    found: int
    source: str
    """Which table of what."""


@dataclass(frozen=True)
class DataReport:
    """What ``Suite.check_data`` found of one split of a source, or of an encoder (then ``split`` is empty)."""

    source: DataSource
    split: str
    rows: int = 0
    origin: str = ""
    """Where it lies: a folder, for a person to read."""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    """Rows that are handled by a rule, counted, in words."""
    sizes: tuple[SizeCheck, ...] = ()
    """Where a publication gives sizes for this split: what it says and what is there. A difference is no problem."""
    problem: str = ""
    """Why it cannot be used and what to do, in one line; empty when it can. With an ``origin`` it is there and bad."""
    features: tuple[tuple[str, str], ...] = ()
    """The columns of a data set's split and what each holds, in words."""


@dataclass(frozen=True)
class MaskedLM:
    """What measures how much of its pretraining an encoder has forgotten: text, and the pretrained masked-LM head.

    seen, unseen: language to token ids (N, L) int64, padded with ``pad_id``, of held-out sentences; seen languages
    are those of the suite's tasks. logits: (model, ids (B, L), chosen (B, L) bool) to (chosen tokens, V), with the
    model's encoder under the pretrained head and the decoder tied to the model's word embeddings, row by row in the
    order of ``chosen``. special_ids: tokens that are never masked. batch_size: sentences that fit a forward pass.
    """

    seen: Mapping[str, Tensor]
    unseen: Mapping[str, Tensor]
    logits: Callable[[nn.Module, Tensor, Tensor], Tensor]
    mask_id: int
    pad_id: int
    special_ids: frozenset[int]
    vocabulary: int
    batch_size: int = 256


@dataclass(frozen=True)
class SuiteContext:
    """What a suite may use of the machine; none of it is part of a cell's key.

    seed: the cell's; a suite that varies its data with the seed says so in its options. cache_dir: a folder for what
    takes long to prepare and is the same every time; it may be emptied at any time. load_encoder: (name, revision) to
    a pretrained (model, tokenizer), by the first plugin that knows the name. load_masked_lm: the same to the model
    under its pretrained masked-LM head, or None.
    """

    seed: int = 0
    data_root: Path | None = None
    cache_dir: Path | None = None
    device: str = "cpu"
    load_encoder: Callable[[str, str | None], Any] | None = None
    load_masked_lm: Callable[[str, str | None], Any] | None = None
