"""Digits: what its data keep apart, what its tasks ask, and the network that answers."""

from __future__ import annotations

import gzip
import importlib.util
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

from mtlbench import BadDataset, Config, Method, MissingData, SuiteContext, build
from mtlbench.engine.training import train_cell
from mtlbench.plugins import Registry, load_registry
from mtlbench.study.files import parse_study
from mtlbench.study.grid import resolve
from mtlbench_tasks import _digits_data as data
from mtlbench_tasks import _digits_network as network
from mtlbench_tasks.digits import Digits

SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Config())


@pytest.fixture(scope="module")
def archive():
    return data.read_archive(data.archive())


@pytest.fixture
def hardly_pretrained(monkeypatch):
    """Pretraining of 20 steps, remembered nowhere."""
    monkeypatch.setattr(network, "_STEPS", 20)
    monkeypatch.setattr(network, "_encoders", {})


def opened(seed: int = 0, **options) -> Digits:
    suite = Digits(**options)
    suite.open(SuiteContext(seed=seed))
    return suite


def bytes_of(suite: Digits) -> dict[tuple[str, str], bytes]:
    found = {}
    for task in suite.tasks():
        for split in SPLITS:
            packed = suite.examples(task.name, split)
            found[task.name, split] = packed.images.numpy().tobytes() + packed.labels.numpy().tobytes()
    return found


# Data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7])
def test_no_image_lies_in_two_parts_and_every_image_lies_in_one(archive, seed):
    rows = data.parts(archive[1], seed)
    everything = np.concatenate(list(rows.values()))
    assert sorted(everything) == list(range(1797))
    assert {name: len(part) for name, part in rows.items()} == {"pretrain": 450, "train": 400, "dev": 400, "test": 547}


@pytest.mark.parametrize("seed", [0, 7])
def test_no_task_sees_another_parts_images(archive, seed):
    rows = data.parts(archive[1], seed)
    for task in data.RECIPES:
        for split in SPLITS:
            sources = data.task_examples(*archive, rows, task, split, seed).sources
            assert set(sources) <= set(rows[split])
            assert len(set(sources)) == len(sources), "no image twice in one split of one task"


def test_every_part_has_its_share_of_every_digit(archive):
    for name, rows in data.parts(archive[1], 3).items():
        counts = np.bincount(archive[1][rows])
        assert counts.max() - counts.min() <= (9 if name == "test" else 0)


@pytest.mark.parametrize("task", data.RECIPES)
def test_sizes_are_as_declared_and_labels_balanced(archive, task):
    recipe, rows = data.RECIPES[task], data.parts(archive[1], 0)
    train, test = (data.task_examples(*archive, rows, task, split, 0) for split in ("train", "test"))
    digits = Counter(archive[1][train.sources].tolist())
    assert len(train.labels) == recipe.size
    assert set(digits) == set(recipe.digits)
    assert max(digits.values()) - min(digits.values()) <= 1
    for examples in (train, test):
        shares = np.bincount(examples.labels, minlength=recipe.classes) / len(examples.labels)
        assert shares == pytest.approx(1 / recipe.classes, abs=0.05)
        assert examples.images.shape == (len(examples.labels), 8, 8)
        assert examples.images.dtype == np.float32
        assert np.isfinite(examples.images).all()


def test_labels_answer_what_the_task_asks(archive):
    images, digits = archive
    rows = data.parts(digits, 0)
    found = {task: data.task_examples(*archive, rows, task, "test", 0) for task in data.RECIPES}
    for task, answer in {
        "low": lambda d: d,
        "high": lambda d: d - 5,
        "inverted": lambda d: d,
        "parity": lambda d: d % 2,
        "upper": lambda d: d >= 5,
        "occluded": lambda d: d,
        "noisy": lambda d: d,
    }.items():
        assert (found[task].labels == answer(digits[found[task].sources])).all()
    turns = found["turns"]
    upright = np.stack([np.rot90(image, -turn) for image, turn in zip(turns.images, turns.labels, strict=True)])
    assert (upright == images[turns.sources]).all()
    assert (found["inverted"].images == 1 - images[found["inverted"].sources]).all()
    hidden = (found["occluded"].images != images[found["occluded"].sources]).sum((1, 2))
    assert 0 < hidden.mean() < 16
    assert hidden.max() <= 16


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = bytes_of(opened(4)), bytes_of(opened(4)), bytes_of(opened(5))
    assert first == again
    assert all(first[place] != other[place] for place in first)


