"""F1 of named entities: an entity counts as found when its type, its first and its last token are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlbench.interface import BadDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EntityScores", "entity_scores", "span_scores"]


@dataclass(frozen=True)
class EntityScores:
    """Over all entities of all types together, in percent; 0 where nothing can be divided.

    So a set without gold entities scores 0, even when none is predicted either; see ``entities``.
    """

    f1: float
    precision: float
    recall: float
    entities: int
    """Entities in the references."""


def entity_scores(predictions: Mapping[str, Sequence[str]], references: Mapping[str, Sequence[str]]) -> EntityScores:
    """seqeval's micro-averaged scores in its default mode, which repairs ill-formed sequences as conlleval does.

    predictions, references: id to one tag a token, such as B-PER, I-PER, O. An I without a B before it starts an
    entity, and so does one of another type. A sentence without prediction counts as tagged O throughout. Raises
    BadDataset when a sentence has another number of tags than its reference or anything but a list of texts, and for
    no sentences.
    """
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    if not references:
        raise BadDataset("there are no sentences to score")
    predicted = []
    for name, tags in references.items():
        given = predictions.get(name)
        for wrong in (tags, given):
            if wrong is not None and (isinstance(wrong, str) or not all(isinstance(tag, str) for tag in wrong)):
                raise BadDataset(f"the tags of sentence {name!r} must be a list of texts, found {wrong!r}")
        if given is not None and len(given) != len(tags):
            raise BadDataset(f"sentence {name!r} has {len(given)} predicted tags for {len(tags)} tokens")
        predicted.append(["O"] * len(tags) if given is None else list(given))
    precision, recall, f1, support = precision_recall_fscore_support(
        [list(tags) for tags in references.values()], predicted, average="micro", zero_division=0
    )
    return EntityScores(100.0 * float(f1), 100.0 * float(precision), 100.0 * float(recall), int(support))


def span_scores(
    predicted: NDArray[Any], gold: NDArray[Any], lengths: Sequence[int], names: Sequence[str]
) -> EntityScores:
    """The same numbers as ``entity_scores`` for BIO tags, from arrays, without a loop over tokens.

    predicted, gold: (tokens,) tag ids of all sentences one after the other. lengths: tokens of each sentence.
    names: the tag of each id. Raises BadDataset for tags other than O, B-TYPE, I-TYPE and for unequal lengths.
    """
    import numpy as np

    if not len(predicted) == len(gold) == sum(lengths):
        raise BadDataset(f"{len(predicted)} predicted and {len(gold)} gold tags for {sum(lengths)} tokens")
    first = np.zeros(len(gold) + 1, dtype=bool)
    first[np.cumsum([0, *lengths])] = True  # an empty sentence marks the start of the next once more
    found, wanted = (_spans(np.asarray(tags), first, names) for tags in (predicted, gold))
    at, in_found, in_wanted = np.intersect1d(found[0], wanted[0], return_indices=True)
    correct = int(np.all(found[:, in_found] == wanted[:, in_wanted], axis=0).sum()) if len(at) else 0
    precision, recall = (correct / len(spans[0]) if len(spans[0]) else 0.0 for spans in (found, wanted))
    f1 = 2.0 * precision * recall / (precision + recall) if correct else 0.0
    return EntityScores(100.0 * f1, 100.0 * precision, 100.0 * recall, len(wanted[0]))


def _spans(tags: NDArray[Any], first: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """(3, entities): first token, last token and type of each entity. first: (tokens + 1,), true at a start."""
    import numpy as np

    types: dict[str, int] = {}
    begins, kinds = [], []
    for name in names:
        prefix, _, kind = name.partition("-")
        if name != "O" and (prefix not in ("B", "I") or not kind):
            raise BadDataset(f"tag {name!r} is neither O nor B-TYPE nor I-TYPE")
        begins.append(prefix == "B")
        kinds.append(-1 if name == "O" else types.setdefault(kind, len(types)))
    kind_at = np.asarray(kinds, dtype=np.int64)[tags]  # (tokens,), -1 outside
    before = np.concatenate([[-1], kind_at[:-1]])[: len(kind_at)]
    before[first[:-1]] = -1
    inside = kind_at >= 0
    starts = inside & (np.asarray(begins)[tags] | (before != kind_at))
    goes_on = np.concatenate([(inside & ~starts)[1:], [False]])[: len(kind_at)]
    begin = np.flatnonzero(starts)
    return np.stack([begin, np.flatnonzero(inside & ~goes_on), kind_at[begin]])
