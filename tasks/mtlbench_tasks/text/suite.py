"""What all suites of real text share: options, sources, one encoder under heads, and batches of token ids."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, cast

from mtlbench.interface import BadDataset, BadSetting, MissingData, Split, Suite, require

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from mtlbench.interface import DataReport, DataSource, MaskedLM, Score, SizeCheck, SuiteContext, Task
    from mtlbench_tasks.hub import Rows
    from mtlbench_tasks.text.batches import TokenBatch
    from mtlbench_tasks.text.networks import HeadedEncoder
    from mtlbench_tasks.text.store import Arrays, Ragged

__all__ = ["Part", "TextSuite"]

EVALUATION_TOKENS = 16384
"""Tokens in a batch that is only looked at, padding included."""


class Part(Protocol):
    """One split of one task, tokenised."""

    @property
    def ids(self) -> Ragged: ...

    @property
    def types(self) -> Ragged: ...

    def targets(self, rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
        """What the loss needs beside the tokens; arrays whose first dimension is that of ``rows``."""

    def __len__(self) -> int: ...


@dataclass(repr=False, eq=False)  # those that derive from it have their own
class TextSuite(Suite):
    """One pretrained text encoder, tasks of labelled text, and heads."""

    encoder_name: str = "bert-base-multilingual-cased"
    """The pretrained encoder: a name on the Hub, a local folder, what a plugin offers, or tiny-random:bert."""
    revision: str | None = None
    """A commit, tag or branch of the encoder on the Hub."""
    max_length: int = 128
    """Tokens of an input, special ones included."""
    held_out: float = 0.05
    """Share of a task's training rows that are kept back as dev where the data set has no split to select on."""
    replace: tuple[str, ...] = ()
    """Other data sets in place of the suite's, as NAME[:CONFIG]=OTHER[:CONFIG][!SPLIT][@REVISION]; tasks then carry the
    other's name."""
    mlm_texts: str | None = None
    """Plain text by language in CC-100's layout, as NAME[@REVISION], to measure the masked-LM loss on; none: it is not
    measured."""
    mlm_languages: tuple[str, ...] = ()
    """The configurations of ``mlm_texts`` to read; by default the languages of the tasks and the unseen ones."""
    mlm_sentences: int = 5000
    """Lines of each of them at most."""

    def __post_init__(self) -> None:
        require(8 <= self.max_length <= 8192, f"max_length must lie in [8, 8192], found {self.max_length}")
        require(0 < self.held_out < 1, f"held_out is a share in (0, 1), found {self.held_out}")
        for option in fields(self):
            listed = getattr(self, option.name)
            if isinstance(listed, tuple):
                doubles = [str(each) for at, each in enumerate(listed) if each in listed[:at]]
                require(not doubles, f"{option.name} names {', '.join(dict.fromkeys(doubles))} more than once")
        require(self.mlm_sentences > 0, f"mlm_sentences must be positive, found {self.mlm_sentences}")
        require(not self.mlm_languages or self.mlm_texts is not None, "mlm_languages are of mlm_texts, which is none")
        require(
            self.mlm_texts is None or self.mlm_texts.partition("@")[0].count("/") == 1,
            f"mlm_texts is NAME[@REVISION], as in statmt/cc100, found {self.mlm_texts!r}",
        )
        self.data_sources()  # refuses a bad replacement before any data is looked for

    # What a suite of text says of itself.

    @abstractmethod
    def wanted(self) -> Sequence[DataSource]:
        """The data sets that it is made for, before any is replaced."""

    @abstractmethod
    def load(self) -> None:
        """Read the rows of all data sets; no encoder is there yet."""

    @abstractmethod
    def texts(self) -> Iterable[str]:
        """The training texts, for the tokenizer of a toy encoder."""

    @abstractmethod
    def prepare(self) -> None:
        """Tokenise what was read, with ``self.tokenizer``; fills ``self.parts``."""

    @abstractmethod
    def outputs(self) -> Mapping[str, int]:
        """Outputs of the head of each task, or of the one head that all share under the name ""."""

    @abstractmethod
    def examine(self, rows: Rows) -> Sequence[str]:
        """Notes on rows that a rule handles; raises BadDataset as ``load`` does."""

    def of_one_kind(self, rows: Rows, classes: tuple[str, ...], head: str = "") -> None:
        """Raise BadDataset unless the classes are those of all other splits under the same head, in the same order."""
        first, theirs = self._classes_of.setdefault(head, (rows.files[0], classes))
        if classes != theirs:
            raise BadDataset(
                f"{rows.files[0]} has classes {', '.join(classes) or 'of no name'}, "
                f"{first} {', '.join(theirs) or 'of no name'}"
            )

    def by_task(self, rows: Rows) -> Mapping[str, int]:
        """How many of the rows belong to each task, where a table of the paper gives sizes; else nothing."""
        return {}

    def seen_languages(self) -> Sequence[str]:
        """The languages that it trains on; English unless it says otherwise."""
        return ("en",)

    def other_languages(self) -> Sequence[str]:
        """The languages that it scores and never trains."""
        return ()

    keeps_pooler = False
    """Whether the encoder's pooler is part of the model; suites that score tokens leave it out."""

    # Data.

    def data_sources(self) -> list[DataSource]:
        """The data sets as they are read, in the order of ``wanted``."""
        from mtlbench_tasks.hub import replace_sources

        return replace_sources(self.wanted(), self.replace)

    def text_sources(self) -> list[DataSource]:
        """The texts of the masked-LM probe, by language; empty unless ``mlm_texts`` names any."""
        from mtlbench.interface import DataSource

        if self.mlm_texts is None:
            return []
        name, _, revision = self.mlm_texts.partition("@")
        codes = self.mlm_languages or dict.fromkeys([*self.seen_languages(), *self.other_languages()])
        return [DataSource(name, code, ("train",), revision or None, files=1) for code in codes]

    def sources(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        texts = self.text_sources()
        return [*self.data_sources(), *texts, DataSource(self.encoder_name, revision=self.revision, kind="encoder")]

    def check_data(self, context: SuiteContext, *, fetch: bool = False) -> Iterator[DataReport]:
        from mtlbench.interface import DataReport
        from mtlbench_tasks.hub import report_sources
        from mtlbench_tasks.text.checkpoints import encoder_digest, encoder_origin, open_encoder, open_masked_lm
        from mtlbench_tasks.text.pieces import check_tokenizer

        self._classes_of: dict[str, tuple[Path, tuple[str, ...]]] = {}
        yield from report_sources(self.data_sources(), context, self.examine, sizes=self._sizes, fetch=fetch)
        yield from report_sources(self.text_sources(), context, self._examine_lines, fetch=fetch)
        source = self.sources()[-1]
        try:
            model, tokenizer = open_encoder(self.encoder_name, self.revision, context, lambda: ["a"])
            check_tokenizer(tokenizer, self.encoder_name)
        except (BadSetting, MissingData) as wrong:
            yield DataReport(source, "", origin=encoder_origin(self.encoder_name, context), problem=str(wrong))
        else:
            size = sum(parameter.numel() for parameter in model.parameters())
            found = [f"{type(model).__name__}, {size:,} parameters"]
            if self.mlm_texts is not None:
                head = open_masked_lm(self.encoder_name, self.revision, context)
                found.append(f"masked-LM head: {'none, so its loss is not measured' if head is None else 'found'}")
            yield DataReport(source, "", fingerprint=encoder_digest(self.encoder_name, context), notes=tuple(found))

    def fingerprint(self, context: SuiteContext) -> str:
        from mtlbench_tasks.hub.digests import combined_digest
        from mtlbench_tasks.hub.rows import fingerprint
        from mtlbench_tasks.text.checkpoints import encoder_digest

        read = [fingerprint(source, context) for source in (*self.data_sources(), *self.text_sources())]
        return combined_digest([*read, encoder_digest(self.encoder_name, context)])

    def open(self, context: SuiteContext) -> None:
        from mtlbench_tasks.text.checkpoints import open_encoder
        from mtlbench_tasks.text.lexicon import Lexicon
        from mtlbench_tasks.text.pieces import check_tokenizer, tokenizer_digest

        self.context = context
        self.parts: dict[tuple[str, Split], Part] = {}
        self._masked_lm: MaskedLM | None = None
        self._classes_of = {}
        self.load()
        self.prototype, self.tokenizer = open_encoder(self.encoder_name, self.revision, context, self.texts)
        check_tokenizer(self.tokenizer, self.encoder_name)
        longest = getattr(self.prototype.config, "max_position_embeddings", self.max_length)
        require(
            self.max_length <= longest, f"max_length {self.max_length} is more than the encoder's {longest} positions"
        )
        if not self.keeps_pooler and getattr(self.prototype, "pooler", None) is not None:
            self.prototype.pooler = None
        self._tokenizer_digest = tokenizer_digest(self.tokenizer)
        self.lexicon = Lexicon(self.tokenizer)
        self.prepare()
        self.lexicon.forget()

    def stored(self, kind: str, parts: Sequence[str], make: Any) -> Arrays:
        """``make()`` kept below the cache folder under a digest of ``kind``, ``parts`` and the tokenizer."""
        from mtlbench_tasks.hub import cache_root
        from mtlbench_tasks.hub.digests import combined_digest
        from mtlbench_tasks.text.store import stored

        digest = combined_digest([kind, self._tokenizer_digest, *parts])
        return stored(cache_root(self.context) / "tokens", digest[:32], make)

    # The model.

    def model(self, seed: int) -> nn.Module:
        from mtlbench_tasks.text.networks import HeadedEncoder, new_heads

        config = self.prototype.config
        spread = float(getattr(config, "initializer_range", 0.02))
        heads = new_heads(self.outputs(), int(config.hidden_size), spread, seed)
        shared = heads.pop("", None)
        return HeadedEncoder(copy.deepcopy(self.prototype), shared, heads).to(self.context.device)

    def noise_point(self, model: nn.Module) -> nn.Module:
        embeddings: nn.Module = cast("Any", model).encoder.get_input_embeddings()
        return embeddings

    def hidden(self, model: nn.Module, batch: TokenBatch, task: str) -> tuple[Tensor, Tensor]:
        return cast("HeadedEncoder", model).states(batch)[0], batch.mask.bool()

    def masked_lm(self) -> MaskedLM | None:
        """Lines of ``mlm_texts`` under the encoder's own head; None without such texts, and (warned of) without it."""
        if self.mlm_texts is not None and self._masked_lm is None:
            from mtlbench_tasks.text.lines import masked_lm_of

            self._masked_lm = masked_lm_of(self)
        return self._masked_lm

    def _sizes(self, rows: Rows) -> tuple[SizeCheck, ...]:
        from mtlbench_tasks.hub.sizes import size_checks

        # Another data set in a suite's place has sizes of its own.
        return () if rows.source.stands_for else size_checks(self.name, rows.split, self.by_task(rows))

    def _examine_lines(self, rows: Rows) -> Sequence[str]:
        from mtlbench_tasks.text.lines import read_lines

        lines, blank = read_lines(rows, self.mlm_sentences)
        return [f"{len(lines)} lines of text" + (f", {blank} blank rows between them" if blank else "")]

    # Batches.

    def examples(self, task: str, split: Split) -> Sequence[Any]:
        part = self.parts[task, split]
        return _Rows(part)

    def collate(self, examples: Sequence[Any]) -> TokenBatch:
        part = examples[0][0]
        require(all(other is part for other, _ in examples), "a batch is of one task and split")
        return self._batch(part, [row for _, row in examples])

    def batch(self, task: str, split: Split, indices: Sequence[int]) -> TokenBatch:
        return self._batch(self.parts[task, split], indices)

    def tokens(self, batch: TokenBatch) -> int:
        return int(batch.mask.sum())

    def _batch(self, part: Part, rows: Sequence[int]) -> TokenBatch:
        from mtlbench_tasks.text.batches import token_batch

        pad = self.tokenizer.pad_token_id
        return token_batch(part.ids, part.types, rows, part.targets(rows), pad, self.context.device)

    def looks(self, part: Part) -> Iterator[tuple[list[int], TokenBatch]]:
        """All rows of a part in batches of like length, for scoring."""
        from mtlbench_tasks.text.batches import by_length

        for rows in by_length(part.ids.lengths, EVALUATION_TOKENS):
            yield rows, self._batch(part, rows)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        raise NotImplementedError

    def size(self, task: str) -> int:
        """N_t of a trained task."""
        return len(self.parts[task, "train"])

    def tasks(self) -> Sequence[Task]:
        raise NotImplementedError


class _Rows(Sequence[Any]):
    """The examples of a part: each is the part and a row of it."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [(self._part, each) for each in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self._part, row % len(self)
