"""The suites on samples of the real data sets, with toy encoders."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtlbench.interface import DataSource, Suite, SuiteContext
from mtlbench_tasks.glue import GLUE
from mtlbench_tasks.hub import read
from mtlbench_tasks.metrics import entity_scores, mlqa_scores, span_scores, squad_scores
from mtlbench_tasks.mnli_xnli import MnliXnli
from mtlbench_tasks.squad_mlqa import SquadMLQA
from mtlbench_tasks.text.answers import best_answers, best_spans
from mtlbench_tasks.text.questions import Questions, read_questions
from mtlbench_tasks.text.windows import Windows
from mtlbench_tasks.tydiqa import LANGUAGES, TyDiQA
from mtlbench_tasks.vision import Vision
from mtlbench_tasks.wikiann import WikiAnn

TINY = {"encoder_name": "tiny-random:bert"}
SHORT = {**TINY, "max_length": 128, "stride": 64, "max_question": 32}

SUITES: dict[str, Suite] = {
    "tydiqa": TyDiQA(**SHORT, unseen_languages=("zh", "hi")),
    "wikiann": WikiAnn(**TINY, languages=("sw", "my", "yo", "te")),
    "squad-mlqa": SquadMLQA(**SHORT, replace=("rajpurkar/squad=standin/squad",), unseen_languages=("zh", "ar")),
    "mnli-xnli": MnliXnli(**{**TINY, "max_length": 48}, unseen_languages=("th", "ur")),
    "glue": GLUE(**TINY, configs=("rte", "stsb", "cola")),
    "vision": Vision(
        encoder_name="tiny-random:resnet",
        datasets=("uoft-cs/cifar10", "standin/notmnist", "zalando-datasets/fashion_mnist"),
        image_size=32,
        train_rows=1000,
    ),
}


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.filterwarnings("ignore:a cluster holds less than")
def test_a_suite_trains_and_scores_on_real_rows(name: str, context: SuiteContext) -> None:
    suite = SUITES[name]
    suite.open(context)
    assert len(suite.fingerprint(context)) == 64
    model = suite.model(0)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    tasks = list(suite.tasks())
    losses = []
    for step in range(12):
        task = tasks[step % 2].name
        loss = suite.loss(model, suite.batch(task, "train", range(8)), task)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-2:]) < sum(losses[:2])
    model.eval()
    with torch.no_grad():
        for task in (tasks[0].name, *(each.name for each in suite.unseen()[:1])):
            score = suite.score(model, task, "test")
            assert score.examples > 40
            assert -100 <= score.value <= 100


def questions(context: SuiteContext, language: str) -> Questions:
    source = DataSource("facebook/mlqa", f"mlqa.{language}.{language}", ("test",))
    return read_questions(read(source, "test", context))


def test_chinese_answers_cut_short_score_higher_by_mlqas_rules(context: SuiteContext) -> None:
    asked = questions(context, "zh")
    golds = dict(zip(asked.ids, asked.golds, strict=True))
    half = {name: texts[0][: (len(texts[0]) + 1) // 2] for name, texts in golds.items()}
    by_mlqa, by_squad = mlqa_scores(half, golds, "zh").f1, squad_scores(half, golds).f1
    assert by_mlqa > 50
    assert by_squad < 20


@pytest.mark.parametrize("language", ["ar", "de", "en", "es", "hi", "vi", "zh"])
def test_gold_answers_score_a_hundred_by_mlqas_rules(language: str, context: SuiteContext) -> None:
    asked = questions(context, language)
    golds = dict(zip(asked.ids, asked.golds, strict=True))
    scores = mlqa_scores({name: texts[0] for name, texts in golds.items()}, golds, language)
    assert (scores.f1, scores.exact_match, scores.unanswered) == (100, 100, 0)


def test_perfect_token_scores_give_back_the_answers_of_all_languages(context: SuiteContext) -> None:
    suite = SUITES["tydiqa"]
    suite.open(context)
    for code in LANGUAGES:
        asked: Questions = suite._asked[code, "test"]  # type: ignore[attr-defined]
        windows: Windows = suite.windows(asked)  # type: ignore[attr-defined]
        length = int(windows.ids.lengths.max())
        start, end = np.zeros((len(windows), length)), np.zeros((len(windows), length))
        found = np.flatnonzero(windows.answer[:, 0])
        start[found, windows.answer[found, 0]] = 1
        end[found, windows.answer[found, 1]] = 1
        places = np.arange(length)
        held = windows.passage_at + windows.passage_held
        allowed = (places >= windows.passage_at[:, None]) & (places < held[:, None])
        texts = best_answers(windows, asked.passages, *best_spans(start, end, allowed, length))
        whole = sorted({int(question) for question in windows.question[found]})
        assert len(whole) > 0.8 * len(asked), code  # the other answers are longer than a window holds
        for question in whole:
            assert asked.golds[question][0] in texts[question], code
            assert len(texts[question].split()) == len(asked.golds[question][0].split()), code


def test_the_fast_entity_score_is_seqevals_on_ill_formed_real_tags(context: SuiteContext) -> None:
    for code in ("sw", "te"):
        rows = read(DataSource("unimelb-nlp/wikiann", code, ("test",)), "test", context)
        names = rows.label_names("ner_tags")
        tags = rows.column("ner_tags")
        shifted = [[sentence[-1], *sentence[:-1]] for sentence in tags]
        slow = entity_scores(
            {str(row): [names[tag] for tag in sentence] for row, sentence in enumerate(shifted)},
            {str(row): [names[tag] for tag in sentence] for row, sentence in enumerate(tags)},
        )
        flat = [np.concatenate([np.array(sentence) for sentence in side]) for side in (shifted, tags)]
        assert vars(span_scores(*flat, [len(sentence) for sentence in tags], names)) == pytest.approx(vars(slow))


def test_another_data_set_is_read_by_options_alone_and_marked(context: SuiteContext) -> None:
    suite = TyDiQA(
        **SHORT,
        languages=("ko",),
        unseen_languages=("zh", "hi"),
        replace=("facebook/mlqa:mlqa.zh.zh=google/xquad:xquad.zh!validation",),
    )
    suite.open(context)
    assert [task.name for task in suite.unseen()] == ["standin-google-xquad-zh", "mlqa-hi"]
    with torch.no_grad():
        assert suite.score(suite.model(0).eval(), "standin-google-xquad-zh", "test").examples == 566
