from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from mtlbench.engine.replay import replay
from mtlbench.interface import BadSetting, GradientMethod, TaskGradients
from mtlbench.plugins import load_registry
from mtlbench.testing.records import made_up_record


def recorded(*grams, tasks=2):
    """A record whose tape holds these Gram matrices."""
    record = made_up_record(scores={f"t{i}": 50.0 for i in range(tasks)}, evaluations=len(grams) - 1)
    for point, gram in zip(record["outcome"]["curve"], grams, strict=True):
        point["probes"]["cosine"]["gram"] = gram
    return record


def method(name, **settings):
    return load_registry().method(name).cls(**settings)


CONFLICT = [[1.0, -0.5], [-0.5, 1.0]]
AGREEMENT = [[1.0, 0.5], [0.5, 4.0]]


def test_pcgrad_weighs_two_opposing_gradients_as_worked_out_by_hand():
    # h_0 = g_0 + g_1 / 2 and h_1 = g_1 + g_0 / 2, whose sum is 1.5 (g_0 + g_1): the direction of the sum, 1.5 as long.
    at_conflict, at_agreement = replay(method("pcgrad"), recorded(CONFLICT, AGREEMENT))
    assert at_conflict.weights == pytest.approx((1.5, 1.5))
    assert at_conflict.cosine == pytest.approx(1.0)
    assert at_conflict.length == pytest.approx(1.5)
    assert at_agreement.weights == (1.0, 1.0)


def test_an_opposed_task_is_told_of():
    # g_0 . (g_0 + g_1) = 1 - 3 < 0.
    (choice,) = replay(method("mtl"), recorded([[1.0, -3.0], [-3.0, 16.0]], CONFLICT))[:1]
    assert choice.opposed == 0.5
    assert choice.length == 1.0


@pytest.mark.parametrize("name", ["pcgrad", "gradvac"])
def test_a_replay_is_what_the_method_does_on_gradients_with_these_inner_products(name):
    torch.manual_seed(0)
    rows = torch.randn(4, 6, dtype=torch.float64)
    settings = {"groups_by": "whole"} if name == "gradvac" else {}
    gram = (rows @ rows.T).tolist()
    (choice,) = replay(method(name, **settings), recorded(gram, gram, tasks=4))[:1]
    direct = TaskGradients.from_matrix(rows).weighted(choice.weights).shared
    total = rows.sum(0)
    assert choice.length == pytest.approx(float(direct.norm() / total.norm()))
    assert choice.cosine == pytest.approx(float(direct @ total / direct.norm() / total.norm()))
    assert choice.opposed == float((rows @ direct < 0).double().mean())


def test_state_goes_from_point_to_point_and_starts_fresh():
    gradvac = method("gradvac", groups_by="whole", beta=1.0)
    # After the first point the targets are its cosine, 0.5; the second point's pair agrees less and is pulled up.
    first, second = replay(gradvac, recorded([[1.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 1.0]]))
    assert first.weights == (1.0, 1.0)
    assert second.weights[0] == pytest.approx(1 + 0.5 / math.sqrt(0.75))
    assert replay(gradvac, recorded(AGREEMENT, AGREEMENT))[0].weights == (1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("gradvac", {}, "it needs the gradients by layer"),
        ("gradnorm", {}, "it needs the parameters"),
        ("gradnorm", {"norm_over": "all"}, "it needs the tasks' losses; --equal-losses takes them as equal"),
        ("stl", {}, "it needs a model for each group of tasks"),
        ("swep", {}, "it needs the gradients of another loss"),
        ("reptile", {}, "it needs to"),
        ("sequential-reptile", {}, "it needs to train on in a copy of the model"),
    ],
)
def test_a_method_that_needs_more_is_refused_with_what_it_needs(name, settings, reason):
    with pytest.raises(BadSetting, match=f"{name} cannot be replayed from Gram matrices: .*{reason}"):
        replay(method(name, **settings), recorded(CONFLICT, AGREEMENT))


def test_gradnorm_can_be_replayed_when_losses_are_taken_as_equal():
    gram = [[1.0, 0.0], [0.0, 9.0]]
    first, second = replay(method("gradnorm", norm_over="all"), recorded(gram, gram), equal_losses=True)
    assert first.weights == (1.0, 1.0)
    assert second.weights[0] > 1 > second.weights[1]


@dataclass
class Halved(GradientMethod):
    """Edits its direction after weighing."""

    name = "halved"

    def combine(self, grads):
        from dataclasses import replace

        direction = grads.weighted([1.0] * len(grads))
        return replace(direction, shared=direction.shared / 2)


def test_a_direction_that_was_edited_is_refused_rather_than_misread():
    with pytest.raises(BadSetting, match="needs to edit a direction after its weighted sum"):
        replay(Halved(), recorded(CONFLICT, AGREEMENT))


def test_a_record_without_a_tape_is_refused():
    record = made_up_record("stl", {"a": 1.0})
    with pytest.raises(BadSetting, match="has no Gram matrices along its curve"):
        replay(method("pcgrad"), record)


def test_gradients_of_a_gram_matrix_measure_lengths_as_it_says():
    grads = TaskGradients.from_gram(torch.tensor([[4.0, 1.0], [1.0, 9.0]]))
    assert float(grads.weighted([1.0, 0.0]).shared.norm()) == pytest.approx(2.0)
    assert float(grads.weighted([1.0, 1.0]).shared.norm()) == pytest.approx(math.sqrt(15.0))
    assert grads.gram().tolist() == [[4.0, 1.0], [1.0, 9.0]]
