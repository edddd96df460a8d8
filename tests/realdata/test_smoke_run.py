"""A thin version of leaderboard/studies/smoke.toml: every suite of real data, and every method on one of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from mtlbench.cli import main

PROTOCOL = """
[protocol]
budget = 16
batch_size = 4
lr = 1e-3
clip = 1.0
reduction = "mean"
evaluations = 1
"""
TEXTS = 'encoder_name = "cldr-mini"\nmlm_texts = "standin/cc100"\nmlm_sentences = 5\n'
SUITES = {
    "tydiqa": (
        ["mtl", "sequential-reptile[inner_steps=8]"],
        TEXTS
        + 'languages = ["ko", "bn"]\nunseen_languages = ["zh"]\nmlm_languages = ["ru", "hi"]\n'
        + "max_length = 96\nmax_question = 24\nstride = 72\n",
    ),
    "wikiann": (
        ["stl", "gradvac", "swep"],
        TEXTS + 'languages = ["sw", "yo"]\nunseen_languages = ["my"]\nmlm_languages = ["en"]\n',
    ),
    "squad-mlqa": (
        ["gradnorm", "lookahead[inner_steps=1]"],
        TEXTS
        + 'replace = ["rajpurkar/squad=standin/squad"]\npseudo_tasks = 2\nunseen_languages = ["zh"]\n'
        + 'mlm_languages = ["en", "zh"]\n'
        + "max_length = 96\nmax_question = 24\nstride = 72\n",
    ),
    "mnli-xnli": (
        ["pcgrad", "mtl[rows=1]"],
        TEXTS + 'pseudo_tasks = 2\nunseen_languages = ["sw"]\nmlm_languages = ["en", "wo"]\nmax_length = 48\n',
    ),
    "glue": (
        ["recadam[t0=2]", "reptile[inner_steps=2]"],
        TEXTS + 'configs = ["rte", "stsb"]\nmlm_languages = ["en"]\nmax_length = 48\n',
    ),
    "vision": (
        ["mtl", "pcgrad"],
        'encoder_name = "tiny-random:resnet"\ndatasets = ["ylecun/mnist", "standin/notmnist"]\nimage_size = 16\n',
    ),
}


def finite(scores: dict[str, Any]) -> bool:
    return all(math.isfinite(found["test"]["value"]) for found in scores.values())


@pytest.fixture
def recorded(
    data_root: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., list[dict[str, Any]]]:
    """``recorded(*words)`` runs ``mtlbench run`` with these words, offline on the data root; the records it leaves."""

    def made(*words: str) -> list[dict[str, Any]]:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(cache))
        results = tmp_path / "results"
        where = ["--data-root", str(data_root), "--results", str(results), "--executor", "serial", "--quiet"]
        assert main(["run", *words, *where]) == 0, capsys.readouterr().err
        return [json.loads(path.read_text()) for path in results.glob("*/*/*.json")]

    return made


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.filterwarnings("ignore")  # budgets, and clusters, as small as these are warned of
def test_a_suite_trains_and_scores_with_its_probes_in_one_command(
    suite: str, recorded: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    methods, options = SUITES[suite]
    study = tmp_path / "study.toml"
    study.write_text(f'methods = {json.dumps(methods)}\n{PROTOCOL}\n[[suites]]\nname = "{suite}"\n{options}')
    records = recorded("--study", str(study))
    assert {record["variant"] for record in records} == set(methods)
    for record in records:
        outcome = record["outcome"]
        assert outcome["audit"]["agrees"], outcome["audit"]
        assert finite(outcome["scores"])
        assert finite(outcome["unseen"])
        if record["cell"]["method"] == "stl":
            continue  # its models are measured one by one
        assert outcome["probes"]["distance"]["l2"] > 0
        assert -1 <= outcome["probes"]["cosine"]["mean"] <= 1
        measured = outcome["probes"].get("mlm", {})
        assert suite == "vision" or (measured["seen"] or measured["unseen"]) > 0


STUDIES = Path(__file__).parents[2] / "leaderboard" / "studies"
PAPERS = {
    "table1": ["tydiqa"],
    "table2": ["wikiann"],
    "table4": ["squad-mlqa[replace=[rajpurkar/squad=standin/squad]]"],
    "table5": ["mnli-xnli"],
    "table9": ["glue"],
    "table10": ["vision[datasets=[ylecun/mnist,standin/notmnist]]"],
    "vision": ["vision"],
    "figure4": ["squad-mlqa[replace=[rajpurkar/squad=standin/squad],unseen_languages=[zh]]"],
    "figure5": ["tydiqa[languages=[ko,bn],unseen_languages=[zh],mlm_texts=standin/cc100,mlm_languages=[en,hi]]"],
    "figure6": ["mnli-xnli[unseen_languages=[sw],mlm_texts=standin/cc100,mlm_languages=[en,wo]]"],
    "figure7": ["tydiqa[languages=[ko,bn],unseen_languages=[zh]]"],
    "figure8": ["tydiqa[languages=[ko,bn],unseen_languages=[zh]]"],
}


@pytest.mark.parametrize("table", PAPERS)
@pytest.mark.filterwarnings("ignore")
def test_the_study_of_a_table_or_figure_runs_here_with_a_toy_encoder(
    table: str, recorded: Callable[..., list[dict[str, Any]]]
) -> None:
    encoder = "tiny-random:resnet" if table in ("vision", "table10") else "tiny-random:bert"
    few = ["-m", "sequential-reptile[inner_steps=8]", "--seeds", "1", "--budget", "8", "--set", "evaluations=1"]
    study = ["--study", str(STUDIES / f"{table}.toml")]
    (record,) = recorded(*PAPERS[table], *study, *few, "--encoder", encoder)
    outcome = record["outcome"]
    assert outcome["audit"]["agrees"]
    assert finite(outcome["scores"])
    assert finite(outcome["unseen"])


def test_every_method_of_ours_is_among_them() -> None:
    from mtlbench.plugins import load_registry

    ours = {
        name for name, entry in load_registry().methods.items() if entry.cls.__module__.startswith("mtlbench_methods.")
    }
    assert {method.partition("[")[0] for methods, _ in SUITES.values() for method in methods} == ours
