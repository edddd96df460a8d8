"""What probes found at the end of a run, as its record has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mtlbench.study.values import part

__all__ = ["FinalProbes", "final_probes"]


class FinalProbes(NamedTuple):
    """JSON values; None for what was not measured."""

    cosine: Any
    """Mean over the pairs of tasks."""
    is_over_path: bool
    """Whether the cosine is the suite's own, over the whole path."""
    distance: Any
    """L2 from the start."""
    masked_seen: Any
    masked_unseen: Any
    start_seen: Any
    """Masked-LM loss before training."""
    start_unseen: Any


def final_probes(outcome: Mapping[str, Any]) -> FinalProbes:
    """The cosine is the suite's own over a whole path where it tells one, else the probe's at the end: in the plane a
    path may end on a kink, where gradients turn from step to step and a single point says nothing.

    Raises TypeError where a block is no object.
    """
    probes = part(outcome, "probes")
    masked = part(probes, "mlm")
    start = part(masked, "start")
    over_path = part(part(outcome, "summary"), "all").get("cosine")
    return FinalProbes(
        cosine=part(probes, "cosine").get("mean") if over_path is None else over_path,
        is_over_path=over_path is not None,
        distance=part(probes, "distance").get("l2"),
        masked_seen=masked.get("seen"),
        masked_unseen=masked.get("unseen"),
        start_seen=start.get("seen"),
        start_unseen=start.get("unseen"),
    )