def test_a_seed_may_be_of_any_size(hardly_pretrained):
    seeds = (3, 3 + 2**32, 3 + 2**70)
    models = [opened(seed).model(seed % 2**63).encoder.state_dict() for seed in seeds]
    assert len({bytes_of(opened(seed))["noisy", "train"] for seed in seeds}) == 3
    assert not torch.equal(models[0]["stem.convolution.weight"], models[1]["stem.convolution.weight"])


def test_data_that_do_not_vary_are_those_of_seed_0():
    assert bytes_of(opened(5, vary_data=False)) == bytes_of(opened(0)) != bytes_of(opened(5))


def test_the_fingerprint_imports_neither_scikit_learn_nor_torch():
    program = (
        "import sys; from mtlbench import SuiteContext; from mtlbench_tasks.digits import Digits; "
        "print(Digits().fingerprint(SuiteContext())); assert not {'sklearn', 'torch'} & set(sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == Digits().fingerprint(SuiteContext(seed=9))
    assert len(found.stdout.strip()) == 64


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingData, match="pip install scikit-learn"):
        Digits().fingerprint(SuiteContext())


def test_a_table_of_another_form_is_refused_by_name(tmp_path):
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(b"1,2,3\n4,5,6\n"))
    with pytest.raises(BadDataset, match=r"digits\.csv\.gz: needs 64 pixels from 0 to 16 and a digit a row, found 3"):
        data.read_archive(path)


# Network ------------------------------------------------------------------------------------------------------


def test_a_head_belongs_to_its_task_and_the_rest_is_shared_and_pretrained(hardly_pretrained):
    suite = opened()
    model = suite.model(0)
    owners = suite.owners(model)
    assert {name: model.heads[name].out_features for name in data.RECIPES} == {
        name: recipe.classes for name, recipe in data.RECIPES.items()
    }
    assert set(owners.values()) == set(data.RECIPES)
    shared = {name for name, _ in model.named_parameters()} - set(owners)
    assert shared == suite.pretrained(model)
    assert sum(parameter.numel() for parameter in model.encoder.parameters()) == 25728


