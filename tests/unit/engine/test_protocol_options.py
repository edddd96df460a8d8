"""Precision, micro-batches and activation checkpointing, under every method that is installed."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench import BadSetting, Score, SuiteContext, TrainingProtocol
from mtlbench.cli import main
from mtlbench.engine.micro_batches import cut, cut_batch, weighed
from mtlbench.engine.recomputing import recompute_activations, recomputing
from mtlbench.interface.settings import build
from mtlbench.plugins import load_registry
from mtlbench.testing.short_run import Setup, Trained
from mtlbench.testing.toy_suite import ToySuite, small_settings

METHODS = {name: entry.cls for name, entry in load_registry().methods.items() if entry.distribution == "mtlbench"}
ALL_THREE = {"precision": "bfloat16", "accumulate": 2, "activation_checkpointing": True}


@dataclass
class Exact(ToySuite):
    """The toy suite in float64, without what looks across a batch (batch normalisation) or is drawn (dropout)."""

    name = "exact"

    def model(self, seed: int) -> nn.Module:
        model: Any = super().model(seed)
        model.encoder.dropout.p = 0.0
        model.encoder.norm = nn.Identity()
        return model.double()


@dataclass
class Tagged(Exact):
    """A label for every word, and a loss that is their mean: padding has none."""

    name = "tagged"

    def loss(self, model: Any, batch: Any, task: str) -> Tensor:
        scores = model.heads[task](model.encoder.hidden(batch[0]) + 0 * model.encoder(batch[0])[:, None])
        labels = torch.where(batch[0] == 0, -100, batch[0] % 2)
        return functional.cross_entropy(scores.flatten(0, 1), labels.flatten())

    def terms(self, batch: Any) -> int | None:
        return int((batch[0] != 0).sum())


@dataclass
class Untold(Tagged):
    name = "untold"

    def terms(self, batch: Any) -> None:
        return None


@dataclass
class TinyBert(ToySuite):
    """The toy suite's sentences under a transformers encoder, with its dropout."""

    name = "tiny-bert"

    def model(self, seed: int) -> nn.Module:
        from transformers import BertConfig, BertModel

        sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
        model: Any = nn.Module()
        model.encoder = BertModel(BertConfig(vocab_size=12, max_position_embeddings=8, **sizes), False)
        model.heads = nn.ModuleDict({task.name: nn.Linear(8, 2) for task in self.tasks()})
        return model

    def hidden(self, model: Any, batch: Any, task: str) -> tuple[Tensor, Tensor]:
        mask = batch[0] != 0
        return model.encoder(input_ids=batch[0], attention_mask=mask.long()).last_hidden_state, mask

    def _logits(self, model: Any, batch: Any, task: str) -> Tensor:
        states, mask = self.hidden(model, batch, task)
        return model.heads[task]((states * mask[:, :, None]).sum(1) / mask.sum(1)[:, None])

    def loss(self, model: Any, batch: Any, task: str) -> Tensor:
        return functional.cross_entropy(self._logits(model, batch, task), batch[1])

    def score(self, model: Any, task: str, split: Any) -> Score:
        batch = self.collate(self.examples(task, split))
        return Score(100.0 * float((self._logits(model, batch, task).argmax(1) == batch[1]).double().mean()), 1)

    def noise_point(self, model: Any) -> nn.Module:
        return model.encoder.embeddings.word_embeddings


def setup_of(method: str, suite_class: type[ToySuite], asked: dict[str, Any], **settings: Any) -> Setup:
    suite, cls = suite_class(), METHODS[method]
    suite.open(SuiteContext(seed=0))
    values = {**small_settings(cls), **settings}
    protocol = dataclasses.replace(suite.protocol, budget=18, evaluations=1, **asked)
    return Setup(lambda: build(cls, values, method), suite, protocol, SuiteContext(seed=0))


@cache
def plain(method: str) -> Trained:
    return setup_of(method, TinyBert, {}).run()


def apart(one: Trained, other: Trained, dtype: type) -> float:
    return float(np.abs(np.frombuffer(one.values, dtype) - np.frombuffer(other.values, dtype)).max())


def counts(trained: Trained) -> dict[str, int]:
    assert trained.result["divergence"] is None
    assert trained.result["audit"]["agrees"], trained.result["audit"]
    return trained.result["counts"]


# Micro-batches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "parts"),
    [(1, [[0, 1, 2, 3, 4]]), (2, [[0, 1, 2], [3, 4]]), (4, [[0, 1], [2], [3], [4]]), (9, [[0], [1], [2], [3], [4]])],
)
def test_a_batch_is_cut_evenly_and_never_into_empty_parts(count, parts):
    assert cut(range(5), count) == parts


