from __future__ import annotations

import copy
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from mtlbench.interface import BadDataset, Suite, SuiteContext
from mtlbench.interface.settings import build
from mtlbench_tasks.cldr.languages import LANGUAGES, MLQA_ONLY, NER_SIZES, QA_SIZES, XNLI_UNSEEN
from mtlbench_tasks.cldr.ner import TAGS, CldrNer, sentences, token_tags
from mtlbench_tasks.cldr.nli import CldrNli
from mtlbench_tasks.cldr.qa import CldrQa
from mtlbench_tasks.cldr.sentences import Span, Tagged
from mtlbench_tasks.cldr.texts import Texts, made_by
from mtlbench_tasks.metrics import span_scores
from mtlbench_tasks.text.packing import IGNORED, Packed

SUITES: tuple[type[Any], ...] = (CldrNer, CldrQa, CldrNli)


@pytest.fixture(scope="module", params=SUITES, ids=lambda cls: cls.name)
def suite(request: pytest.FixtureRequest) -> Any:
    made = request.param()
    made.open(SuiteContext(seed=0))
    return made


@pytest.fixture(scope="module")
def model(suite: Suite) -> Any:
    return suite.model(0).eval()


def test_texts_that_were_kept_are_the_texts_that_were_made(
    suite: Any, model: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``suite`` has made its own; another keeps them, and a third may make none."""

    def opened() -> tuple[Any, Any]:
        found = type(suite)()
        found.open(SuiteContext(seed=0, cache_dir=tmp_path))
        return found, found.masked_lm()

    opened()
    made = suite.masked_lm()
    files = sorted(path.name for path in (tmp_path / "cldr").iterdir())
    assert [name.rpartition("-")[0] for name in files] == [f"{suite.name}-0", "lines"]
    monkeypatch.setattr(type(suite), "_load", lambda *_: pytest.fail("the texts are in the cache"))
    monkeypatch.setattr(type(suite), "_lines", lambda *_: pytest.fail("the lines are in the cache"))
    again, lines = opened()
    assert again._packed.keys() == suite._packed.keys()
    for place, packed in suite._packed.items():
        for field, tensor in vars(packed).items():
            kept = getattr(again._packed[place], field)
            assert kept.dtype == tensor.dtype
            assert torch.equal(kept, tensor)
    for language, ids in {**made.seen, **made.unseen}.items():
        assert torch.equal({**lines.seen, **lines.unseen}[language], ids)
    task = suite.unseen()[0].name
    with torch.no_grad():
        assert again.score(model, task, "test") == suite.score(model, task, "test")
    assert again.tasks() == suite.tasks()


def test_a_suite_of_somebodys_own_never_meets_kept_texts(tmp_path: Path) -> None:
    class Fewer(CldrQa):
        def _load(self, tokenizer: Any, seed: int) -> Texts:
            return Texts({("de", "train"): Packed.of([[2, 3]], [[0, 0]], [(0, 1)])})

    for _ in range(2):
        suite = Fewer()
        suite.open(SuiteContext(cache_dir=tmp_path))
        assert len(suite.examples("de", "train")) == 1
    assert [*tmp_path.iterdir()] == []


def test_kept_texts_are_of_one_tokenizer_one_encoder_and_one_generator(
    suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer, encoder = suite._tokenizer.backend_tokenizer, copy.deepcopy(suite._encoder)
    found = made_by(tokenizer, encoder)
    assert found == made_by(tokenizer, encoder)
    with torch.no_grad():
        next(encoder.parameters()).view(-1)[0] += 1
    assert made_by(tokenizer, encoder) != found
    other = Tokenizer.from_str(tokenizer.to_str())
    other.enable_truncation(17)
    assert made_by(other, suite._encoder) != found
    monkeypatch.setattr("mtlbench_tasks.cldr.texts._PACKAGES", ("mtlbench_tasks.cldr",))
    assert made_by(tokenizer, suite._encoder) != found


def test_every_task_has_the_declared_number_of_examples(suite: Any) -> None:
    for task in suite.tasks():
        assert len(suite.examples(task.name, "train")) == task.size
        assert len(suite.examples(task.name, "dev")) > 0
        assert len(suite.examples(task.name, "test")) > 0
    for task in suite.unseen():
        assert task.size == 0
        assert len(suite.examples(task.name, "test")) > 0


def test_tasks_and_unseen_tasks_are_the_papers() -> None:
    ner, qa = CldrNer(), CldrQa()
    assert {task.name: task.size for task in ner.tasks()} == NER_SIZES
    assert len(ner.unseen()) == 14
    assert {task.name: task.size for task in qa.tasks()} == QA_SIZES
    assert [task.name for task in qa.unseen()] == list(MLQA_ONLY)
    assert [task.name for task in CldrNli().unseen()] == list(XNLI_UNSEEN)


def test_batches_are_as_wide_as_their_longest_example(suite: Any) -> None:
    task = suite.tasks()[0].name
    batch = suite.batch(task, "train", [3, 1, 2])
    assert batch.ids.shape == batch.segments.shape == batch.mask.shape
    assert batch.mask.any(0).all()
    assert suite.tokens(batch) == int((batch.ids != 0).sum())
    whole = suite.batch(task, "train", range(len(suite.examples(task, "train"))))
    assert whole.ids.shape[1] <= 128


def test_a_loss_passes_the_encoder_once_and_reaches_every_parameter(suite: Any) -> None:
    model = suite.model(0).train()
    calls = []
    handle = suite.encoder(model).register_forward_hook(lambda *_: calls.append(1))
    task = suite.tasks()[0].name
    suite.loss(model, suite.batch(task, "train", range(8)), task).backward()
    handle.remove()
    assert len(calls) == 1
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_head_is_shared_and_the_encoder_pretrained(suite: Any, model: Any) -> None:
    assert not suite.owners(model)
    names = {name for name, _ in model.named_parameters()}
    assert suite.pretrained(model) == {name for name in names if name.startswith("encoder.")}


def test_models_start_from_one_encoder_and_heads_by_seed(suite: Any, model: Any) -> None:
    other, again = suite.model(1), suite.model(0)
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        if name.startswith("encoder."):
            assert torch.equal(value, other.state_dict()[name])
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())


def test_hidden_states_stand_at_the_noise_point(suite: Any, model: Any) -> None:
    task = suite.tasks()[0].name
    batch = suite.batch(task, "train", range(4))
    seen = []
    handle = suite.noise_point(model).register_forward_hook(lambda *seen_now: seen.append(seen_now[2].shape))
    with torch.no_grad():
        hidden, mask = suite.hidden(model, batch, task)
    handle.remove()
    assert seen == [hidden.shape]
    assert hidden.shape[:2] == mask.shape == batch.ids.shape


def test_scores_are_finite_and_count_all_examples(suite: Any, model: Any) -> None:
    for task, split in ((suite.tasks()[-1].name, "dev"), (suite.unseen()[0].name, "test")):
        with torch.no_grad():
            score = suite.score(model, task, split)
        assert 0 <= score.value <= 100
        assert score.examples == len(suite.examples(task, split))


def test_masked_lm_texts_are_of_all_languages_and_the_encoder_knows_them(suite: Any, model: Any) -> None:
    texts = suite.masked_lm()
    assert sorted({**texts.seen, **texts.unseen}) == list(LANGUAGES)
    assert set(texts.seen) == {task.name.partition("-")[0] for task in suite.tasks()}
    ids = texts.seen["en"]
    chosen = torch.zeros_like(ids, dtype=torch.bool)
    chosen[:, 2] = True
    masked = ids.masked_fill(chosen, texts.mask_id)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(texts.logits(model, masked, chosen), ids[chosen])
    assert loss < 0.7 * torch.tensor(float(texts.vocabulary)).log()


@pytest.mark.parametrize("cls", SUITES, ids=lambda cls: cls.name)
def test_a_fingerprint_needs_no_data_and_another_babel_is_refused(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = cls().fingerprint(SuiteContext())
    assert len(found) == 64
    assert found == cls().fingerprint(SuiteContext(seed=5))
    monkeypatch.setattr(metadata, "version", lambda _: "2.17.0")
    with pytest.raises(BadDataset, match=r"found Babel 2\.17\.0"):
        cls().fingerprint(SuiteContext())


def test_data_vary_with_the_seed_unless_told_otherwise() -> None:
    class Seeds(CldrQa):
        def _load(self, tokenizer: Any, seed: int) -> Texts:
            self.drawn_with = seed
            return Texts({})

    def drawn_with(seed: int, **options: bool) -> int:
        suite = build(Seeds, options, "suite")
        suite.open(SuiteContext(seed=seed))
        seed_of_data: int = suite.drawn_with
        return seed_of_data

    assert drawn_with(7) == 7
    assert drawn_with(7, vary_data=False) == 0


def test_from_scratch_nothing_is_pretrained(suite: Any) -> None:
    made = build(type(suite), {"scratch": True}, "suite")
    made._encoder, made._tokenizer, made._device = suite._encoder, suite._tokenizer, "cpu"
    model = made.model(0)
    assert made.pretrained(model) == set()
    embeddings = [each.get_input_embeddings().weight for each in (model.encoder, suite._encoder)]
    assert not torch.equal(*embeddings)


def test_pseudo_tasks_share_the_english_data_and_are_ordered_by_size(suite: Any) -> None:
    if not isinstance(suite, CldrNli):
        pytest.skip("only cldr-nli has pseudo-tasks")
    sizes = [task.size for task in suite.tasks()]
    assert sum(sizes) == 8000
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 400
    assert sum(len(suite.examples(task.name, "test")) for task in suite.tasks()) == 900


def test_tokens_are_tagged_by_the_characters_that_they_share_with_a_name() -> None:
    sentence = Tagged("Mali (Kenya)", (Span(0, 4, "LOC"), Span(6, 11, "LOC")))
    offsets = [(0, 0), (0, 2), (2, 4), (5, 6), (6, 11), (11, 12), (0, 0)]
    tags = token_tags(sentence, offsets, IGNORED)
    assert [TAGS[tag] if tag != IGNORED else "-" for tag in tags] == ["-", "B-LOC", "I-LOC", "O", "B-LOC", "O", "-"]


def test_the_tags_of_a_split_hold_every_name_of_its_sentences(suite: Any) -> None:
    if not isinstance(suite, CldrNer):
        pytest.skip("only cldr-ner has tags")
    labels = suite.examples("de", "test").labels
    gold = labels[labels != IGNORED].numpy()
    scores = span_scores(gold, gold, (labels != IGNORED).sum(1).tolist(), TAGS)
    assert scores.f1 == 100.0
    assert scores.entities == sum(len(one.spans) for one in sentences("de", "test", 150, 0))
