"""What the three CLDR suites share: the encoder, packed data, the masked-LM texts and the fingerprint."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from mtlbench.interface import Split, Suite
from mtlbench_tasks.cldr.encoder import ENCODER, card, load_encoder, masked_lm_head
from mtlbench_tasks.cldr.languages import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from mtlbench.interface import MaskedLM, Recommendation, SuiteContext, Task
    from mtlbench_tasks.cldr.texts import Texts
    from mtlbench_tasks.text.models import TextModel
    from mtlbench_tasks.text.packing import Packed, TextBatch

__all__ = ["SCORED_AT_ONCE", "CldrSuite", "committed", "shortest_first"]

SCORED_AT_ONCE = 50
"""Examples in a forward pass of scoring: few, because they are sorted by length and padded to their longest."""
_PROBE_LINES, _PROBED_AT_ONCE = 60, 20
"""Sentences per language for the masked-LM loss; of these in a forward pass."""


@dataclass
class CldrSuite(Suite):
    """A suite over languages, whose texts are generated from the CLDR and whose encoder ships with mtlbench."""

    embedded = True
    version = "1"

    scratch: bool = False
    """Start from random weights instead of the shipped encoder, to show what pretraining is worth."""
    vary_data: bool = True
    """Whether the seed also draws the training sentences; names and splits are the same for all seeds, and so are
    the sentences to select and to test on."""

    metric: ClassVar[str]

    @abstractmethod
    def _sizes(self) -> Mapping[str, int]:
        """Task to its number of training examples."""

    @abstractmethod
    def _unseen_languages(self) -> Sequence[str]: ...

    @abstractmethod
    def _load(self, tokenizer: Any, seed: int) -> Texts:
        """All splits of the tasks and the test splits of the unseen languages; ``seed`` draws what is trained on."""

    @abstractmethod
    def _head(self, width: int) -> nn.Module:
        """A new head on hidden states of a width, initialised by torch's global generator."""

    def recommended(self, method: str) -> Recommendation:
        from mtlbench.interface import Recommendation

        return _recommendations().get(self.name, {}).get(method, Recommendation())

    def fingerprint(self, context: SuiteContext) -> str:
        """From the committed digests of data and encoder, and Babel's version, which must be the one they are of."""
        import hashlib
        import json
        from importlib import metadata

        from mtlbench.interface import BadDataset

        digests, found = committed(), metadata.version("babel")
        if found != digests["babel"]:
            raise BadDataset(
                f"{self.name} is made from the CLDR of Babel {digests['babel']}, found Babel {found}: "
                f"pip install 'babel=={digests['babel']}'"
            )
        parts = [digests["babel"], digests["data"][self.name], *sorted(card()["files"].values())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def open(self, context: SuiteContext) -> None:
        from mtlbench_tasks.cldr.texts import in_one, taken_apart

        load = context.load_encoder or load_encoder
        self._encoder, self._tokenizer = load(ENCODER, None)
        self._device = context.device
        self._place = self._place_of_texts(context)
        tokenizer, seed = self._tokenizer.backend_tokenizer, context.seed if self.vary_data else 0
        texts = taken_apart(self._kept(f"{self.name}-{seed}", lambda: in_one(self._load(tokenizer, seed))))
        self._packed = {place: packed.to(context.device) for place, packed in texts.packed.items()}
        self._told = texts.told

    def _place_of_texts(self, context: SuiteContext) -> tuple[Path, str] | None:
        """The folder in which texts are kept between runs and the end of their files' names, if they are.

        Not for a suite of somebody's own that is derived from ours: its program is not in the digest.
        """
        from mtlbench_tasks.cldr.texts import made_by

        if context.cache_dir is None or not type(self).__module__.startswith("mtlbench_tasks.cldr."):
            return None
        digest = made_by(self._tokenizer.backend_tokenizer, self._encoder)
        return context.cache_dir / "cldr", f"{digest[:32]}.safetensors"

    def _kept(self, name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """What ``make`` makes of texts, from their place if they have one."""
        from mtlbench_tasks.kept import kept

        path = None
        if self._place is not None:
            folder, ending = self._place
            path = folder / f"{name}-{ending}"
        return kept(path, make)

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, size, metric=self.metric) for name, size in self._sizes().items()]

    def unseen(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(language, 0, metric=self.metric) for language in self._unseen_languages()]

    def model(self, seed: int) -> nn.Module:
        """A copy of the encoder under a new head, which torch's global generator initialises."""
        import copy

        import torch

        from mtlbench_tasks.text.models import TextModel

        torch.manual_seed(seed)
        encoder = copy.deepcopy(self._encoder)
        if self.scratch:
            encoder = type(encoder)(encoder.config, add_pooling_layer=False)
        return TextModel(encoder, self._head(encoder.config.hidden_size)).to(self._device)

    def pretrained(self, model: nn.Module) -> set[str]:
        return set() if self.scratch else super().pretrained(model)

    def examples(self, task: str, split: Split) -> Packed:  # type: ignore[override]
        """Sized; ``batch`` gives the examples."""
        return self._packed[task, split]

    def batch(self, task: str, split: Split, indices: Sequence[int]) -> TextBatch:
        return self._packed[task, split].batch(indices)

    def tokens(self, batch: TextBatch) -> int:
        return batch.tokens

    def noise_point(self, model: nn.Module) -> nn.Module:
        return cast("nn.Module", cast("Any", model).encoder.get_input_embeddings())

    def hidden(self, model: nn.Module, batch: TextBatch, task: str) -> tuple[Tensor, Tensor]:
        return cast("TextModel", model).hidden(batch), batch.mask

    def masked_lm(self) -> MaskedLM:
        """Lines like those that the encoder was pretrained on, drawn apart from them and from every seed."""
        from mtlbench.interface import MaskedLM
        from mtlbench_tasks.text.forgetting import masked_lm_logits

        tokenizer, seen = self._tokenizer, self._seen_languages()
        ids = {language: found.to(self._device) for language, found in self._kept("lines", self._lines).items()}
        return MaskedLM(
            seen={language: found for language, found in ids.items() if language in seen},
            unseen={language: found for language, found in ids.items() if language not in seen},
            logits=masked_lm_logits(masked_lm_head().to(self._device), tokenizer.sep_token_id, tokenizer.pad_token_id),
            mask_id=tokenizer.mask_token_id,
            pad_id=tokenizer.pad_token_id,
            special_ids=frozenset(tokenizer.all_special_ids),
            vocabulary=self._encoder.config.vocab_size,
            batch_size=_PROBED_AT_ONCE,
        )

    def _lines(self) -> dict[str, Tensor]:
        """Language to the token ids (N, L) of its lines."""
        from mtlbench_tasks.cldr.corpus import lines
        from mtlbench_tasks.text.packing import Packed

        positions, ids = self._encoder.config.max_position_embeddings, {}
        for language in LANGUAGES:
            texts = [(one, two) if two else one for one, two in lines(language, _PROBE_LINES, 0, "probe")]
            tokenised = self._tokenizer.backend_tokenizer.encode_batch(texts)
            rows = sorted((row.ids[:positions] for row in tokenised), key=len)  # little padding in a pass
            ids[language] = Packed.of(rows, rows, [0] * len(rows)).ids
        return ids

    def _seen_languages(self) -> frozenset[str]:
        return frozenset(self._sizes())


def shortest_first(rows: Sequence[Any], split: Split) -> list[int]:
    """The order in which a split's tokenised examples are kept: as drawn for training, else by length.

    What is scored needs no other order, and equals in length side by side need the least padding.
    """
    order = list(range(len(rows)))
    return order if split == "train" else sorted(order, key=lambda place: len(rows[place].ids))


@cache
def committed() -> Mapping[str, Any]:
    """The digests of the shipped encoder and of every suite's data, and the Babel release that they are of."""
    import json
    from importlib import resources

    found = json.loads(resources.files(__package__).joinpath("digests.json").read_text("utf-8"))
    return cast("Mapping[str, Any]", found)


@cache
def _recommendations() -> Mapping[str, Mapping[str, Recommendation]]:
    """Per suite and method, from ``recommended.toml``; docs/cldr.md tells how they were selected."""
    import tomllib
    from importlib import resources

    from mtlbench.interface import Recommendation

    table = tomllib.loads(resources.files(__package__).joinpath("recommended.toml").read_text("utf-8"))
    return {suite: {name: Recommendation(**found) for name, found in rows.items()} for suite, rows in table.items()}
