"""Every law has a method that breaks it, and the law says so."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import pytest
import torch

from mtlbench.interface import GradientMethod, Method, Suite
from mtlbench.testing.laws import try_law
from mtlbench.testing.method_laws import METHOD_LAWS, MethodSubject
from mtlbench.testing.subjects import laws_of, uninstalled
from mtlbench.testing.suite_laws import SUITE_LAWS
from mtlbench.testing.toy_suite import ToySuite


@dataclass
class Helpless(Method):
    name = "helpless"
    strength: float = 1.0


@dataclass
class Restless(Method):
    name = "restless"
    strength: float = 1.0
    """Another value every time."""

    def __post_init__(self):
        self.strength += 1.0


@dataclass
class Forgetful(Method):
    name = "forgetful"

    def groups(self, tasks):
        return [list(tasks)[1:]]


@dataclass
class Normalising(GradientMethod):
    name = "normalising"

    def combine(self, grads):
        norms = grads.gram().diagonal().sqrt()
        return grads.weighted(1.0 / norms)


@dataclass
class Backwards(GradientMethod):
    name = "backwards"

    def combine(self, grads):
        return grads.weighted([-1.0] * len(grads))


@dataclass
class FirstComes(GradientMethod):
    name = "first-comes"

    def combine(self, grads):
        return grads.weighted([1.0] + [0.5] * (len(grads) - 1))


@dataclass
class Greedy(Method):
    """Takes two steps on every draw, whether the budget has room for the second or not."""

    name = "greedy"

    def step(self, oracle):
        batches = oracle.draw()
        oracle.descend(batches)
        oracle.descend(batches)


@dataclass
class Thrifty(Method):
    """Spends four gradients on a batch, which do not divide the budget."""

    name = "thrifty"
    gradients_per_batch = 4

    def objective(self, view):
        return sum(view.loss() for _ in range(4))


@dataclass
class Cheating(Method):
    """Takes a second look at every batch behind the meter's back."""

    name = "cheating"

    def objective(self, view):
        batch, oracle = view._batch, view._oracle
        return view.loss() + oracle._suite.loss(oracle.model, batch.payload, batch.task)


_COUNT = itertools.count()


@dataclass
class Moody(Method):
    name = "moody"

    def start(self, oracle):
        self.mood = 1.0 + next(_COUNT)

    def objective(self, view):
        return self.mood * view.loss() + self.mood


@dataclass
class Absentminded(GradientMethod):
    """Weighs by a count of steps that it does not save."""

    name = "absentminded"

    def start(self, oracle):
        self.steps = 0

    def combine(self, grads):
        self.steps += 1
        return grads.weighted([float(self.steps)] + [1.0] * (len(grads) - 1))


BREAKERS = {
    "settings": [Helpless, Restless],
    "groups": [Forgetful],
    "finite": [Normalising],
    "agreement": [Backwards],
    "scale": [Normalising],
    "permutation": [FirstComes],
    "budget": [Greedy],
    "audit": [Cheating],
    "protocol": [Cheating],
    "determinism": [Moody],
    "resume": [Absentminded],
}


def verdict(law_name, cls):
    (law,) = [law for law in METHOD_LAWS if law.name == law_name]
    return try_law(law, MethodSubject(cls, installed=False))


@pytest.mark.parametrize(("law", "cls"), [(law, cls) for law, classes in BREAKERS.items() for cls in classes])
def test_a_law_catches_who_breaks_it(law, cls):
    found = verdict(law, cls)
    assert found.outcome == "FAILED", str(found)
    assert found.reason


def test_every_law_about_methods_has_a_breaker_or_a_reason_to_have_none():
    # light-import needs a module on disk: see below.
    assert {law.name for law in METHOD_LAWS} - BREAKERS.keys() == {"light-import"}


def test_a_method_may_leave_less_than_one_batch_unspent():
    assert verdict("budget", Thrifty).outcome == "ok"


def test_a_method_may_say_which_laws_it_breaks_on_purpose():
    @dataclass
    class Honest(Backwards):
        exempt_laws = {"agreement": "it climbs"}  # noqa: RUF012

    assert str(verdict("agreement", Honest)) == "backwards: agreement exempt: it climbs"


def test_laws_about_rows_say_nothing_of_methods_without_rows():
    @dataclass
    class Plain(Method):
        name = "plain"

    spoken = {law.name for law in laws_of(uninstalled(Plain))}
    assert not spoken & {"finite", "agreement", "scale", "permutation", "light-import"}
    assert {"settings", "budget", "resume"} <= spoken


def test_a_module_that_imports_torch_is_caught(tmp_path, monkeypatch):
    source = "import torch\nfrom mtlbench import Method\nclass Heavy(Method):\n    name = 'heavy'\n"
    (tmp_path / "heavy_method.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    from heavy_method import Heavy

    (law,) = [law for law in METHOD_LAWS if law.name == "light-import"]
    found = try_law(law, MethodSubject(Heavy))
    assert "imports torch" in found.reason
    assert found.outcome == "FAILED"


# Suites -------------------------------------------------------------------------------------------------------


def suite_verdicts(cls):
    subject = uninstalled(cls)
    return {law.name: try_law(law, subject) for law in laws_of(subject)}


def test_the_toy_suite_keeps_all_laws_about_suites():
    assert {str(found) for found in suite_verdicts(ToySuite).values() if found.outcome == "FAILED"} == set()


@dataclass
class Shrunk(ToySuite):
    def tasks(self):
        return [dataclasses.replace(task, size=task.size - 1) for task in super().tasks()]


@dataclass
class Twice(ToySuite):
    def loss(self, model, batch, task):
        return super().loss(model, batch, task) + super().loss(model, batch, task)


@dataclass
class Summing(ToySuite):
    """Its loss is a sum over examples, not their mean."""

    def loss(self, model, batch, task):
        return super().loss(model, batch, task) * len(batch[0])


@dataclass
class Unseeded(ToySuite):
    def model(self, seed):
        model = super().model(seed)
        with torch.no_grad():
            model.encoder.out.bias.add_(next(_COUNT))
        return model


@dataclass
class Drifting(ToySuite):
    def fingerprint(self, context):
        return str(next(_COUNT))


@dataclass
class Meddling(ToySuite):
    def score(self, model, task, split):
        with torch.no_grad():
            model.encoder.out.bias.add_(1.0)
        return super().score(model, task, split)


@pytest.mark.parametrize(
    ("cls", "law"),
    [
        (Shrunk, "tasks"),
        (Twice, "loss"),
        (Twice, "run"),
        (Summing, "parts"),
        (Unseeded, "model"),
        (Unseeded, "run"),
        (Drifting, "fingerprint"),
        (Meddling, "scores"),
        (Suite, "tasks"),
    ],
)
def test_a_law_about_suites_catches_who_breaks_it(cls, law):
    if cls is Suite:

        @dataclass
        class Empty(Suite):
            name = "empty"

        cls = Empty
    (found,) = [try_law(one, uninstalled(cls)) for one in SUITE_LAWS if one.name == law]
    assert found.outcome == "FAILED", str(found)