def test_a_model_is_a_function_of_its_seed_and_only_the_heads_are(hardly_pretrained):
    suite = opened()
    first, again, other = (suite.model(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    same = {name.partition(".")[0] for name in first if torch.equal(first[name], other[name])}
    assert same == {"encoder"}


def test_phi_0_depends_on_the_data(hardly_pretrained):
    first, other = (opened(seed).model(0).encoder.state_dict() for seed in (0, 1))
    assert not torch.equal(first["stem.convolution.weight"], other["stem.convolution.weight"])


def test_pretraining_is_reproducible_and_leaves_the_global_generator_and_threads_alone(hardly_pretrained):
    clean, state, threads = opened()._clean, torch.get_rng_state(), torch.get_num_threads()
    first, again = (network._pretrain(clean, 3) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_pretraining_learns_clean_digits():
    suite = opened()
    clean = suite._clean
    encoder = network.DigitsEncoder()
    encoder.load_state_dict(network.pretrained_encoder(clean, 0, name=suite._encoder_name))
    features = encoder(clean.images).mean((2, 3)).detach()
    features = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    answers = torch.nn.functional.one_hot(clean.labels).float()
    right = ((features @ torch.linalg.lstsq(features, answers).solution).argmax(1) == clean.labels).float().mean()
    assert right > 0.95


def test_a_cached_encoder_is_read_from_disk_to_the_same_bytes(hardly_pretrained, monkeypatch, tmp_path):
    def encoder():
        monkeypatch.setattr(network, "_encoders", {})
        suite = Digits()
        suite.open(SuiteContext(cache_dir=tmp_path))
        return suite.model(0).encoder.state_dict()

    first = encoder()
    (file,) = (tmp_path / "digits").iterdir()
    assert file.name.endswith(".safetensors")
    monkeypatch.setattr(network, "_pretrain", lambda *_: pytest.fail("the encoder is in the cache"))
    again = encoder()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_batch_is_its_examples_put_together(hardly_pretrained):
    suite = opened()
    model = suite.model(0)
    examples = suite.examples("turns", "train")
    batch, collated = suite.batch("turns", "train", [3, 1]), suite.collate([examples[3], examples[1]])
    assert batch.images.shape == (2, 1, 8, 8)
    assert torch.equal(batch.images, collated.images)
    assert torch.equal(batch.labels, collated.labels)
    assert suite.loss(model, batch, "turns") == suite.loss(model, collated, "turns")


def test_hidden_states_lie_where_the_noise_enters(hardly_pretrained):
    suite = opened()
    model = suite.model(0)
    batch = suite.batch("noisy", "train", range(5))
    seen = []
    handle = suite.noise_point(model).register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    hidden, mask = suite.hidden(model, batch, "noisy")
    handle.remove()
    assert hidden.shape == seen[0].shape == (5, 64, 16)
    assert mask.shape == (5, 64)
    assert bool(mask.all())
    # Token 8 r + c is the pixel in row r, column c: its hidden state is a quarter of cell (r // 2, c // 2).
    features = model.encoder(batch.images)
    assert torch.equal(hidden[:, 8 * 5 + 2].sort(dim=1).values, features[:, 2::4, 2, 1].sort(dim=1).values)


def test_noise_of_one_leaves_a_loss_alone_and_other_noise_does_not(hardly_pretrained):
    suite = opened()
    model = suite.model(0)
    batch = suite.batch("low", "train", range(4))
    losses = [float(suite.loss(model, batch, "low").detach())]
    for scale in (torch.ones(4, 64, 16), torch.full((4, 64, 16), 0.5)):
        handle = suite.noise_point(model).register_forward_hook(lambda _m, _i, output, scale=scale: output * scale)
        losses.append(float(suite.loss(model, batch, "low").detach()))
        handle.remove()
    assert losses[0] == losses[1] != losses[2]


def test_a_score_is_the_percentage_of_right_answers(hardly_pretrained):
    suite = opened()
    model = suite.model(0)
    test = suite.examples("parity", "test")
    with torch.no_grad():
        model.heads["parity"].weight.zero_()
        model.heads["parity"].bias.copy_(torch.tensor([0.0, 1.0]))
    score = suite.score(model, "parity", "test")
    assert score.examples == len(test) == 547
    assert score.value == 100 * int((test.labels == 1).sum()) / 547


# Training -----------------------------------------------------------------------------------------------------


def test_what_is_recommended_suits_the_installed_methods(registry):
    for name in registry.methods:
        recommended = Digits().recommended(name)
        method = build(registry.method(name).cls, recommended.settings, name)
        assert isinstance(method, Method)
        assert not set(recommended.protocol) & method.unused_protocol


def test_half_a_budget_brings_every_task_off_chance_and_none_to_its_ceiling(registry):
    study = parse_study('suites = ["digits"]\nmethods = ["mtl"]\n[protocol]\nbudget = 800\nevaluations = 1', "test")
    (cell,) = resolve(study, registry, SuiteContext()).cells
    outcome = train_cell(cell, registry, SuiteContext())["outcome"]
    assert outcome["audit"]["agrees"]
    for task, recipe in data.RECIPES.items():
        chance = 100 / recipe.classes
        assert chance + 15 < outcome["scores"][task]["test"]["value"] < 97, task
