"""The study of eight image tasks, on made-up pictures in the layouts of its data sets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import numpy as np
import pytest
from PIL import Image

from mtlbench.cli import main

STUDY = Path(__file__).parents[3] / "leaderboard" / "studies" / "table10.toml"
SETS = {
    # name: configuration, or the folder where there is none, image column, label columns with their classes, test split
    "zh-plus/tiny-imagenet": ("data", "image", {"label": 200}, "valid"),
    "uoft-cs/cifar100": ("cifar100", "img", {"fine_label": 100, "coarse_label": 20}, "test"),
    "amaye15/stanford-dogs": ("data", "pixel_values", {"label": 120}, "test"),
    "Donghyun99/FGVC-Aircraft": ("data", "image", {"label": 100}, "test"),
    "bentrevett/caltech-ucsd-birds-200-2011": ("data", "image", {"label": 200}, "test"),
    "zalando-datasets/fashion_mnist": ("fashion_mnist", "image", {"label": 10}, "test"),
    "ufldl-stanford/svhn": ("cropped_digits", "image", {"label": 10}, "test"),
}
TASKS = {
    "tiny-imagenet-0-99": 100,
    "tiny-imagenet-100-199": 100,
    "cifar100-fine_label": 100,
    "stanford-dogs": 120,
    "fgvc-aircraft": 100,
    "caltech-ucsd-birds-200-2011": 200,
    "fashion_mnist": 10,
    "svhn": 10,
}


@pytest.fixture
def root(tmp_path: Path, write: Any) -> Path:
    for name, (config, image, labels, test) in SETS.items():
        features = datasets.Features(
            {
                image: datasets.Image(),
                **{key: datasets.ClassLabel(num_classes=classes) for key, classes in labels.items()},
            }
        )
        for split in ("train", test):
            rows = [
                {image: _picture(n), **{key: n * classes // 12 for key, classes in labels.items()}} for n in range(12)
            ]
            write(tmp_path / "root", name, config, split, rows, features)
    return tmp_path / "root"


def _picture(number: int) -> Image.Image:
    grain = np.random.default_rng(number).integers(0, 255, (20 + number, 24, 3), dtype=np.uint8)
    return Image.fromarray(grain if number % 3 else grain[..., 0])


def test_the_study_runs_as_it_stands_with_a_toy_encoder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    where = ["--encoder", "tiny-random:resnet", "--data-root", str(root), "--results", str(tmp_path / "results")]
    few = ["--seeds", "1", "--budget", "16", "--set", "evaluations=1", "--executor", "serial", "--quiet"]
    chosen = ["-m", "mtl", "-m", "pcgrad", "-m", "sequential-reptile[inner_steps=8]"]
    assert main(["run", "--study", str(STUDY), *chosen, *few, *where]) == 0, capsys.readouterr().err
    records = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/*/*.json")]
    assert len(records) == 3
    for record in records:
        outcome = record["outcome"]
        assert outcome["audit"]["agrees"]
        assert {task["name"] for task in outcome["tasks"]} == set(TASKS)
        assert all(math.isfinite(score["test"]["value"]) for score in outcome["scores"].values())
        assert outcome["probes"]["distance"]["l2"] > 0


def test_the_study_has_a_head_of_the_right_size_for_each_task(root: Path, tmp_path: Path) -> None:
    from mtlbench import SuiteContext
    from mtlbench.study.files import read_study
    from mtlbench_tasks.vision import Vision

    (asked,) = read_study(STUDY).suites
    suite = Vision(datasets=tuple(asked.values["datasets"]), encoder_name="tiny-random:resnet", image_size=16)
    suite.open(SuiteContext(data_root=root, cache_dir=tmp_path / "cache"))
    heads: Any = suite.model(0).heads
    assert {name: head.out_features for name, head in heads.items()} == TASKS
