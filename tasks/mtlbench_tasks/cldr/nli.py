"""``cldr-nli``: inference trained in English alone, as four pseudo-tasks, and scored in fourteen other languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from mtlbench.interface import Split, Suite, hookimpl
from mtlbench_tasks.cldr.base import SCORED_AT_ONCE, CldrSuite, shortest_first
from mtlbench_tasks.cldr.languages import XNLI_UNSEEN

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import Score, SuiteContext, Task, TrainingProtocol
    from mtlbench_tasks.cldr.claims import Claim
    from mtlbench_tasks.cldr.texts import Texts
    from mtlbench_tasks.text.models import TextModel
    from mtlbench_tasks.text.packing import Packed, TextBatch

__all__ = ["CldrNli", "claims"]

_GROUPS: Final = 4
_TRAIN, _DEV, _TEST, _TEST_ELSEWHERE = 8000, 600, 900, 300
_ALL: Final[tuple[tuple[Split, int], ...]] = (("train", _TRAIN), ("dev", _DEV), ("test", _TEST))


def claims(language: str, split: Split, count: int, seed: int) -> list[Claim]:
    """``count`` claims of a language with the names of a split; ``seed`` matters to training claims alone."""
    import random

    from mtlbench_tasks.cldr.claims import Lookalikes, claim
    from mtlbench_tasks.cldr.phrases import phrases
    from mtlbench_tasks.cldr.splits import lexicon

    rng = random.Random(f"cldr-nli {seed if split == 'train' else 0} {language} {split}")
    words, names = phrases(language), Lookalikes(lexicon(language, split))
    return [claim(words, names, rng) for _ in range(count)]


class CldrNli(CldrSuite):
    """Whether two lists are of the same kinds, of one kind in common, or of none; English, cut into four tasks.

    The tasks are clusters of what the pretrained encoder makes of the examples (see mtlbench_tasks.text.clustering),
    numbered by size. The languages of XNLI but English are scored and never trained. Scores are accuracies in
    percent; labels are equally frequent, and none has a shape of its own.
    """

    name = "cldr-nli"
    label = "CLDR NLI"
    metric = "accuracy"

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(
            budget=600, batch_size=16, rows=4, reduction="mean", clip=1.0, lr=5e-3, schedule="linear", warmup=0.1
        )

    def _sizes(self) -> Mapping[str, int]:
        return {f"en-{group + 1}": len(self._packed[f"en-{group + 1}", "train"]) for group in range(_GROUPS)}

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, size, metric=self.metric) for name, size in self._sizes().items()]

    def _unseen_languages(self) -> Sequence[str]:
        return XNLI_UNSEEN

    def _seen_languages(self) -> frozenset[str]:
        return frozenset({"en"})

    def open(self, context: SuiteContext) -> None:
        """Warns of small tasks every time, whether their texts were kept or made."""
        super().open(context)
        import numpy as np

        from mtlbench_tasks.text.clustering import warn_of_small

        warn_of_small(np.repeat(np.arange(_GROUPS), list(self._sizes().values())), _GROUPS)

    def _load(self, tokenizer: Any, seed: int) -> Texts:
        from mtlbench_tasks.cldr.texts import Texts
        from mtlbench_tasks.text.clustering import fit_clusters
        from mtlbench_tasks.text.packing import Packed

        def packed(language: str, split: Split, count: int) -> Packed:
            made = claims(language, split, count, seed)
            drawn = tokenizer.encode_batch([(each.premise, each.hypothesis) for each in made])
            order = shortest_first(drawn, split)
            made, rows = [made[place] for place in order], [drawn[place] for place in order]
            return Packed.of([row.ids for row in rows], [row.type_ids for row in rows], [each.label for each in made])

        english = {split: packed("en", split, count) for split, count in _ALL}
        features = {split: self._features(whole) for split, whole in english.items()}
        clusters = fit_clusters(features["train"], _GROUPS, warn=False)
        data: dict[tuple[str, Split], Packed] = {}
        for split, whole in english.items():
            groups = clusters.assign(features[split])
            for group in range(_GROUPS):
                data[f"en-{group + 1}", split] = whole.take((groups == group).nonzero()[0].tolist())
        for language in XNLI_UNSEEN:
            data[language, "test"] = packed(language, "test", _TEST_ELSEWHERE)
        return Texts(data)

    def _features(self, packed: Packed) -> Any:
        """(N, d) mean-pooled states of the shipped encoder, also where training starts from random weights."""
        import torch

        from mtlbench_tasks.text.models import hidden_states, pooled

        encoder = self._encoder
        with torch.no_grad():
            rows = [
                pooled(hidden_states(encoder, batch.ids, batch.segments, batch.mask), batch.mask)
                for batch in packed.batches(SCORED_AT_ONCE)
            ]
        return torch.cat(rows).numpy()

    def _head(self, width: int) -> nn.Module:
        from mtlbench_tasks.cldr.claims import LABELS
        from mtlbench_tasks.text.models import PairHead

        return PairHead(width, len(LABELS))

    def loss(self, model: nn.Module, batch: TextBatch, task: str) -> Tensor:
        from mtlbench_tasks.text.models import class_loss

        return class_loss(model(batch), batch)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        from mtlbench.interface import Score

        packed = self._packed[task, split]
        right = sum(
            int((cast("TextModel", model)(batch).argmax(1) == batch.labels).sum())
            for batch in packed.batches(SCORED_AT_ONCE)
        )
        return Score(100 * right / len(packed), len(packed))


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [CldrNli]
