from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import torch

from mtlbench.cli import main
from mtlbench.interface import BadSetting
from mtlbench_tasks.cldr import encoder as shipped
from mtlbench_tasks.cldr.encoder import card, load_encoder, masked_lm_head, read_encoder
from mtlbench_tasks.cldr.pretraining import Recipe, write_encoder

SMALL = Recipe(vocabulary=600, tokenizer_lines=5, lines=8, epochs=1, batch_size=16, hidden=16, feed_forward=32)


def test_the_shipped_encoder_reads_all_languages() -> None:
    model, tokenizer = load_encoder("cldr-mini", None)
    batch = tokenizer(["Kenya, Mali and Togo", "केन्या और माली", "肯尼亚和马里"], return_tensors="pt", padding=True)
    assert tokenizer.unk_token_id not in batch["input_ids"]
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    assert hidden.shape[2] == model.config.hidden_size == 64
    assert not model.training


def test_other_names_are_left_to_other_plugins_and_other_revisions_refused() -> None:
    assert load_encoder("bert-base", None) is None
    with pytest.raises(BadSetting, match="found '7'"):
        load_encoder("cldr-mini", "7")


def test_the_card_tells_the_recipe_and_the_digests_of_the_files() -> None:
    folder = resources.files(shipped.__package__) / "cldr-mini"
    for name, digest in card()["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert card()["recipe"] == json.loads(json.dumps(Recipe().__dict__))
    assert card()["loss"][-1][1] < 0.5 * card()["loss"][0][1]
    assert "babel" in card()["versions"]


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    lines: list[str] = []
    found = write_encoder(SMALL, tmp_path, lines.append)
    model, tokenizer = read_encoder(tmp_path)
    assert len(tokenizer) == model.config.vocab_size == 600
    assert found == json.loads((tmp_path / "card.json").read_text("utf-8")) | {"loss": found["loss"]}
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert any("step" in line for line in lines)


def test_the_same_recipe_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    def digests(recipe: Recipe, name: str) -> dict[str, str]:
        files: dict[str, str] = write_encoder(recipe, tmp_path / name, lambda _: None)["files"]
        return files

    first = digests(SMALL, "first")
    assert first == digests(SMALL, "again")
    assert first["model.safetensors"] != digests(replace(SMALL, seed=1), "other")["model.safetensors"]


def test_the_masked_lm_head_is_the_one_of_pretraining() -> None:
    head = masked_lm_head()
    width = load_encoder("cldr-mini", None)[0].config.hidden_size
    assert head(torch.zeros(1, width)).shape == (1, Recipe().vocabulary)


def test_pretraining_an_encoder_that_nobody_offers_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "no-such-encoder"]) == 2
    assert "no-such-encoder" in capsys.readouterr().err


def test_a_folder_that_refuses_files_is_told_of_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["pretrain", "cldr-mini", "--out", str(tmp_path / "taken")]) == 2
    told = capsys.readouterr().err
    assert "cannot write" in told
    assert "word pieces" not in told


def test_a_seed_below_0_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "cldr-mini", "--out", str(tmp_path), "--seed", "-1"]) == 2
    assert "--seed must be 0 or more, found -1" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("MTLBENCH_PRETRAIN" not in os.environ, reason="takes ten minutes: set MTLBENCH_PRETRAIN to run it")
def test_the_shipped_encoder_is_made_again(tmp_path: Path) -> None:
    """The weights' bytes are of one type of processor, so elsewhere only their loss can be compared."""
    made = write_encoder(Recipe(), tmp_path, print)
    assert made["text_sha256"] == card()["text_sha256"]
    assert made["files"]["config.json"] == card()["files"]["config.json"]
    assert made["files"]["tokenizer.json"] == card()["files"]["tokenizer.json"]
    assert made["loss"][-1][1] == pytest.approx(card()["loss"][-1][1], abs=0.05)
