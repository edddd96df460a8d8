"""How far an outcome may lie from its record when another type of machine trained it again.

Counts of work do not depend on the machine. The last bits of sums do, and training makes them grow, until two runs
differ as two seeds do at most: so what is allowed is told by how a row's seeds differ.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtlbench.study.compare import first_difference
from mtlbench.study.probes import final_probes

__all__ = ["Within", "outside", "row_of"]

_SDS = 4.0
"""Sample standard deviations over the row's other seeds: a task's own, or all tasks' together where that is larger."""
_SEEDS = 3
"""Other seeds that it takes to say how they spread."""
_LEAST = 0.08
"""Share of a score's size, however close the seeds lie: another make of CPU moved paths in the plane by up to 7.5 %."""
_AVERAGE, _SCORE = 0.1, 0.5
"""The same where seeds tell no spread: fewer of them, or all alike, as in the plane, where a seed decides little.

There, instruction sets moved averages by up to 5 % and one of 42 single scores by 47 %.
"""
_START = 0.1
"""Share of the larger of a dev score before training and after it. Where a suite pretrains its encoder on the spot (as
digits does), even the start differs as trained models do: by up to 3.5 points between the instruction sets tried."""
_REGROUPED = 0.01
"""Share of a task's examples (or one of them) that may lie in another task, and of all tokens that may differ: suites
may form tasks by an encoder's features (cldr-nli, mnli-xnli), and last bits move what lies between two. On an AMD CPU
2 or 3 of some 2000 examples moved, at one of five seeds."""
_COSINE = 0.2
"""Of a mean cosine, where seeds tell no spread; its size counts as 1, for it may be near 0. On an AMD CPU paths through
the plane had cosines up to 0.053 off."""
_PROBES = {
    "cosine": "the cosine",
    "distance": "the distance from the start",
    "masked_seen": "the masked-LM loss, seen",
    "masked_unseen": "the masked-LM loss, unseen",
}
"""Fields of ``FinalProbes`` to what messages call them."""
_EXACT = ("audit", "parameters", "models", "scale")
_OF_TASK = ("name", "label", "metric", "higher_is_better")


_Compared = tuple[str, float | None, float | None, float, str]
"""What it is, in the record and now, how far they may be apart, and why."""


@dataclass(frozen=True)
class Within:
    """A run that lies within all tolerances."""

    scores: int
    """How many scores were compared."""
    probes: int
    """How many numbers of probes were."""
    worst: str
    """The one that came nearest to its tolerance, in words."""


def row_of(record: Mapping[str, Any]) -> str:
    """What is the same for all seeds of a row of a board."""
    return json.dumps({**record["cell"], "seed": 0, "fingerprint": ""}, sort_keys=True)


def outside(record: Mapping[str, Any], again: Mapping[str, Any], row: Iterable[Mapping[str, Any]]) -> str | Within:
    """The first thing that no change of machine explains, in words; or what was compared.

    row: the records of the row, the one in question among them or not: it is never asked what it may differ by.
    All of them must have the form that boards can read.
    """
    if record["status"] != again["status"]:
        return f"status is {record['status']} in the record and {again['status']} now"
    before, now = record["outcome"], again["outcome"]
    fixed = first_difference(_tasks(before), _tasks(now), "outcome.tasks") or _resized(before, now)
    if fixed is not None:
        return fixed
    if record["status"] != "done":
        return Within(0, 0, "it diverged again")
    fixed = _recounted(before.get("counts") or {}, now.get("counts") or {})
    for name in _EXACT:
        fixed = fixed or first_difference(before.get(name), now.get(name), f"outcome.{name}")
    if fixed is not None:
        return fixed
    others = [other["outcome"] for other in row if other["key"] != record["key"] and other["status"] == "done"]
    scores = [*_starts(before, now), *_finals(before, now, others)]
    probes = [*_probed(before, now, others)]
    nearest, worst = -1.0, "nothing to compare"
    for name, one, other, allowed, why in [*scores, *probes]:
        if one is None or other is None:
            if one is not other:
                told = ["none" if value is None else f"{value:.6g}" for value in (one, other)]
                return f"{name} is {told[0]} in the record and {told[1]} now"
            continue
        apart = abs(one - other)
        fact = (
            f"{name} is {one:.6g} in the record and {other:.6g} now: {apart:.3g} apart, {allowed:.3g} allowed ({why})"
        )
        if not apart <= allowed:
            return fact
        share = apart / allowed if allowed > 0 else 0.0
        if share > nearest:
            nearest, worst = share, fact
    return Within(_compared(scores), _compared(probes), worst)


def _compared(numbers: Iterable[_Compared]) -> int:
    return sum(there is not None for _, there, *_ in numbers)


def _tasks(outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{name: task.get(name) for name in _OF_TASK} for task in outcome.get("tasks") or ()]


