"""The suites of real data on a small snapshot: tasks, batches, losses, scores, and what their options do."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlbench.interface import BadDataset, BadSetting, MissingData, Suite, SuiteContext
from mtlbench_tasks.glue import GLUE
from mtlbench_tasks.mnli_xnli import MnliXnli
from mtlbench_tasks.squad_mlqa import SquadMLQA
from mtlbench_tasks.tydiqa import TyDiQA
from mtlbench_tasks.vision import Vision
from mtlbench_tasks.wikiann import WikiAnn

TINY = {"encoder_name": "tiny-random:bert"}
QUESTIONS = {**TINY, "max_length": 24, "stride": 8, "max_question": 6}
SQUAD = {**QUESTIONS, "pseudo_tasks": 2, "replace": ("rajpurkar/squad=standin/squad",)}

SUITES: dict[str, Suite] = {
    "tydiqa": TyDiQA(**QUESTIONS, languages=("en", "ko"), unseen_languages=("zh",)),
    "wikiann": WikiAnn(**TINY, languages=("sw",), unseen_languages=("yo",)),
    "squad-mlqa": SquadMLQA(**SQUAD, unseen_languages=("zh", "de")),
    "mnli-xnli": MnliXnli(**TINY, pseudo_tasks=2, unseen_languages=("de",)),
    "glue": GLUE(**TINY, configs=("rte", "cola", "stsb", "mnli")),
    "vision": Vision(
        encoder_name="tiny-random:resnet", datasets=("ylecun/mnist:mnist", "standin/letters:mnist"), image_size=16
    ),
}


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest, context: SuiteContext) -> Suite:
    found = copy.deepcopy(SUITES[request.param])
    found.open(context)
    return found


TASKS = {
    "tydiqa": (["en", "ko"], ["mlqa-zh"], {"F1"}),
    "wikiann": (["sw"], ["yo"], {"F1"}),
    "squad-mlqa": (["standin-squad-1", "standin-squad-2"], ["mlqa-zh", "mlqa-de"], {"F1"}),
    "mnli-xnli": (["mnli-1", "mnli-2"], ["xnli-de"], {"accuracy"}),
    "glue": (["rte", "cola", "stsb", "mnli"], [], {"accuracy", "Pearson"}),
    "vision": (["mnist", "standin-letters"], [], {"accuracy"}),
}


def test_tasks_have_the_names_of_the_data_that_they_are_made_of(suite: Suite) -> None:
    seen, unseen, metrics = TASKS[suite.name]
    assert [task.name for task in suite.tasks()] == seen
    assert [task.name for task in suite.unseen()] == unseen
    assert {task.metric for task in suite.tasks()} == metrics
    for task in suite.tasks():
        assert task.size == len(suite.examples(task.name, "train")) > 0
        assert len(suite.examples(task.name, "dev")) > 0
        assert len(suite.examples(task.name, "test")) > 0


def test_a_loss_passes_through_the_encoder_once_and_reaches_only_its_own_head(suite: Suite) -> None:
    model = suite.model(0)
    calls: list[int] = []
    suite.encoder(model).register_forward_hook(lambda *_: calls.append(1))
    owners = suite.owners(model)
    for task in suite.tasks():
        model.zero_grad()
        calls.clear()
        loss = suite.loss(model, suite.batch(task.name, "train", [0, 1, 2]), task.name)
        loss.backward()
        assert loss.shape == ()
        assert torch.isfinite(loss)
        assert len(calls) == 1
        for name, parameter in model.named_parameters():
            if owners.get(name, task.name) == task.name:
                assert parameter.grad is not None, name
            else:
                assert parameter.grad is None, name


def test_collating_examples_is_taking_a_batch(suite: Suite) -> None:
    task = suite.tasks()[0].name
    examples = suite.examples(task, "train")
    one, other = suite.collate([examples[2], examples[0]]), suite.batch(task, "train", [2, 0])
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        pairs = [(mine, theirs)] if isinstance(mine, torch.Tensor) else [(mine[key], theirs[key]) for key in mine]
        assert all(torch.equal(*pair) for pair in pairs)


def test_every_task_can_be_scored_and_scoring_twice_gives_the_same(suite: Suite) -> None:
    model = suite.model(0).eval()
    with torch.no_grad():
        for task in [*suite.tasks(), *suite.unseen()]:
            for split in ("dev", "test") if task.size else ("test",):
                score = suite.score(model, task.name, split)  # type: ignore[arg-type]
                assert -100 <= score.value <= 100
                assert score.examples > 0
                assert suite.score(model, task.name, split) == score  # type: ignore[arg-type]


def test_one_seed_gives_one_model_and_another_seed_another_head(suite: Suite) -> None:
    first, same, other = (suite.model(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    changed = {name.split(".")[0] for name in first if not torch.equal(first[name], other[name])}
    assert changed <= {"head", "heads"}
    assert changed


def test_opened_again_it_gives_the_same_bytes(suite: Suite, context: SuiteContext) -> None:
    again = copy.deepcopy(SUITES[suite.name])
    again.open(context)
    assert again.fingerprint(context) == suite.fingerprint(context)
    for task in suite.tasks():
        losses = [
            each.loss(each.model(3).eval(), each.batch(task.name, "train", [0, 1, 2]), task.name)
            for each in (suite, again)
        ]
        assert torch.equal(*losses)


@pytest.mark.parametrize("name", [name for name in SUITES if name != "vision"])
def test_padding_changes_no_loss(name: str, context: SuiteContext) -> None:
    suite = copy.deepcopy(SUITES[name])
    suite.open(context)
    model = suite.model(0).eval()
    for task in suite.tasks():
        losses = [suite.loss(model, suite.batch(task.name, "train", [row]), task.name) for row in (0, 1, 2)]
        whole = suite.loss(model, suite.batch(task.name, "train", [0, 1, 2]), task.name)
        if name == "wikiann":  # its mean is over words, not over sentences
            words = [int((suite.batch(task.name, "train", [row]).targets["labels"] >= 0).sum()) for row in (0, 1, 2)]
            losses = [loss * count * 3 / sum(words) for loss, count in zip(losses, words, strict=True)]
        torch.testing.assert_close(whole, torch.stack(losses).mean(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in SUITES if name != "vision"])
def test_the_noise_point_is_the_word_table_and_hidden_states_align_with_it(name: str, context: SuiteContext) -> None:
    suite = copy.deepcopy(SUITES[name])
    suite.open(context)
    model, task = suite.model(0), suite.tasks()[0].name
    batch = suite.batch(task, "train", [0, 1])
    seen: list[Any] = []
    point = suite.noise_point(model)
    assert point is not None
    point.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    hidden, mask = suite.hidden(model, batch, task)
    assert seen[0].shape == hidden.shape
    assert mask.dtype == torch.bool
    assert suite.tokens(batch) == int(mask.sum())


def test_a_shared_head_is_nobodys_own_and_separate_heads_belong_to_their_tasks(context: SuiteContext) -> None:
    shared, separate = copy.deepcopy(SUITES["wikiann"]), copy.deepcopy(SUITES["glue"])
    for suite in (shared, separate):
        suite.open(context)
    assert shared.owners(shared.model(0)) == {}
    assert set(separate.owners(separate.model(0)).values()) == {"rte", "cola", "stsb", "mnli"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TyDiQA(languages=("xx",)), "TyDiQA has no language 'xx'"),
        (lambda: TyDiQA(stride=0), "stride must be positive"),
        (lambda: TyDiQA(max_question=384), "max_question must lie"),
        (lambda: TyDiQA(held_out=1.0), r"held_out is a share in \(0, 1\)"),
        (lambda: TyDiQA(replace=("a/b=c/d",)), "'a/b' is not read here"),
        (lambda: WikiAnn(languages=("sw",), unseen_languages=("sw",)), "sw cannot be trained on and unseen"),
        (lambda: WikiAnn(languages=("sw", "yo", "sw")), "languages names sw more than once"),
        (lambda: WikiAnn(unseen_languages=("am", "am")), "unseen_languages names am more than once"),
        (lambda: TyDiQA(languages=("en", "en")), "languages names en more than once"),
        (lambda: SquadMLQA(unseen_languages=("de", "de")), "unseen_languages names de more than once"),
        (lambda: GLUE(configs=("rte", "rte")), "configs names rte more than once"),
        (lambda: GLUE(configs=("wnli",)), "no task 'wnli'"),
        (lambda: SquadMLQA(pseudo_tasks=0), "pseudo_tasks must be positive"),
        (lambda: MnliXnli(unseen_languages=("fi",)), "XNLI has no language 'fi'"),
        (lambda: Vision(datasets=("mnist",)), "'mnist' is not NAME"),
        (lambda: Vision(datasets=("a/mnist", "b/mnist")), "tasks of one name"),
        (lambda: Vision(datasets=("a/mnist%3-3",)), "classes 3 to 3 are fewer than two"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_any_data_is_read(make: Any, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        make()


def test_an_encoder_that_is_not_here_is_named_with_the_way_to_get_it(
    context: SuiteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    suite = dataclasses.replace(SUITES["wikiann"], encoder_name="nobody/nothing")
    with pytest.raises(MissingData, match=r"encoder 'nobody/nothing' is neither .* try tiny-random:bert") as raised:
        suite.open(context)
    assert "\n" not in str(raised.value)
    with pytest.raises(BadSetting, match="no text encoder is called 'tiny-random:gpt'"):
        dataclasses.replace(suite, encoder_name="tiny-random:gpt").open(context)


def test_a_checkpoint_in_a_folder_or_below_the_data_root_is_loaded(
    own_snapshot: Path, cache: Path, tmp_path: Path
) -> None:
    context = SuiteContext(data_root=own_snapshot, cache_dir=cache)
    suite = copy.deepcopy(SUITES["wikiann"])
    suite.open(context)
    for home in (tmp_path / "folder", own_snapshot / "someone" / "bert"):
        suite.prototype.save_pretrained(home)
        suite.tokenizer.save_pretrained(home)
    found = {}
    for name in (str(tmp_path / "folder"), "someone/bert"):
        loaded = dataclasses.replace(suite, encoder_name=name)
        loaded.open(context)
        found[name] = loaded.fingerprint(context)
        weights, theirs = suite.model(0).state_dict(), loaded.model(0).state_dict()
        assert weights.keys() == theirs.keys()
        assert all(torch.equal(weights[key], theirs[key]) for key in weights)
    assert len(set(found.values())) == 1
    assert suite.fingerprint(context) not in found.values()


def test_a_plugins_encoder_is_asked_for_by_name_and_revision(context: SuiteContext) -> None:
    asked: list[Any] = []
    suite = copy.deepcopy(SUITES["wikiann"])
    suite.open(context)

    def load(name: str, revision: str | None) -> Any:
        asked.append((name, revision))
        return suite.prototype, suite.tokenizer

    other = dataclasses.replace(suite, encoder_name="plugin-encoder", revision="v2")
    other.open(dataclasses.replace(context, load_encoder=load))
    assert asked == [("plugin-encoder", "v2")]


def test_longer_inputs_than_the_encoder_has_positions_are_refused(context: SuiteContext) -> None:
    with pytest.raises(BadSetting, match="max_length 600 is more than the encoder's 512 positions"):
        dataclasses.replace(SUITES["wikiann"], max_length=600).open(context)


def test_fewer_training_images_can_be_asked_for(context: SuiteContext) -> None:
    suite = dataclasses.replace(SUITES["vision"], train_rows=5)
    suite.open(context)
    assert [task.size for task in suite.tasks()] == [5, 5]


def test_one_set_can_be_two_tasks_by_its_classes_and_tested_on_another_split(
    own_snapshot: Path, cache: Path, write: Any
) -> None:
    import datasets
    import numpy as np
    from PIL import Image

    features = datasets.Features({"img": datasets.Image(), "fine": datasets.ClassLabel(names=list("abcd"))})
    rows = [{"img": Image.fromarray(np.full((8, 8), 60 * (n % 4), np.uint8)), "fine": n % 4} for n in range(16)]
    for split in ("train", "valid"):
        write(own_snapshot, "some/images", "default", split, rows, features)
    context = SuiteContext(data_root=own_snapshot, cache_dir=cache)
    halves = ("some/images:default#fine!valid%0-1", "some/images:default#fine!valid%2-3")
    suite = Vision(encoder_name="tiny-random:resnet", datasets=halves, image_size=16)
    assert [(source.name, source.splits) for source in suite.sources()[:-1]] == [("some/images", ("train", "valid"))]
    suite.open(context)
    assert [task.name for task in suite.tasks()] == ["images-fine-0-1", "images-fine-2-3"]
    for task in suite.tasks():
        assert suite.model(0).heads[task.name].out_features == 2
        for split, size in (("train", 7), ("dev", 1), ("test", 8)):
            assert len(suite.examples(task.name, split)) == size  # type: ignore[arg-type]
            labels = suite.batch(task.name, split, range(size)).labels  # type: ignore[arg-type]
            assert set(labels.tolist()) <= {0, 1}
    with pytest.raises(BadDataset, match="some/images has classes 0 to 3, so there is none 4"):
        dataclasses.replace(suite, datasets=("some/images:default!valid%3-4",)).open(context)


def test_the_suites_import_without_torch_transformers_datasets_and_numpy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, mtlbench_tasks.tydiqa, mtlbench_tasks.wikiann, mtlbench_tasks.squad_mlqa, mtlbench_tasks.glue, "
        "mtlbench_tasks.mnli_xnli, mtlbench_tasks.vision, mtlbench_tasks.encoders; "
        "print([m for m in ('torch', 'transformers', 'datasets', 'numpy', 'sklearn') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_small_groups_are_warned_of_also_when_they_come_from_the_cache(
    context: SuiteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtlbench_tasks.text.clustering.SMALL_SHARE", 0.51)  # of two groups one is smaller
    for _ in range(2):
        with pytest.warns(UserWarning, match="a cluster holds less than 51% of the examples: "):
            MnliXnli(**TINY, pseudo_tasks=2, unseen_languages=("de",)).open(context)
