from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from mtlbench import BadPlugin, Diverged, Method, TaskGradients


def _flat(oracle: Any) -> torch.Tensor:
    return oracle.parameters.values.clone()


def test_shared_parameters_come_first_and_heads_belong_to_their_tasks(oracle_of: Any) -> None:
    oracle = oracle_of()
    owners = [info.owner for info in oracle.params]
    assert owners[:6] == [None] * 6
    assert owners[6:] == ["t0", "t0", "t1", "t1", "t2", "t2", "t3", "t3"]
    assert [segment.name for segment in oracle.segments][:2] == ["shared", "shared/new"]
    assert oracle.parameters.shared == 6 * 5 + 5 + 5 + 5 + 5 * 5 + 5
    assert [info.pretrained for info in oracle.params[:6]] == [True] * 4 + [False] * 2


def test_parameters_of_the_model_are_views_of_the_flat_vector(oracle_of: Any) -> None:
    oracle = oracle_of()
    oracle.parameters.values.fill_(0.25)
    assert all(bool((parameter == 0.25).all()) for parameter in oracle.model.parameters())


def test_rows_are_the_gradients_of_the_batches_losses(oracle_of: Any) -> None:
    oracle = oracle_of()
    batches = oracle.draw(3)
    grads = oracle.gradients(batches)
    for row, batch in enumerate(batches):
        loss = oracle._suite.loss(oracle.model, batch.payload, batch.task)
        wanted = [p for p, i in zip(oracle.parameters.parameters, oracle.params, strict=True) if i.owner is None]
        expected = torch.cat([part.flatten() for part in torch.autograd.grad(loss, wanted)])
        torch.testing.assert_close(grads.matrix()[row], expected)
        assert float(grads.losses[row]) == pytest.approx(loss.item())