@pytest.mark.parametrize("name", sorted(METHODS))
def test_micro_batches_train_to_the_same_parameters(name, monkeypatch):
    # What SWEP draws and averages within a batch depends on the cut: without noise and KL it is as exact as the rest.
    monkeypatch.setattr("mtlbench_methods.swep.noise", lambda mean, *_: torch.ones_like(mean))
    settings = {"kl_weight": 0.0} if name == "swep" else {}
    whole = setup_of(name, Exact, {}, **settings).run()
    parted = setup_of(name, Exact, {"accumulate": 2}, **settings).run()
    assert apart(whole, parted, np.float64) < 1e-8
    once, twice = counts(whole), counts(parted)
    assert {key for key in once if once[key] != twice[key]} <= {"forwards", "backwards", "extra_forwards"}
    assert (twice["forwards"], twice["backwards"]) == (2 * once["forwards"], 2 * once["backwards"])


def test_parts_of_a_mean_over_tokens_are_weighed_by_their_tokens():
    whole, parted = (setup_of("mtl", Tagged, asked).run() for asked in ({}, {"accumulate": 3}))
    assert apart(whole, parted, np.float64) < 1e-8
    assert apart(whole, setup_of("mtl", Untold, {"accumulate": 3}).run(), np.float64) > 1e-6


def test_a_part_without_terms_is_left_out():
    suite = Tagged()
    suite.open(SuiteContext())
    batch = cut_batch(suite, "first", 0, "train", range(4), 2)
    empty = dataclasses.replace(batch.parts[0], payload=(torch.zeros(2, 5, dtype=torch.long), None))
    assert weighed(suite, dataclasses.replace(batch, parts=(empty, batch.parts[1]))) == [(batch.parts[1], 1.0)]


def test_more_parts_than_examples_are_refused():
    with pytest.raises(BadSetting, match="accumulate cuts a batch of 4 into 1 to 4 parts, found 5"):
        TrainingProtocol(batch_size=4, accumulate=5)


# Activation checkpointing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(METHODS))
def test_recomputed_activations_train_to_the_same_parameters(name):
    trained = setup_of(name, TinyBert, {"activation_checkpointing": True}).run()
    assert apart(plain(name), trained, np.float32) < 1e-6
    assert counts(trained) == counts(plain(name))


@pytest.mark.parametrize("training", [True, False])
def test_recomputed_activations_are_not_kept(training):
    suite = TinyBert()
    suite.open(SuiteContext())
    kept: dict[bool, int] = {}
    gradients: dict[bool, Tensor] = {}
    for again in (False, True):
        torch.manual_seed(0)
        model = suite.model(0)
        if again:
            recompute_activations(suite, model)
        model.train(training)
        torch.manual_seed(1)
        sizes: list[int] = []
        looking = contextlib.nullcontext() if training else recomputing(model)
        seen = torch.autograd.graph.saved_tensors_hooks(lambda t, s=sizes: s.append(t.numel()) or t, lambda t: t)
        with seen, looking:
            loss = suite.loss(model, suite.batch("first", "train", range(4)), "first")
        kept[again] = sum(sizes)
        gradients[again] = torch.autograd.grad(loss, model.encoder.embeddings.word_embeddings.weight)[0]
    assert kept[True] < kept[False] / 2
    assert torch.allclose(gradients[True], gradients[False], atol=1e-7)


def test_an_encoder_that_cannot_recompute_is_refused_before_anything_is_trained(capsys, tmp_path):
    where = ["--results", str(tmp_path / "results"), "--executor", "serial", "--quiet"]
    assert main(["run", "synthetic", "-m", "mtl", "--set", "activation_checkpointing=true", *where]) == 2
    told = capsys.readouterr().err
    assert "activation_checkpointing needs an encoder of transformers" in told
    assert "Traceback" not in told
    assert not (tmp_path / "results").exists()


# Precision and all together -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_trains_in_bfloat16_and_keeps_float32(name):
    trained = setup_of(name, TinyBert, {"precision": "bfloat16"}).run()
    assert counts(trained) == counts(plain(name))
    assert len(trained.values) == len(plain(name).values)
    assert apart(plain(name), trained, np.float32) > 0
    losses = [run.result["curve"][0]["dev"] for run in (plain(name), trained)]
    assert losses[0].keys() == losses[1].keys()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_all_three_together_resume_to_the_same_bytes(name):
    setup = setup_of(name, TinyBert, ALL_THREE)
    whole = setup.run()
    assert counts(whole)["gradients"] == counts(plain(name))["gradients"]
    assert setup.run_interrupted(max(1, whole.steps // 2)) == whole


def test_probes_look_in_training_parts_and_precision(train):
    def cosine(**asked: Any) -> float:
        found = train(suite=TinyBert, budget=6, evaluations=1, **asked)
        assert found["outcome"]["audit"]["agrees"]
        assert found["measured"]["flops_per_gradient"] > 0
        return found["outcome"]["curve"][0]["probes"]["cosine"]["mean"]

    exact = cosine()
    assert cosine(accumulate=2) == pytest.approx(exact, abs=1e-5)
    assert cosine(activation_checkpointing=True) == pytest.approx(exact, abs=1e-6)
    low = cosine(precision="bfloat16")
    assert low != exact
    assert low == pytest.approx(exact, abs=0.05)