def _resized(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first size of a task that regrouping does not explain: it changes none by much, and their sum not at all."""
    sizes = [[task.get("size") for task in outcome.get("tasks") or ()] for outcome in (before, now)]
    for place, (one, other) in enumerate(zip(*sizes, strict=True)):
        if not _nearly(one, other):
            return first_difference(one, other, f"outcome.tasks[{place}].size")
    there, here = (sum(size for size in each if type(size) is int) for each in sizes)
    return None if there == here else f"the tasks' sizes come to {there} in the record and to {here} now"


def _recounted(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first count that is another; of tokens, that regrouped tasks do not explain."""
    tokens = now.get("tokens")
    if tokens is not None and _nearly(before.get("tokens"), tokens):
        before = {**before, "tokens": tokens}
    return first_difference(before, now, "outcome.counts")


def _nearly(one: Any, other: Any) -> bool:
    """Whether two counts are the same, or as near as regrouped tasks may come."""
    return type(one) is type(other) and (
        one == other or (type(one) is int and abs(one - other) <= max(1, _REGROUPED * other))
    )


def _starts(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[_Compared]:
    """Dev scores before the first step."""
    first, again = ((one.get("curve") or [{}])[0] for one in (before, now))
    if first.get("gradients") != 0:
        return
    there, here = first.get("dev") or {}, again.get("dev") or {}
    for task in sorted(there):
        value, final = _number(here.get(task)), _score(now, "scores", task, "dev")
        scale = max((abs(size) for size in (value, final) if size is not None), default=0.0)
        why = f"before training: {100 * _START:.0f} % of {scale:.4g}"
        yield f"the dev score of {task}", _number(there[task]), value, _START * scale, why


def _finals(
    before: Mapping[str, Any], now: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> Iterator[_Compared]:
    """Averages and final test scores, of trained tasks and of others."""
    for block, mean, what in (("scores", "average", "test"), ("unseen", "average_unseen", "zero-shot")):
        tasks = sorted({*(before.get(block) or {}), *(now.get(block) or {})})
        spreads = {task: _spread([_score(one, block, task) for one in others]) for task in tasks}
        known = [spread for spread in spreads.values() if spread is not None]
        # Few seeds say little of a single task's spread, and all tasks of a row more.
        pooled = math.sqrt(math.fsum(spread**2 for spread in known) / len(known)) if known else 0.0
        average = _number(now.get(mean))
        spread = _spread([_number(one.get(mean)) for one in others])
        least = pooled / math.sqrt(len(known)) if known else 0.0
        allowed, why = _allowed([average], spread, least, _AVERAGE)
        yield (
            f"the {'zero-shot ' if block == 'unseen' else ''}average",
            _number(before.get(mean)),
            average,
            allowed,
            why,
        )
        for task in tasks:
            own, value = _score(before, block, task), _score(now, block, task)
            # Of a score near 0 such a share is less than one example: no less than of the average is allowed.
            allowed, why = _allowed([value, average], spreads[task], pooled, _SCORE)
            yield f"the {what} score of {task}", own, value, allowed, why


def _probed(
    before: Mapping[str, Any], now: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> Iterator[_Compared]:
    """What boards show of the probes at the end, and claims are about."""
    there, here, rest = final_probes(before), final_probes(now), [final_probes(one) for one in others]
    for field, name in _PROBES.items():
        own, value, *seeds = (_number(getattr(found, field)) for found in (there, here, *rest))
        size, share = (1.0, _COSINE) if field == "cosine" else (value, _SCORE)
        allowed, why = _allowed([size], _spread(seeds), 0.0, share)
        yield name, own, value, allowed, why


def _spread(values: Sequence[float | None]) -> float | None:
    """Their sample SD; None for too few."""
    known = [value for value in values if value is not None]
    return statistics.stdev(known) if len(known) >= _SEEDS else None


def _allowed(sizes: Iterable[float | None], own: float | None, pooled: float, share: float) -> tuple[float, str]:
    """How far a score may be off, and why; sizes: of what was trained here, which nobody can have made up."""
    size = max((abs(value) for value in sizes if value is not None), default=0.0)
    if own is None or max(own, pooled) == 0:
        return share * size, f"{100 * share:.0f} % of {size:.4g}, for want of {_SEEDS} other seeds that differ"
    if _SDS * max(own, pooled) > _LEAST * size:
        whose = "other seeds" if own >= pooled else "other seeds over all tasks"
        return _SDS * max(own, pooled), f"{_SDS:.0f} SDs of {whose}"
    return _LEAST * size, f"{100 * _LEAST:.0f} % of {size:.4g}"


def _score(outcome: Mapping[str, Any], block: str, task: str, split: str = "test") -> float | None:
    return _number((((outcome.get(block) or {}).get(task) or {}).get(split) or {}).get("value"))


def _number(value: Any) -> float | None:
    """None for what is none, and for a whole number that no float can hold."""
    if type(value) is float or (type(value) is int and abs(value) < 2**63):
        return float(value)
    return None
