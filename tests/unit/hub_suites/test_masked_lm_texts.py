"""The masked-LM texts of the suites of real data: plain text in CC-100's layout under the checkpoint's own head."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest
import torch
import transformers

from mtlbench.engine.mlm_probe import MaskedLMProbe
from mtlbench.interface import BadDataset, BadSetting, SuiteContext
from mtlbench_tasks.cldr import encoder as cldr_mini
from mtlbench_tasks.glue import GLUE
from mtlbench_tasks.squad_mlqa import SquadMLQA
from mtlbench_tasks.text.forgetting import head_logits
from mtlbench_tasks.text.networks import HeadedEncoder
from mtlbench_tasks.text.tiny import tiny_tokenizer
from mtlbench_tasks.wikiann import WikiAnn

LINES = ["\n", "red green blue\n", "black white\n", "\n", "lime teal navy gold\n", "pink\n"]
TEXTS = {"mlm_texts": "some/lines", "mlm_languages": ("sw", "zh-Hans")}
NER = WikiAnn(encoder_name="cldr-mini", languages=("sw",), **TEXTS)


def write_lines(write: Any, root: Path, code: str, lines: list[str | None]) -> None:
    features = datasets.Features({"id": datasets.Value("string"), "text": datasets.Value("string")})
    rows = [{"id": str(row), "text": text} for row, text in enumerate(lines)]
    write(root, "some/lines", code, "train", rows, features)


@pytest.fixture
def context(own_snapshot: Path, tmp_path: Path, write: Any) -> SuiteContext:
    for code in ("sw", "zh-Hans", "en"):
        write_lines(write, own_snapshot, code, LINES)
    return SuiteContext(
        data_root=own_snapshot,
        cache_dir=tmp_path / "cache",
        load_encoder=cldr_mini.load_encoder,
        load_masked_lm=lambda name, _: cldr_mini.mtlbench_load_masked_lm(name),
    )


def opened(suite: Any, context: SuiteContext) -> Any:
    suite = copy.deepcopy(suite)
    suite.open(context)
    return suite


def test_languages_of_tasks_are_seen_and_the_others_unseen(context: SuiteContext) -> None:
    found = opened(NER, context).masked_lm()
    assert (list(found.seen), list(found.unseen)) == (["sw"], ["zh-Hans"])
    assert len(found.seen["sw"]) == 4  # the blank rows are none
    assert opened(dataclasses.replace(NER, mlm_sentences=3), context).masked_lm().seen["sw"].shape[0] == 3


def test_the_probe_gives_numbers_and_a_changed_encoder_others(context: SuiteContext) -> None:
    suite = opened(NER, context)
    model = suite.model(0).eval()
    with torch.no_grad():
        model.encoder.get_input_embeddings().weight.mul_(0.5)
    found = MaskedLMProbe().measure(SimpleNamespace(suite=suite, model=model, last=True, tasks=suite.tasks()))  # type: ignore[arg-type]
    assert found is not None
    assert set(found["languages"]) == {"sw", "zh-Hans"}
    assert 0 < found["start"]["seen"] != found["seen"]


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "albert", "electra", "xlm-roberta"])
def test_the_head_over_known_states_is_the_whole_model(kind: str) -> None:
    sizes = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    more = {"intermediate_size": 24, "embedding_size": 8, "max_position_embeddings": 40, "pad_token_id": 0}
    config = transformers.AutoConfig.for_model(kind, **sizes, **more)
    torch.manual_seed(0)
    whole = transformers.AutoModelForMaskedLM.from_config(config).eval()
    ids = torch.randint(3, 30, (4, 9))
    ids[0, 5:] = 0
    chosen = (torch.rand(ids.shape) < 0.4) & (ids != 0)
    with torch.no_grad():
        wanted = whole(input_ids=ids, attention_mask=(ids != 0).long()).logits[chosen]
        model = HeadedEncoder(copy.deepcopy(whole.base_model), None, {}).eval()
        found = head_logits(copy.deepcopy(whole), 0, "cpu")(model, ids, chosen)
    torch.testing.assert_close(found, wanted)


def test_a_checkpoint_with_its_head_is_measured_and_one_without_is_not(
    context: SuiteContext, own_snapshot: Path
) -> None:
    tokenizer = tiny_tokenizer(LINES)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    for name, kind in (("with", transformers.BertForMaskedLM), ("without", transformers.BertModel)):
        kind(config).save_pretrained(own_snapshot / "own" / name)
        tokenizer.save_pretrained(own_snapshot / "own" / name)
    found = opened(dataclasses.replace(NER, encoder_name="own/with"), context).masked_lm()
    assert found is not None
    for name in ("own/without", "tiny-random:bert"):
        bare = opened(dataclasses.replace(NER, encoder_name=name), context)
        with pytest.warns(UserWarning, match=f"{name} has no pretrained masked-LM head"):
            assert bare.masked_lm() is None
        (told,) = (report for report in bare.check_data(context) if report.source.kind == "encoder")
        assert "masked-LM head: none, so its loss is not measured" in told.notes


def test_without_texts_nothing_is_read_or_measured(context: SuiteContext) -> None:
    silent = opened(dataclasses.replace(NER, mlm_texts=None, mlm_languages=()), context)
    assert silent.masked_lm() is None
    assert silent.fingerprint(context) != opened(NER, context).fingerprint(context)
    assert "some/lines" not in {source.name for source in silent.sources()}


def test_texts_are_sources_of_their_own(context: SuiteContext, own_snapshot: Path, write: Any) -> None:
    glue = GLUE(encoder_name="cldr-mini", configs=("rte",), mlm_texts="some/lines@v1")
    texts = [source for source in glue.sources() if source.name == "some/lines"]
    assert [(source.config, source.revision, source.files) for source in texts] == [("en", "v1", 1)]
    squad = SquadMLQA(encoder_name="cldr-mini", mlm_texts="some/lines", unseen_languages=("zh", "ar"))
    assert [source.config for source in squad.text_sources()] == ["en", "zh", "ar"]
    report = next(each for each in NER.check_data(context) if each.source.config == "zh-Hans")
    assert (report.rows, report.notes) == (6, ("4 lines of text, 2 blank rows between them",))
    before = NER.fingerprint(context)
    write_lines(write, own_snapshot, "zh-Hans", ["other\n"])
    assert NER.fingerprint(context) != before


@pytest.mark.parametrize(
    ("lines", "words"),
    [(["a\n", None], r"train-00000-of-00001.parquet, row 1: text is missing"), (["\n", " "], "no row has any text")],
)
def test_lines_that_no_rule_covers_are_named(
    lines: list[str | None], words: str, context: SuiteContext, own_snapshot: Path, write: Any
) -> None:
    write_lines(write, own_snapshot, "sw", lines)
    with pytest.raises(BadDataset, match=words):
        opened(NER, context).masked_lm()


def test_a_language_of_which_the_encoder_knows_nothing_is_left_out_with_a_warning(
    context: SuiteContext, own_snapshot: Path, write: Any
) -> None:
    write_lines(write, own_snapshot, "zh-Hans", ["\u1201\u1202 \u1203\n"])
    with pytest.warns(UserWarning, match=r"cldr-mini knows no word of some/lines \(zh-Hans\)"):
        found = opened(NER, context).masked_lm()
    assert (list(found.seen), list(found.unseen)) == (["sw"], [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mlm_sentences": 0}, "mlm_sentences must be positive"),
        ({"mlm_texts": None}, "mlm_languages are of mlm_texts, which is none"),
        ({"mlm_texts": "cc100"}, r"mlm_texts is NAME\[@REVISION\]"),
    ],
)
def test_an_option_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        dataclasses.replace(NER, **changes)
