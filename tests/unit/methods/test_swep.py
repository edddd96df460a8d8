from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from mtlbench.interface import BadSetting, Suite, SuiteContext
from mtlbench.testing.short_run import Setup
from mtlbench.testing.toy_suite import ToySuite
from mtlbench_methods.mtl import MTL
from mtlbench_methods.swep import SWEP, divergence, noise

WIDTH = 6  # of the toy suite's words


def setup(**settings):
    suite, context = ToySuite(), SuiteContext()
    suite.open(context)
    return Setup(lambda: SWEP(**settings), suite, suite.protocol, context)


class View:
    """A batch of two sentences whose second ends in padding; its loss is linear in the noise."""

    task = "first"

    def __init__(self, hidden=None):
        self.states = torch.randn(2, 3, WIDTH) if hidden is None else hidden
        self.mask = torch.tensor([[True, True, True], [True, False, False]])
        self.factor = torch.tensor(2.0, requires_grad=True)
        self.scales = []

    def hidden(self):
        return self.states, self.mask

    def loss(self, scale=None):
        self.scales.append(scale)
        return self.factor * (1.0 if scale is None else scale.mean())


def started(**settings):
    method, kept = SWEP(**settings), {}
    oracle = SimpleNamespace(
        generator=torch.Generator().manual_seed(0), noise_widths=lambda: (WIDTH, WIDTH), attach=kept.__setitem__
    )
    method.start(oracle)
    return method, kept["swep-noise"]


def test_the_divergence_is_that_of_two_gaussians():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    want = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(torch.ones(()), math.sqrt(1 / 3))).sum(-1)
    assert divergence(mean, log_variance, 1 / 3).tolist() == pytest.approx(want.tolist())


def test_noise_at_the_prior_diverges_by_nothing():
    ones = torch.ones(2, 3, dtype=torch.float64)
    assert divergence(ones, ones * math.log(1 / 3), 1 / 3).tolist() == pytest.approx([0.0, 0.0], abs=1e-15)


def test_noise_has_the_mean_and_the_spread_that_it_is_given():
    eps = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = noise(torch.full_like(eps, 3.0), torch.full_like(eps, math.log(0.25)), eps)
    assert float(drawn.mean()) == pytest.approx(3.0, abs=0.01)
    assert float(drawn.var()) == pytest.approx(0.25, abs=0.005)


def test_the_prior_variance_is_the_root_of_the_odds_of_dropout():
    assert SWEP().prior_variance == pytest.approx(1 / 3)
    assert SWEP(prior_dropout=0.5).prior_variance == 1.0


def test_the_objective_is_half_of_both_losses_plus_the_divergence_over_tokens():
    method, module = started(kl_weight=0.5)
    view = View()
    got = method.objective(view).detach()
    mean, log_variance = module(view.states).chunk(2, -1)
    clean, scale = view.scales
    assert clean is None
    per_token = divergence(mean, log_variance, 1 / 3)
    kl = per_token[view.mask].mean()
    want = 0.5 * (2.0 + 2.0 * scale.mean()) + 0.5 * kl
    assert float(got) == pytest.approx(float(want.detach()), rel=1e-6)


def test_started_at_the_prior_its_divergence_is_zero_and_as_published_it_is_large():
    for hidden in (torch.zeros(2, 3, WIDTH), torch.randn(2, 3, WIDTH)):
        view = View(hidden)
        calm, module = started(start_at_prior=True)
        loss = calm.objective(view)
        assert float(loss.detach()) == pytest.approx(float((1.0 + view.scales[1].mean()).detach()), abs=1e-6)
        mean, log_variance = module(hidden).chunk(2, -1)
        assert divergence(mean, log_variance, 1 / 3).abs().max() < 1e-5
    _, wild = started()
    mean, log_variance = wild(torch.zeros(1, WIDTH)).chunk(2, -1)
    assert divergence(mean, log_variance, 1 / 3).item() > WIDTH


def test_the_noise_module_starts_as_torch_starts_linear_layers_and_leaves_torchs_stream_alone():
    before = torch.get_rng_state()
    _, module = started()
    assert torch.equal(torch.get_rng_state(), before)
    first, _, last = module
    assert (first.weight.shape, last.weight.shape) == ((WIDTH, WIDTH), (2 * WIDTH, WIDTH))
    for parameter in module.parameters():
        assert 0.3 / math.sqrt(WIDTH) < parameter.abs().max().item() <= 1 / math.sqrt(WIDTH)


def test_noise_reaches_every_token_and_dimension_padding_included():
    method, _ = started()
    view = View()
    method.objective(view)
    assert view.scales[1].shape == view.states.shape
    assert len(view.scales[1].unique()) == view.states.numel()


def test_the_noise_module_learns_and_the_hidden_states_have_no_graph():
    method, module = started()
    view = View()
    method.objective(view).backward()
    assert all(float(parameter.grad.abs().sum()) > 0 for parameter in module.parameters())
    assert view.factor.grad.item() == pytest.approx(0.5 * (1 + view.scales[1].mean().item()), rel=1e-6)


def test_a_batch_costs_two_gradients_and_one_forward_pass_without():
    counts = setup().run().result["counts"]
    assert (counts["gradients"], counts["forwards"], counts["extra_forwards"]) == (24, 24, 12)
    assert counts["backwards"] == 12


def test_an_odd_gradient_of_the_budget_is_left_over():
    plain = setup()
    trained = Setup(plain.make, plain.suite, type(plain.protocol)(budget=7, rows=2), plain.context).run()
    assert trained.unspent == 1


def test_with_noise_of_one_and_without_dropout_both_losses_are_the_same():
    ready = setup()
    training = ready.training()
    model = training.oracle.model.eval()  # dropout off, running statistics fixed
    batch = training.oracle.draw(1)[0]
    from mtlbench.engine.backpropagation import _View

    view = _View(training.oracle.passes, ready.suite, batch)
    ones = torch.ones_like(view.hidden()[0])
    assert float(view.loss(ones).detach()) == float(view.loss().detach())
    assert float(view.loss(2 * ones).detach()) != float(view.loss().detach())
    assert not model.encoder.words._forward_hooks
    training.close()


def test_evaluation_uses_the_plain_encoder():
    ready = setup()
    training = ready.training()
    names = [name for name, _ in training.oracle.model.named_parameters()]
    assert not any("noise" in name for name in names)
    assert training.oracle.segments[-1].name.startswith("swep-noise")
    training.close()


def test_it_does_not_fit_a_suite_without_a_noise_point():
    class Blind(Suite):
        name = "blind"

    assert "noise_point" in SWEP().unfit(Blind())
    assert SWEP().unfit(ToySuite()) is None
    assert MTL().unfit(Blind()) is None


@pytest.mark.parametrize("values", [{"kl_weight": -1.0}, {"prior_dropout": 0.0}, {"prior_dropout": 1.0}])
def test_bad_settings_are_refused(values):
    with pytest.raises(BadSetting, match=next(iter(values))):
        SWEP(**values)
