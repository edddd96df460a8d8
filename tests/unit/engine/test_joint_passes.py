"""One pass of the encoder for all batches of a joint step gives what a pass each gives, or is not used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench import Method, Score, Suite, SuiteContext, Task, TrainingProtocol
from mtlbench.engine import tables
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.sampling import BatchStream
from mtlbench.engine.streams import Streams
from mtlbench.interface.oracle import TaskInfo
from mtlbench.plugins import load_registry

WORDS, WIDTH, LONGEST, TASKS, BATCH = 40, 8, 6, 3, 4


class Texts(nn.Module):
    """Embeddings of words and positions, a layer with attention over what is not masked, and a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.places = nn.Embedding(LONGEST, WIDTH)
        self.query, self.mix = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH)
        self.convolution = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=2)
        self.norm, self.dropout = nn.LayerNorm(WIDTH), nn.Dropout(0.0)

    def forward(self, ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self.words(ids) + self.places(torch.arange(ids.shape[1])[None])
        hidden = ~attention_mask.bool()[:, None, :]
        weights = (self.query(states) @ states.transpose(1, 2)).masked_fill(hidden, -1e4).softmax(2)
        mixed = self.norm(states + self.mix(self.mix(weights @ states)))
        mixed = mixed * attention_mask[:, :, None]
        mixed = (
            self.dropout(mixed + self.convolution(mixed.transpose(1, 2)).transpose(1, 2)) * attention_mask[:, :, None]
        )
        return mixed, mixed[:, 0].tanh()


@dataclass
class Reading(Suite):
    """Classification of token sequences, whose batches differ in length; a neck that is shared, a head a task."""

    name = "reading"
    lengths = (LONGEST, 4, 5)
    sizes = (BATCH, BATCH, BATCH)

    def open(self, context: SuiteContext) -> None:
        generator = torch.Generator().manual_seed(3)
        self._ids = torch.randint(1, WORDS, (TASKS, 20, LONGEST), generator=generator)
        self._labels = torch.randint(2, (TASKS, 20), generator=generator)

    @property
    def protocol(self) -> TrainingProtocol:
        return TrainingProtocol(budget=10_000, batch_size=BATCH, rows=TASKS, passes="joint", lr=1e-2)

    def tasks(self) -> list[Task]:
        return [Task(f"t{place}", 20 if size == BATCH else size) for place, size in enumerate(self.sizes)]

    def model(self, seed: int) -> nn.Module:
        model = nn.Module()
        model.encoder = Texts()
        model.neck = nn.Linear(WIDTH, WIDTH)
        model.heads = nn.ModuleDict({task.name: nn.Linear(WIDTH, 2) for task in self.tasks()})
        return model

    def batch(self, task: str, split: Any, indices: Any) -> tuple[Tensor, Tensor, Tensor]:
        place = int(task[1:])
        ids = self._ids[place, indices, : self.lengths[place]].clone()
        ids[0, 3:] = 0
        return ids, (ids > 0).long(), self._labels[place, indices]

    def loss(self, model: Any, batch: Any, task: str) -> Tensor:
        ids, mask, labels = batch
        states, first = model.encoder(ids, attention_mask=mask)
        return functional.cross_entropy(model.heads[task](model.neck(states.mean(1) + first)), labels)

    def noise_point(self, model: Any) -> nn.Module:
        words: nn.Module = model.encoder.words
        return words

    def hidden(self, model: Any, batch: Any, task: str) -> tuple[Tensor, Tensor]:
        ids, mask, _ = batch
        return model.encoder(ids, attention_mask=mask)[0], mask

    def score(self, model: Any, task: str, split: Any) -> Score:
        return Score(0.0, 1)


Prepare = Callable[[nn.Module], object]


def oracle(
    passes: str, method: Method, prepare: Prepare | None = None, suite: type[Reading] = Reading, **protocol: Any
) -> Oracle:
    import dataclasses

    opened = suite()
    opened.open(SuiteContext())
    rules = dataclasses.replace(opened.protocol, passes=passes, **protocol)
    torch.manual_seed(0)
    model = opened.model(0).train()
    if prepare is not None:
        prepare(model)
    names = [task.name for task in opened.tasks()]
    return Oracle(
        suite=opened,
        model=model,
        method=method,
        tasks=[TaskInfo(task.name, task.size, 1 / len(names)) for task in opened.tasks()],
        sampler=BatchStream(opened, names, [1 / len(names)] * len(names), BATCH, Streams("reading", 0)),
        protocol=rules,
        budget=rules.budget,
        generator=torch.Generator().manual_seed(0),
    )


def method(name: str, **settings: Any) -> Method:
    made: Method = load_registry().method(name).cls(**settings)
    return made


def agree(joint: Oracle) -> None:
    assert joint.audit.difference(joint.meter) is None


@pytest.mark.parametrize("large", [10, 1000])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rows_are_those_of_single_passes(monkeypatch, large, precision):
    monkeypatch.setattr(tables, "LARGE", large)
    both = [oracle(passes, method("pcgrad"), precision=precision) for passes in ("joint", "task")]
    found = [made.gradients(made.draw()) for made in both]
    close = {"rtol": 1e-4, "atol": 1e-6} if precision == "float32" else {"rtol": 0.1, "atol": 0.05}
    torch.testing.assert_close(found[0].losses, found[1].losses, **close)
    torch.testing.assert_close(found[0].gram(), found[1].gram(), **close)
    first, second = (grads.weighted([1.0, -2.0, 0.5]) for grads in found)
    torch.testing.assert_close(first.shared, second.shared, **close)
    assert first.own.keys() == second.own.keys()
    for name in first.own:
        torch.testing.assert_close(first.own[name], second.own[name], **close)
    joint, single = both
    assert (joint.meter.forwards, single.meter.forwards) == (1, TASKS)
    assert joint.meter.gradients == single.meter.gradients == joint.meter.backwards == TASKS
    assert joint.meter.examples == single.meter.examples
    for made in both:
        agree(made)


@pytest.mark.parametrize("name", sorted(load_registry().methods))
def test_every_method_trains_alike_in_one_pass(name):
    def trained(passes: str) -> tuple[Tensor, Oracle]:
        made = oracle(passes, method(name), rows=1 if name == "stl" else TASKS)
        for _ in range(4):
            made._method.step(made)
        agree(made)
        return made.parameters.values, made

    (joint, one), (single, each) = trained("joint"), trained("task")
    torch.testing.assert_close(joint, single, rtol=1e-3, atol=2e-4)
    assert one.meter.gradients == each.meter.gradients
    assert one.meter.tokens == each.meter.tokens


class Bare(nn.Module):
    """A scale that belongs to no module whose gradients come apart."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.scale = inner, nn.Parameter(torch.ones(WIDTH))

    def forward(self, ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states, first = self.inner(ids, attention_mask)
        return states * self.scale, first


class Peeking(Texts):
    """Centres on the mean over the batch: one example's states depend on the others."""

    def forward(self, ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states, first = super().forward(ids, attention_mask)
        return states - states.mean(0, keepdim=True), first


def bare(model: Any) -> None:
    model.encoder = Bare(model.encoder)


def peeking(model: Any) -> None:
    model.encoder = Peeking()


def normalising(model: Any) -> None:
    model.encoder.dropout = nn.BatchNorm1d(LONGEST)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [(bare, "the gradients of encoder.scale do not come apart"), (peeking, "gradients that differ")],
)
@pytest.mark.parametrize("name", ["mtl", "pcgrad"])
def test_what_does_not_come_apart_takes_single_passes_and_says_so(caplog, prepare, reason, name):
    with caplog.at_level(logging.WARNING, "mtlbench"):
        both = [oracle(passes, method(name), prepare) for passes in ("joint", "task")]
        for made in both:
            for _ in range(2):
                made._method.step(made)
            agree(made)
            assert made.meter.forwards == 2 * TASKS
    assert torch.equal(both[0].parameters.values, both[1].parameters.values)
    assert caplog.text.count(reason) == 1


def test_encoders_that_normalise_over_a_batch_and_objectives_of_their_own_take_single_passes():
    class Same(Reading):
        lengths = (LONGEST,) * TASKS

    assert oracle("joint", method("mtl"), normalising, Same).passes.joint is None
    assert oracle("joint", method("swep")).passes.joint is None
    assert oracle("joint", method("mtl"), accumulate=2).passes.joint is None


def test_batches_of_other_sizes_take_single_passes_while_the_others_go_together():
    class Small(Reading):
        sizes = (BATCH, 2, BATCH)

    made = oracle("joint", method("pcgrad"), suite=Small)
    made.gradients([made.draw(task="t0")[0], made.draw(task="t1")[0]])
    assert made.meter.forwards == 2
    made.gradients([made.draw(task="t0")[0], made.draw(task="t2")[0]])
    assert made.meter.forwards == 3
    made.gradients([made.draw(task="t0")[0], made.draw(task="t0")[0]])
    assert (made.meter.forwards, made.meter.backwards) == (4, 6)
    agree(made)


def test_the_trial_leaves_nothing_behind():
    made = oracle("joint", method("pcgrad"))
    state = torch.get_rng_state()
    made.passes._try_joint(made.draw())
    assert made.passes.joint.refusal is None
    assert made.passes.joint.steps == 1
    assert (made.meter.gradients, made.meter.forwards, made.meter.backwards, made.passes.losses_seen) == (0, 0, 0, [])
    assert torch.equal(state, torch.get_rng_state())
    agree(made)


def test_frozen_weights_and_unused_ones(monkeypatch):
    def frozen(model: Any) -> None:
        model.encoder.mix.weight.requires_grad_(False)
        model.encoder.unused = nn.Linear(WIDTH, WIDTH)

    joint, single = (oracle(passes, method("pcgrad"), frozen) for passes in ("joint", "task"))
    for step in (1, 2):  # no passes are compared beforehand, and the second finds the rows as they were left
        joint.passes.joint.steps = 3
        first, second = (made.gradients(made.draw()).matrix() for made in (joint, single))
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
        assert joint.meter.forwards == step
        for rows in (first, second):
            rows.fill_(float("nan"))


def quiet_heads(model: Any) -> None:
    for head in model.heads.values():
        nn.init.zeros_(head.weight)


class Pooling(Texts):
    """Its states hold the mean over all positions, padding included."""

    def forward(self, ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states, first = super().forward(ids, attention_mask)
        return states + 0.3 * self.words(ids).mean(1, keepdim=True).tanh() + ids.shape[1], first


def test_nothing_to_compare_is_no_agreement(caplog):
    with caplog.at_level(logging.WARNING, "mtlbench"):
        made = oracle("joint", method("pcgrad"), quiet_heads)
        made.gradients(made.draw())
    assert made.passes.joint.refusal is not None
    assert "most of its gradients are zero" in caplog.text


def test_what_differs_only_later_is_found_later():
    class Late(Reading):
        lengths = (LONGEST, LONGEST, 4)

    def pooling(model: Any) -> None:
        model.encoder = Pooling()

    made = oracle("joint", method("pcgrad"), pooling, Late)
    made.gradients([made.draw(task="t0")[0], made.draw(task="t1")[0]])
    assert made.passes.joint.refusal is None
    made.gradients([made.draw(task="t0")[0], made.draw(task="t2")[0]])
    assert made.passes.joint.refusal is not None
    agree(made)


def test_a_refusal_outlives_a_checkpoint():
    made, resumed = (oracle("joint", method("pcgrad"), quiet_heads) for _ in range(2))
    made.gradients(made.draw())
    resumed.load_state_dict(made.state_dict())
    assert resumed.passes.joint.refusal is not None


def test_losses_that_draw_before_their_encoder_take_single_passes():
    class Shuffling(Reading):
        def loss(self, model: Any, batch: Any, task: str) -> Tensor:
            order = torch.randperm(BATCH)
            return super().loss(model, tuple(part[order] for part in batch), task)

    made = oracle("joint", method("pcgrad"), suite=Shuffling)
    made.gradients(made.draw())
    assert made.meter.forwards == TASKS
    agree(made)


def test_weights_that_a_loss_reads_too_keep_what_it_leaves():
    class Tied(Reading):
        def loss(self, model: Any, batch: Any, task: str) -> Tensor:
            plain = super().loss(model, batch, task)
            return plain + (model.encoder.mix.weight**2).sum() if task == "t1" else plain

    joint, single = (oracle(passes, method("pcgrad"), suite=Tied) for passes in ("joint", "task"))
    for made in (joint, single):
        made.passes._rows.of(TASKS).fill_(float("nan"))  # whatever lay there before
    first, second = (made.gradients(made.draw()).matrix().clone() for made in (joint, single))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
    assert joint.meter.forwards == 1


def test_a_head_each_of_many_tasks_is_seen_by_the_audit():
    class Many(Reading):
        lengths = (LONGEST,) * 30
        sizes = (BATCH,) * 30

        def open(self, context: SuiteContext) -> None:
            super().open(context)
            self._ids, self._labels = self._ids.repeat(10, 1, 1), self._labels.repeat(10, 1)

        def loss(self, model: Any, batch: Any, task: str) -> Tensor:
            ids, mask, labels = batch
            return functional.cross_entropy(model.heads[task](model.encoder(ids, attention_mask=mask)[1]), labels)

    def headed(model: Any) -> None:
        del model.neck

    made = oracle("joint", method("pcgrad"), headed, Many, rows=30)
    for _ in range(2):
        made._method.step(made)
    assert made.meter.backwards == 60
    agree(made)
    assert oracle("joint", method("mtl"), activation_checkpointing=True).passes.joint is None


def test_a_copy_of_the_model_computes_with_its_own_weights():
    import copy

    made = oracle("joint", method("pcgrad"))
    copied = copy.deepcopy(made.model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
        ids = torch.ones(2, 3, dtype=torch.long)
        assert float(copied.encoder(ids, attention_mask=ids)[0].abs().sum()) == 0.0
