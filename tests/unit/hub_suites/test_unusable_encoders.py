"""Checkpoints that cannot be used: one clear line each, when a suite is opened and when its data is checked."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
import transformers

from mtlbench.cli import main
from mtlbench.interface import MissingData, SuiteContext
from mtlbench_tasks.text.checkpoints import load_masked_lm, open_encoder, open_image_encoder
from mtlbench_tasks.text.pieces import check_tokenizer
from mtlbench_tasks.text.tiny import tiny_bert, tiny_resnet, tiny_tokenizer

Damage = Callable[[Path], None]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(cache))
    monkeypatch.delenv("MTLBENCH_DATA_ROOT", raising=False)


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    tokenizer = tiny_tokenizer(["red green blue"])
    tiny_bert(len(tokenizer)).save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def weights(content: Callable[[bytes], bytes]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(content(path.read_bytes()))

    return damage


def no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def configured(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return damage


def pickled(folder: Path) -> None:
    state = transformers.BertModel.from_pretrained(folder).state_dict()
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def t5(folder: Path) -> None:
    config = transformers.T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    transformers.T5Model(config).save_pretrained(folder)


def other_weights(folder: Path) -> None:
    tiny_resnet().save_pretrained(folder / "resnet")
    (folder / "resnet" / "model.safetensors").rename(folder / "model.safetensors")


def no_padding(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)


CASES: dict[str, tuple[Damage, str]] = {
    "weights cut short": (weights(lambda found: found[:-40]), "its safetensors cannot be read"),
    "a header cut short": (weights(lambda found: found[:1000]), "its safetensors cannot be read"),
    "garbage": (weights(lambda _: b"garbage"), "its safetensors cannot be read"),
    "weights by pickle alone": (pickled, "only weights in safetensors are read"),
    "no JSON": (
        no_json,
        "cannot be read from that folder",
    ),
    "a config of another shape": (
        configured(hidden_size=32),
        r"weights do not fit its config.json: .* not \(",
    ),
    "weights of another model": (other_weights, "are not those of a BertModel"),
    "an encoder with a decoder": (t5, r"is an encoder with a decoder \(T5Model\)"),
    "no padding token": (no_padding, "has no padding token"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_checkpoint_that_cannot_be_used_is_told_in_one_line(case: str, bert: Path) -> None:
    damage, words = CASES[case]
    damage(bert)
    with pytest.raises(MissingData, match=words) as raised:
        check_tokenizer(open_encoder(str(bert), None, SuiteContext(), lambda: ["a"])[1], str(bert))
    assert "\n" not in str(raised.value)


def test_a_sound_checkpoint_keeps_its_weights(bert: Path) -> None:
    found, _ = open_encoder(str(bert), None, SuiteContext(), lambda: ["a"])
    for name, weight in transformers.BertModel.from_pretrained(bert).state_dict().items():
        assert torch.equal(found.state_dict()[name], weight), name


def test_a_text_encoder_is_refused_for_images_and_the_reverse(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="is no image encoder: BertModel takes input_ids"):
        open_image_encoder(str(bert), None, SuiteContext())
    tiny_resnet().save_pretrained(tmp_path / "resnet")
    with pytest.raises(MissingData, match="is no text encoder: it has no tokenizer"):
        open_encoder(str(tmp_path / "resnet"), None, SuiteContext(), lambda: ["a"])
    assert type(open_image_encoder(str(tmp_path / "resnet"), None, SuiteContext())).__name__ == "ResNetModel"


def test_a_masked_lm_head_of_another_shape_is_none(bert: Path) -> None:
    config = transformers.BertConfig.from_pretrained(bert)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers.BertForMaskedLM(config).save_pretrained(bert)
    assert load_masked_lm(str(bert), None) is not None
    configured(vocab_size=config.vocab_size + 8)(bert)
    assert load_masked_lm(str(bert), None) is None


@pytest.mark.parametrize("case", ["garbage", "a config of another shape", "no padding token"])
def test_a_run_ends_with_two_and_the_check_calls_the_encoder_bad(
    case: str, bert: Path, snapshot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, _ = CASES[case]
    damage(bert)
    asked = ["wikiann[languages=[sw],max_length=32]", "--encoder", str(bert), "--data-root", str(snapshot)]
    assert main(["run", *asked, "-m", "mtl", "--budget", "4", "--results", str(tmp_path / "r"), "--quiet"]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert main(["data", "check", *asked]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:5]] == ["ok", "ok", "ok", "BAD"]
    assert sum(line.startswith("problem: ") for line in lines) == 1
