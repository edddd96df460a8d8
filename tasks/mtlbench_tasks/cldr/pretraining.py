"""How the encoder of the CLDR suites is made from nothing: a tokenizer, then masked-LM training on one thread."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mtlbench_tasks.cldr.corpus import Line, lines
from mtlbench_tasks.cldr.inventory import names
from mtlbench_tasks.cldr.languages import LANGUAGES
from mtlbench_tasks.cldr.vocabulary import learn_pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from transformers import BertForMaskedLM

__all__ = ["Recipe", "train_encoder", "train_tokenizer", "write_encoder"]

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PAD, _MASK = 0, 4
_REPORTED: Final = 200
"""Steps between two lines of progress, over which a loss is averaged."""


@dataclass(frozen=True)
class Recipe:
    """All that the encoder depends on beside Babel's data."""

    seed: int = 0
    vocabulary: int = 8192
    layers: int = 2
    hidden: int = 64
    heads: int = 2
    feed_forward: int = 256
    positions: int = 128
    tokenizer_lines: int = 1000
    """Per language, to learn the vocabulary from."""
    lines: int = 5600
    """Per language and epoch; every epoch has new lines."""
    epochs: int = 4
    batch_size: int = 64
    lr: float = 2e-3
    warmup: float = 0.02
    """Share of all steps; the rate then falls linearly to 0."""
    beta2: float = 0.98
    weight_decay: float = 0.01
    clip: float = 1.0
    masked: float = 0.15
    """Share of tokens to predict; of those, 8 in 10 are masked, 1 is replaced, 1 is kept."""

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.epochs * -(-self.lines * len(LANGUAGES) // self.batch_size)


def write_encoder(recipe: Recipe, out: Path, report: Callable[[str], None]) -> dict[str, Any]:
    """Makes the encoder and writes config.json, model.safetensors (half precision), tokenizer.json and card.json.

    Returns the card: recipe, loss curve, digests of the text and of the files, and versions. The same recipe gives
    the same bytes on one kind of processor.
    """
    from safetensors.torch import save_file

    began = time.process_time()
    out.mkdir(parents=True, exist_ok=True)
    _write_json(out / "config.json", _config(recipe))  # first: a folder that refuses files is told of before training
    tokenizer = train_tokenizer(recipe)
    report(f"vocabulary of {tokenizer.get_vocab_size()} word pieces")
    model, curve, text = train_encoder(recipe, tokenizer, report)
    tokenizer.save(str(out / "tokenizer.json"))
    # The decoder's matrix is the word embeddings' and its bias the head's: they are stored once.
    tied = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
    weights = {key: value for key, value in sorted(model.state_dict().items()) if key not in tied}
    save_file({key: value.half().contiguous() for key, value in weights.items()}, out / "model.safetensors")
    card = {
        "encoder": "cldr-mini",
        "what": "BERT for 26 languages, pretrained by masked-LM on lists and phrases generated from the Unicode CLDR",
        "licence": "weights and vocabulary derive from CLDR data under the Unicode License v3; see NOTICE",
        "recipe": asdict(recipe),
        "languages": list(LANGUAGES),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "text_sha256": text,
        "loss": curve,
        "files": {name: _digest(out / name) for name in ("config.json", "model.safetensors", "tokenizer.json")},
        "versions": {name: metadata.version(name) for name in ("babel", "tokenizers", "torch", "transformers")},
    }
    _write_json(out / "card.json", card)
    report(f"written to {out} after {time.process_time() - began:.0f} seconds of processor time")
    return card


def train_tokenizer(recipe: Recipe) -> Tokenizer:
    """A cased WordPiece vocabulary over names and lines of all languages alike; digits stand alone."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
    parts = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)])
    counts: Counter[str] = Counter()
    for text in _tokenizer_texts(recipe):
        counts.update(word for word, _ in parts.pre_tokenize_str(normalizer.normalize_str(text)))
    pieces = learn_pieces(counts, recipe.vocabulary, _SPECIAL)
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=_SPECIAL[1]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, parts
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _tokenizer_texts(recipe: Recipe) -> Iterator[str]:
    for language in LANGUAGES:
        yield from (name.text for name in names(language))
        for line in lines(language, recipe.tokenizer_lines, recipe.seed, "tokenizer"):
            yield from filter(None, line)


def train_encoder(
    recipe: Recipe, tokenizer: Tokenizer, report: Callable[[str], None]
) -> tuple[BertForMaskedLM, list[tuple[int, float]], str]:
    """(model, [(step, mean loss of the steps before it)], sha256 of the text)."""
    from transformers import BertConfig, BertForMaskedLM

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over threads would depend on their number
    torch.manual_seed(recipe.seed)
    model = BertForMaskedLM(BertConfig(**_config(recipe))).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.lr, betas=(0.9, recipe.beta2), weight_decay=recipe.weight_decay, fused=True
    )
    rng, text = np.random.default_rng(recipe.seed), hashlib.sha256()
    curve, losses, step = [], [], 0
    for epoch in range(recipe.epochs):
        for ids, segments in _batches(recipe, tokenizer, epoch, text):
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = _rate(recipe, step)
            loss = _loss(model, ids, segments, recipe, rng)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            losses.append(loss.item())
            if step % _REPORTED == 0 or step == recipe.steps:
                curve.append((step, round(sum(losses) / len(losses), 4)))
                report(f"step {step} of {recipe.steps}: loss {curve[-1][1]:.3f}")
                losses.clear()
    torch.set_num_threads(threads)
    return model.eval(), curve, text.hexdigest()


def _rate(recipe: Recipe, step: int) -> float:
    warmup = recipe.warmup * recipe.steps
    return recipe.lr * min(step / warmup, (recipe.steps - step + 1) / (recipe.steps - warmup))


def _batches(
    recipe: Recipe, tokenizer: Tokenizer, epoch: int, text: Any
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """One epoch's (ids, segments), each (B, L), in batches of lines of similar length; ``text`` digests the lines."""
    rng = random.Random(f"cldr batches {recipe.seed} {epoch}")
    found: list[tuple[list[int], list[int]]] = []
    for language in LANGUAGES:
        drawn = lines(language, recipe.lines, recipe.seed, f"train {epoch}")
        text.update("".join(f"{one}\t{two}\n" for one, two in drawn).encode())
        found += _encoded(tokenizer, drawn, recipe.positions)
    rng.shuffle(found)
    found.sort(key=lambda line: len(line[0]))
    groups = [found[start : start + recipe.batch_size] for start in range(0, len(found), recipe.batch_size)]
    rng.shuffle(groups)
    for group in groups:
        out = np.full((2, len(group), max(len(ids) for ids, _ in group)), _PAD, dtype=np.int64)
        for row, (ids, segments) in enumerate(group):
            out[0, row, : len(ids)] = ids
            out[1, row, : len(ids)] = segments
        yield out[0], out[1]


def _encoded(tokenizer: Tokenizer, drawn: Sequence[Line], positions: int) -> list[tuple[list[int], list[int]]]:
    """Token and segment ids of each line, cut at the last position."""
    rows = tokenizer.encode_batch([(one, two) if two else one for one, two in drawn])
    return [(row.ids[:positions], row.type_ids[:positions]) for row in rows]


def _loss(
    model: BertForMaskedLM, ids: NDArray[Any], segments: NDArray[Any], recipe: Recipe, rng: np.random.Generator
) -> Tensor:
    """Mean cross-entropy of the chosen tokens; the decoder sees no others, which halves the cost of a step."""
    chosen = (rng.random(ids.shape) < recipe.masked) & (ids >= len(_SPECIAL))
    how = rng.random(ids.shape)
    noise = rng.integers(len(_SPECIAL), recipe.vocabulary, ids.shape)
    read = np.where(chosen & (how < 0.8), _MASK, ids)
    read = np.where(chosen & (how >= 0.8) & (how < 0.9), noise, read)
    found = model.bert(
        input_ids=torch.from_numpy(read),
        token_type_ids=torch.from_numpy(segments),
        attention_mask=torch.from_numpy((ids != _PAD).astype(np.int64)),
    )
    wanted = torch.from_numpy(chosen)
    logits: Tensor = model.cls(found.last_hidden_state[wanted])  # (chosen, V)
    return functional.cross_entropy(logits, torch.from_numpy(ids)[wanted])


def _config(recipe: Recipe) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "architectures": ["BertForMaskedLM"],
        "vocab_size": recipe.vocabulary,
        "hidden_size": recipe.hidden,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": recipe.feed_forward,
        "max_position_embeddings": recipe.positions,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": _PAD,
        "type_vocab_size": 2,
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
