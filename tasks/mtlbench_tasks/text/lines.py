"""Plain text in the layout of CC-100: a row is a line with its line break, and a blank one parts two documents."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlbench.interface import BadDataset, MaskedLM
from mtlbench_tasks.text.lexicon import Lexicon
from mtlbench_tasks.text.pieces import frame_of

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.interface import DataSource
    from mtlbench_tasks.hub import Rows
    from mtlbench_tasks.text.suite import TextSuite

__all__ = ["COLUMNS", "masked_lm_of", "read_lines", "token_table"]

COLUMNS = ("text",)
_AT_ONCE = 10_000
"""Rows that are looked at together: a corpus has millions, and the first few thousand are wanted."""


def masked_lm_of(suite: TextSuite) -> MaskedLM | None:
    """The masked-LM texts of an open suite that names some; None, with a warning, when its encoder has no such head."""
    from mtlbench_tasks.text.checkpoints import open_masked_lm
    from mtlbench_tasks.text.forgetting import head_logits
    from mtlbench_tasks.text.suite import EVALUATION_TOKENS

    tokenizer = suite.tokenizer
    pretrained = open_masked_lm(suite.encoder_name, suite.revision, suite.context)
    if pretrained is None or tokenizer.mask_token_id is None:
        warnings.warn(
            f"{suite.name}: {suite.encoder_name} has no pretrained masked-LM head, so its loss is not measured",
            stacklevel=2,
        )
        return None
    tables = {}
    for source in suite.text_sources():
        table = _table(suite, source)
        if len(table):
            tables[source.config or ""] = table
        else:
            warnings.warn(f"{suite.encoder_name} knows no word of {source.name} ({source.config})", stacklevel=2)
    if not tables:
        return None
    trained = set(suite.seen_languages())
    seen = {code for code in tables if code.partition("-")[0] in trained}  # zh-Hans is zh
    longest = max(table.shape[1] for table in tables.values())
    return MaskedLM(
        seen={code: table for code, table in tables.items() if code in seen},
        unseen={code: table for code, table in tables.items() if code not in seen},
        logits=head_logits(pretrained, tokenizer.pad_token_id, suite.context.device),
        mask_id=tokenizer.mask_token_id,
        pad_id=tokenizer.pad_token_id,
        special_ids=frozenset(tokenizer.all_special_ids),
        vocabulary=int(suite.prototype.config.vocab_size),
        batch_size=max(1, EVALUATION_TOKENS // longest),
    )


def _table(suite: TextSuite, source: DataSource) -> Tensor:
    """The lines of one language as token ids, kept between runs."""
    from mtlbench_tasks.hub import read
    from mtlbench_tasks.hub.rows import fingerprint

    def make() -> dict[str, Any]:
        lines, _ = read_lines(read(source, "train", suite.context, COLUMNS), suite.mlm_sentences)
        return {"table": token_table(suite.tokenizer, lines, suite.max_length)}

    parts = [fingerprint(source, suite.context), str(suite.mlm_sentences), str(suite.max_length)]
    table = suite.stored("lines 1", parts, make)["table"]
    return torch.from_numpy(np.array(table)).to(suite.context.device)


def read_lines(rows: Rows, most: int) -> tuple[list[str], int]:
    """(the first ``most`` lines that are not blank, how many blank rows stood between them).

    Raises BadDataset, naming file and row, for a missing text, and when all rows are blank.
    """
    found: list[str] = []
    blank = 0
    for start in range(0, len(rows), _AT_ONCE):
        for at, text in enumerate(rows.values("text", start, _AT_ONCE)):
            if text is None:
                raise BadDataset(f"{rows.where(start + at)}: text is missing (null)")
            if not text.strip():
                blank += 1
                continue
            found.append(text.strip())
            if len(found) == most:
                return found, blank
    if not found:
        raise BadDataset(f"{rows.files[0]}: no row has any text")
    return found, blank


def token_table(tokenizer: Any, lines: list[str], max_length: int) -> NDArray[np.int64]:
    """(N, L) int64: the lines framed as single texts, cut to ``max_length`` tokens, padded, shortest first.

    Of like length together, so that a batch holds little padding. A line of which the tokenizer knows nothing (all
    its tokens are special, the unknown one among them) is left out: there is nothing in it to predict.
    """
    frame = frame_of(tokenizer, pair=False)
    room = max_length - frame.specials
    special = set(tokenizer.all_special_ids)
    texts = Lexicon(tokenizer).texts(lines)
    cut = [texts[row][:room].tolist() for row in range(len(texts))]
    rows = [frame.ids(ids) for ids in cut if not special.issuperset(ids)]
    rows.sort(key=len)
    table = np.full((len(rows), len(rows[-1]) if rows else 0), tokenizer.pad_token_id, dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
