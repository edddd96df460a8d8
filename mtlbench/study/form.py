"""The form of a record's outcome and of what stands beside it, for those who read all of it.

Boards read ten thousand records and take of each what they need; who shows, compares or lets in a single one asks here
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from mtlbench.interface.errors import BadRecord

__all__ = ["check_form"]

_Text = Annotated[str, msgspec.Meta(max_length=2000)]
_Message = Annotated[str, msgspec.Meta(max_length=20_000)]
_Number = float  # whole ones too, but for those that are larger than floats are
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Numbers = dict[_Text, _Number | None]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Gram = list[list[_Number]]


class _Task(msgspec.Struct):
    name: _Text
    metric: _Text
    higher_is_better: bool
    size: _Count
    probability: _Share | None = None
    label: _Text | None = None


class _Score(msgspec.Struct):
    value: _Number | None = None
    examples: _Count | None = None
    extra: _Numbers | None = None


_Scores = dict[_Text, dict[_Text, _Score]]


class _Cosine(msgspec.Struct):
    mean: _Number | None = None
    gram: _Gram | None = None


class _Distance(msgspec.Struct):
    l2: _Number | None = None


class _MaskedStart(msgspec.Struct):
    seen: _Number | None = None
    unseen: _Number | None = None


class _Masked(_MaskedStart):
    start: _MaskedStart | None = None


class _Probes(msgspec.Struct):
    """What boards know of; there may be others."""

    cosine: _Cosine | None = None
    distance: _Distance | None = None
    mlm: _Masked | None = None


class _Point(msgspec.Struct):
    gradients: _Count
    dev: _Numbers | None = None
    train_loss: _Number | None = None
    probes: _Probes | None = None


class _Divergence(msgspec.Struct):
    reason: _Message
    gradients: _Count


class _Audit(msgspec.Struct):
    agrees: bool
    difference: _Message | None = None
    forwards: _Count | None = None
    backwards: _Count | None = None


class _Outcome(msgspec.Struct):
    tasks: list[_Task]
    audit: _Audit
    scores: _Scores | None = None
    unseen: _Scores | None = None
    average: _Number | None = None
    average_unseen: _Number | None = None
    counts: dict[_Text, _Count] | None = None
    curve: list[_Point] | None = None
    divergence: _Divergence | None = None
    probes: _Probes | None = None
    summary: dict[_Text, Any] | None = None
    trace: dict[_Text, list[Any]] | None = None


class _Measured(msgspec.Struct):
    seconds: _Numbers | None = None
    step_seconds: _Number | None = None
    evaluation_seconds: _Number | None = None
    total_seconds: _Number | None = None
    peak_bytes: _Number | None = None
    flops_per_gradient: _Number | None = None
    finished: _Text | None = None
    machine: dict[_Text, Any] | None = None
    versions: dict[_Text, Any] | None = None


class _Maker(msgspec.Struct):
    distribution: _Text | None = None
    version: _Text | None = None
    source: _Text | None = None


class _Provenance(msgspec.Struct):
    mtlbench: _Text | None = None
    method: _Maker | None = None
    suite: _Maker | None = None


class _Record(msgspec.Struct):
    outcome: _Outcome
    measured: _Measured
    provenance: _Provenance


def check_form(record: Mapping[str, Any]) -> None:
    """Whether a record whose header and digest are right says what a run says; fields that no run has are passed over.

    Raises BadRecord that names the field.
    """
    try:
        msgspec.convert(record, _Record)
    except msgspec.ValidationError as wrong:
        raise BadRecord(f"has not the form of a record: {wrong!s:.300}") from None
    except (OverflowError, RecursionError) as wrong:
        raise BadRecord(f"has not the form of a record: {type(wrong).__name__} {wrong}") from None