def test_the_gram_matrix_is_the_product_of_the_rows(oracle_of: Any) -> None:
    grads: TaskGradients = oracle_of().gradients(oracle_of().draw(3))
    rows = grads.matrix().double()
    torch.testing.assert_close(grads.gram(), rows @ rows.T, rtol=1e-12, atol=0)
    torch.testing.assert_close(grads.grams("layer").sum(0), grads.gram(), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(grads.grams("matrix").sum(0), grads.gram(), rtol=1e-12, atol=1e-15)
    assert len(grads.blocks("layer")) == 3
    assert len(grads.blocks("matrix")) == 6


def test_weighted_sums_equal_the_descent_that_never_holds_rows(oracle_of: Any) -> None:
    by_rows, by_sum = oracle_of(optimizer="sgd"), oracle_of(optimizer="sgd")
    batches = by_rows.draw(3)
    weights = [0.5, 2.0, 1.0]
    by_rows.apply(by_rows.gradients(batches).weighted(weights, own=weights))
    by_sum.descend(by_sum.draw(3), weights)
    torch.testing.assert_close(_flat(by_rows), _flat(by_sum))


def test_a_block_may_have_weights_of_its_own(oracle_of: Any) -> None:
    oracle = oracle_of()
    grads = oracle.gradients(oracle.draw(3))
    table = torch.arange(9.0).reshape(3, 3)
    direction = grads.weighted(table, by="layer")
    for weights, block in zip(table, grads.blocks("layer"), strict=True):
        torch.testing.assert_close(direction.shared[block.start : block.stop], weights @ grads.block(block))


def test_a_head_without_a_drawn_task_is_left_alone(oracle_of: Any) -> None:
    oracle = oracle_of()
    before = _flat(oracle)
    oracle.descend(oracle.draw(task="t1"))
    moved = {
        segment.name: not torch.equal(oracle.parameters.values[a:b], before[a:b])
        for segment, (a, b) in zip(oracle.segments, oracle.parameters.segment_spans, strict=True)
    }
    assert moved == {
        "shared": True,
        "shared/new": True,
        "t0/new": False,
        "t1/new": True,
        "t2/new": False,
        "t3/new": False,
    }


@pytest.mark.parametrize("call", ["descend", "apply"])
def test_the_mean_reduction_divides_by_the_rows(oracle_of: Any, call: str) -> None:
    steps = []
    for reduction in ("sum", "mean"):
        oracle = oracle_of(reduction=reduction, optimizer="sgd")
        before = _flat(oracle)
        if call == "descend":
            oracle.descend(oracle.draw(3))
        else:
            oracle.apply(oracle.gradients(oracle.draw(3)).weighted([1, 1, 1]))
        steps.append(_flat(oracle) - before)
    torch.testing.assert_close(steps[0], 3 * steps[1])


def test_a_mean_like_method_is_scaled_up_under_the_sum_reduction(oracle_of: Any) -> None:
    @dataclass
    class Mean(Method):
        name = "mean-like"
        scale = "mean"

    sums, means = oracle_of(optimizer="sgd"), oracle_of(Mean(), optimizer="sgd")
    before = _flat(sums)
    sums.apply(sums.gradients(sums.draw(3)).weighted([1, 1, 1]))
    means.apply(means.gradients(means.draw(3)).weighted([1 / 3] * 3, own=[1 / 3] * 3))
    torch.testing.assert_close(_flat(means) - before, _flat(sums) - before)


def test_clipping_bounds_the_step_and_keeps_its_direction(oracle_of: Any) -> None:
    free, bound = oracle_of(optimizer="sgd", lr=1.0), oracle_of(optimizer="sgd", lr=1.0, clip=1e-3)
    before = _flat(free)
    for oracle in (free, bound):
        oracle.descend(oracle.draw(3))
    step, clipped = _flat(free) - before, _flat(bound) - before
    assert float(clipped.norm()) == pytest.approx(1e-3, rel=1e-3)
    assert float(cosine_similarity(step, clipped, dim=0)) == pytest.approx(1.0, abs=1e-4)


def test_adamw_is_torchs_adamw(oracle_of: Any) -> None:
    oracle = oracle_of(lr=0.03, weight_decay=0.1)
    mirror = oracle_of()
    reference = torch.optim.AdamW(mirror.model.parameters(), lr=0.03, weight_decay=0.1)
    for _ in range(5):
        oracle.descend(oracle.draw(3))
        reference.zero_grad(set_to_none=True)
        for batch in mirror.draw(3):
            mirror._suite.loss(mirror.model, batch.payload, batch.task).backward()
        reference.step()
    for ours, theirs in zip(oracle.model.parameters(), mirror.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_every_gradient_is_counted_once_and_the_audit_agrees(oracle_of: Any) -> None:
    oracle = oracle_of()
    oracle.gradients(oracle.draw(3))
    oracle.descend(oracle.draw(2))
    oracle.losses(oracle.draw(3))
    meter = oracle.meter
    assert (meter.gradients, meter.forwards, meter.backwards, meter.extra_forwards) == (5, 5, 5, 3)
    assert (meter.examples, meter.optimizer_steps) == (20, 1)
    assert oracle.audit.difference(meter) is None


def test_draws_are_cut_at_the_budget_and_more_is_refused(oracle_of: Any) -> None:
    oracle = oracle_of(budget=4)
    batches = oracle.draw(3)
    oracle.descend(batches)
    assert len(oracle.draw(3)) == 1
    assert list(oracle.take(10)) == list(range(10))  # nothing was spent in between
    with pytest.raises(BadPlugin, match=r"asks for the gradients of 3 batches where the budget has room for 1"):
        oracle.descend(batches)


def test_take_stops_when_the_budget_is_spent(oracle_of: Any) -> None:
    oracle = oracle_of(budget=4)
    steps = 0
    for _ in oracle.take(100):
        oracle.descend(oracle.draw(task="t0"))
        steps += 1
    assert steps == 4
    assert oracle.remaining == 0


def test_a_branch_comes_back_and_leaves_its_delta(oracle_of: Any) -> None:
    oracle = oracle_of(training=True)
    phi, buffers = _flat(oracle), [buffer.clone() for buffer in oracle.model.buffers()]
    with oracle.branch() as branch:
        oracle.descend(oracle.draw(task="t0"))
        theta = _flat(oracle)
        assert not torch.equal(theta, phi)
    assert torch.equal(_flat(oracle), phi)
    assert all(torch.equal(now, before) for now, before in zip(oracle.model.buffers(), buffers, strict=True))
    torch.testing.assert_close(branch.delta.values, theta - phi)
    assert branch.delta.steps == 1
    oracle.move(branch.delta, 1.0)
    torch.testing.assert_close(_flat(oracle), theta)
    assert int(oracle.model.encoder[1].num_batches_tracked) == 1


def test_a_move_averages_heads_over_the_branches_that_drew_them(oracle_of: Any) -> None:
    oracle = oracle_of()
    phi = _flat(oracle)
    deltas = []
    for task in ("t0", "t1", "t1"):
        with oracle.branch(fresh=True) as branch:
            oracle.descend(oracle.draw(task=task))
        deltas.append(branch.delta)
    oracle.move(iter(deltas), 0.5)
    moved = _flat(oracle) - phi
    for segment, (a, b) in zip(oracle.segments, oracle.parameters.segment_spans, strict=True):
        having = [d.values[a:b] for d in deltas if segment.owner is None or segment.owner in d.owners]
        expected = 0.5 * torch.stack(having).mean(0) if having else torch.zeros(b - a)
        torch.testing.assert_close(moved[a:b], expected, rtol=1e-4, atol=1e-7)


def test_slots_keep_their_optimizer_and_fresh_branches_do_not(oracle_of: Any) -> None:
    def steps(**branch: Any) -> list[torch.Tensor]:
        oracle = oracle_of(batch_size=20)
        found = []
        for _ in range(2):
            with oracle.branch(**branch) as opened:
                oracle.descend(oracle.draw(task="t0"))
            found.append(opened.delta.values)
        return found

    first, second = steps(fresh=True)
    # A first step of Adam is lr * sign(gradient); a second one from the same point and gradient is too,
    # unless other batches were met, so compare with a slot, whose second step knows the first gradient.
    slot_first, slot_second = steps(slot="t0")
    assert torch.equal(first, slot_first)
    assert not torch.equal(second, slot_second)


def test_branches_do_not_nest(oracle_of: Any) -> None:
    oracle = oracle_of()
    with oracle.branch(), pytest.raises(BadPlugin, match="a branch inside a branch"), oracle.branch():
        pass


def test_a_loss_that_is_not_finite_ends_the_run(oracle_of: Any) -> None:
    oracle = oracle_of()
    oracle.parameters.values.fill_(float("nan"))
    with pytest.raises(Diverged, match="the loss of task t0 is nan"):
        oracle.descend(oracle.draw(task="t0"))


def test_an_objective_must_spend_what_it_declares(oracle_of: Any) -> None:
    @dataclass
    class Twice(Method):
        name = "twice"

        def objective(self, view: Any) -> Any:
            return view.loss() + view.loss()

    oracle = oracle_of(Twice())
    with pytest.raises(BadPlugin, match="method twice declares 1 gradients a batch and its objective spends 2"):
        oracle.descend(oracle.draw(1))


def test_attached_modules_train_outside_the_shared_parameters(oracle_of: Any) -> None:
    @dataclass
    class Scaled(Method):
        name = "scaled"

        def start(self, oracle: Any) -> None:
            self.gain = torch.nn.Linear(1, 1)
            oracle.attach("gain", self.gain)

        def objective(self, view: Any) -> Any:
            return view.loss() * self.gain(torch.ones(1)).exp().sum()

    oracle = oracle_of(Scaled())
    assert oracle.segments[-1].owner == "gain"
    assert oracle.parameters.shared == oracle_of().parameters.shared
    before = oracle.segments[-1].values.clone()
    grads = oracle.gradients(oracle.draw(2))
    assert len(grads.matrix()[0]) == oracle.parameters.shared
    oracle.apply(grads.weighted([1, 1]))
    assert not torch.equal(oracle.segments[-1].values, before)
    with pytest.raises(BadPlugin, match="after its start"):
        oracle.attach("late", torch.nn.Linear(1, 1))
    assert oracle.audit.difference(oracle.meter) is None


def test_the_rate_follows_gradients_and_is_never_zero_at_an_end(oracle_of: Any) -> None:
    oracle = oracle_of(budget=6, warmup=0.5, schedule="linear", lr=1.0)
    rates = []
    for _ in range(6):
        batch = oracle.draw(1)
        oracle.gradients(batch)
        rates.append(oracle.lr)
        oracle._spent_at_update = oracle.meter.gradients
    assert rates == pytest.approx([1 / 6, 3 / 6, 5 / 6, 5 / 6, 3 / 6, 1 / 6])


def test_independent_draws_may_repeat_a_task(oracle_of: Any) -> None:
    oracle = oracle_of(draws="independent", rows=4, budget=400)
    picks = [oracle.pick() for _ in range(50)]
    assert any(len(set(pick)) < 4 for pick in picks)
    assert all(len(pick) == 4 for pick in picks)
    assert all(len(set(oracle.pick(distinct=True))) == 4 for _ in range(5))
