"""Micro-batches, lower precision and activation checkpointing on every suite of real data, with toy encoders."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
from torch import nn

from mtlbench import BadSetting, Method, Suite, SuiteContext
from mtlbench.cli import main
from mtlbench.engine.recomputing import recompute_activations
from mtlbench.plugins import load_registry
from mtlbench.testing.laws import try_law
from mtlbench.testing.short_run import Setup, Trained
from mtlbench.testing.suite_laws import SUITE_LAWS, SuiteSubject

QUESTIONS = {"max_length": 24, "stride": 8, "max_question": 6}
OPTIONS: dict[str, dict[str, Any]] = {
    "tydiqa": {**QUESTIONS, "languages": ("en", "ko"), "unseen_languages": ("zh",)},
    "wikiann": {"languages": ("sw", "yo"), "max_length": 32},
    "squad-mlqa": {
        **QUESTIONS,
        "pseudo_tasks": 2,
        "replace": ("rajpurkar/squad=standin/squad",),
        "unseen_languages": ("zh",),
    },
    "mnli-xnli": {"pseudo_tasks": 2, "unseen_languages": ("de",), "max_length": 32},
    "glue": {"configs": ("rte", "cola", "stsb"), "max_length": 32},
    "vision": {"datasets": ("ylecun/mnist:mnist", "standin/letters:mnist"), "image_size": 16},
}
TEXTS = [name for name in OPTIONS if name != "vision"]
FIELDS: dict[str, Any] = {"precision": "bfloat16", "accumulate": 2, "activation_checkpointing": True}

pytestmark = pytest.mark.filterwarnings("ignore:a cluster holds less than")


@dataclass
class _PlainMTL(Method):
    name = "mtl"


def options(name: str) -> dict[str, Any]:
    return {**OPTIONS[name], "encoder_name": "tiny-random:resnet" if name == "vision" else "tiny-random:bert"}


def opened(name: str, context: SuiteContext) -> Suite:
    suite: Suite = load_registry().suite(name).cls(**options(name))
    suite.open(context)
    return suite


def exact(suite: Suite, change: Callable[[nn.Module], None] = lambda _: None) -> Suite:
    """The suite in float64 and without dropout: parts must then add up to many digits. change: of its models."""
    model, batch = suite.model, suite.batch

    def in_float64(seed: int) -> nn.Module:
        found = model(seed).double()
        for module in found.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        change(found)
        return found

    def pixels_in_float64(*asked: Any) -> Any:
        found = batch(*asked)
        return replace(found, pixels=found.pixels.double())

    plain: Any = suite
    plain.model = in_float64
    if suite.name == "vision":
        plain.batch = pixels_in_float64
    return suite


def trained(suite: Any, context: SuiteContext, rows: int = 2, **asked: Any) -> Trained:
    protocol = replace(suite.protocol, budget=3 * rows, rows=rows, batch_size=6, lr=1e-3, evaluations=1, **asked)
    found = Setup(_PlainMTL, suite, protocol, context).run()
    assert found.result["divergence"] is None
    assert found.result["audit"]["agrees"], found.result["audit"]
    assert found.unspent == 0
    return found


def apart(one: Trained, other: Trained, dtype: type) -> float:
    return float(np.abs(np.frombuffer(one.values, dtype) - np.frombuffer(other.values, dtype)).max())


@pytest.mark.parametrize("name", OPTIONS)
def test_the_laws_of_suites_hold(name: str, context: SuiteContext) -> None:
    subject = SuiteSubject(load_registry().suite(name).cls, options(name), context=context)
    verdicts = [try_law(law, subject) for law in SUITE_LAWS]
    assert {verdict.outcome for verdict in verdicts} == {"ok"}, [str(each) for each in verdicts if each.outcome != "ok"]


@pytest.mark.parametrize("name", TEXTS)
def test_micro_batches_train_to_the_same_parameters(name: str, context: SuiteContext) -> None:
    suite = exact(opened(name, context))
    whole, parted = (trained(suite, context, accumulate=parts) for parts in (1, 3))
    assert apart(whole, parted, np.float64) < 1e-8
    once, thrice = whole.result["counts"], parted.result["counts"]
    assert thrice["forwards"] == 3 * once["forwards"]
    assert {key for key in once if once[key] != thrice[key]} == {"forwards", "backwards"}


def test_micro_batches_of_images_meet_batch_normalisation_by_themselves(context: SuiteContext) -> None:
    suite = exact(opened("vision", context))
    whole, parted = (trained(suite, context, accumulate=parts) for parts in (1, 2))
    assert apart(whole, parted, np.float64) > 1e-6
    suite = exact(opened("vision", context), with_running_statistics)
    whole, parted = (trained(suite, context, accumulate=parts) for parts in (1, 2))
    assert apart(whole, parted, np.float64) < 1e-8  # nothing else makes a difference


class Running(nn.BatchNorm2d):
    """Batch normalisation that never looks at the batch."""

    def train(self, mode: bool = True) -> Running:
        return super().train(mode and False)


def with_running_statistics(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = Running
            module.eval()


@pytest.mark.parametrize("name", TEXTS)
def test_recomputed_activations_train_to_the_same_parameters(name: str, context: SuiteContext) -> None:
    suite = opened(name, context)
    plain, again = (trained(suite, context, activation_checkpointing=asked) for asked in (False, True))
    assert apart(plain, again, np.float32) < 1e-6
    assert plain.result["counts"] == again.result["counts"]


def test_an_image_encoder_refuses_to_recompute_in_one_line(context: SuiteContext) -> None:
    suite = opened("vision", context)
    with pytest.raises(BadSetting, match=r"activation_checkpointing needs .* suite vision is a ResNetModel"):
        recompute_activations(suite, suite.model(0))


@pytest.mark.parametrize("name", OPTIONS)
def test_lower_precision_trains_the_same_model_a_little_otherwise(name: str, context: SuiteContext) -> None:
    suite = opened(name, context)
    plain, low = (trained(suite, context, precision=asked) for asked in ("float32", "bfloat16"))
    assert len(plain.values) == len(low.values)  # the parameters stay float32
    assert 0 < apart(plain, low, np.float32) < 0.1
    assert plain.result["counts"] == low.result["counts"]
    first, second = (found.result["curve"][-1]["train_loss"] for found in (plain, low))
    assert second == pytest.approx(first, rel=0.1)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_run_with_all_fields_scores_and_looks(
    name: str, snapshot: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(cache))
    asked = [*_set(evaluations=1, batch_size=4, rows=2), *_set(**FIELDS)]
    if name == "vision":
        asked = [each for each in asked if "activation" not in each and each != "--set"]
        asked = [part for each in asked for part in ("--set", each)]
    study = tmp_path / "study.toml"
    study.write_text(f'methods = ["mtl", "pcgrad"]\n[[suites]]\nname = "{name}"\n{_toml(options(name))}')
    where = ["--data-root", str(snapshot), "--results", str(tmp_path / "results"), "--executor", "serial", "--quiet"]
    assert main(["run", "--study", str(study), "--budget", "6", *asked, *where]) == 0, capsys.readouterr().err
    records = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/*/*.json")]
    assert len(records) == 2
    for record in records:
        outcome = record["outcome"]
        assert outcome["audit"]["agrees"]
        assert outcome["counts"]["forwards"] == 2 * outcome["counts"]["gradients"]
        scores = [*outcome["scores"].values(), *outcome["unseen"].values()]
        assert all(math.isfinite(score["test"]["value"]) for score in scores)
        assert -1 <= outcome["probes"]["cosine"]["mean"] <= 1
        assert outcome["probes"]["distance"]["l2"] > 0


def _set(**values: Any) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={json.dumps(value).strip(chr(34))}")]


def _toml(values: dict[str, Any]) -> str:
    plain: Sequence[str] = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(plain) + "\n"
