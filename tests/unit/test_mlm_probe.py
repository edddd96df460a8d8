from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from mtlbench.engine.mlm_probe import MaskedLMProbe
from mtlbench.interface import BadSetting, MaskedLM, Suite, Task

VOCABULARY = 11
PAD, CLS, MASK = 0, 1, 2


class Uniform(nn.Module):
    """Knows nothing: every token is as likely as any other."""


class Oracle(nn.Module):
    """Gives token ``3 + position`` all but certainty, which is the truth of the sentences below."""


def logits(model: nn.Module, ids: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    if isinstance(model, Uniform):
        return torch.zeros(int(chosen.sum()), VOCABULARY)
    return 50.0 * nn.functional.one_hot(2 + chosen.nonzero()[:, 1], VOCABULARY).float()


class Texts(Suite):
    name = "texts"

    def __init__(self) -> None:
        sentence = [CLS, 3, 4, 5, 6, 7, 8, 9, 10, PAD]
        ids = torch.tensor([sentence] * 40)
        self.texts = MaskedLM(
            seen={"en": ids},
            unseen={"sw": ids, "th": ids[:3]},
            logits=logits,
            mask_id=MASK,
            pad_id=PAD,
            special_ids=frozenset({CLS, MASK}),
            vocabulary=VOCABULARY,
            batch_size=7,
        )

    def tasks(self) -> list[Task]:
        return [Task("one", 1), Task("other", 1)]

    def masked_lm(self) -> MaskedLM:
        return self.texts

    def model(self, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return Uniform()


def view(model: nn.Module, suite: Suite, last: bool = False) -> Any:
    return SimpleNamespace(suite=suite, model=model, last=last, tasks=suite.tasks())


def test_of_many_models_there_is_no_one_loss() -> None:
    alone = view(Uniform(), Texts())
    alone.tasks = alone.tasks[:1]
    assert MaskedLMProbe().measure(alone) is None


def test_a_model_that_knows_nothing_loses_the_log_of_the_vocabulary() -> None:
    found = MaskedLMProbe().measure(view(Uniform(), Texts()))
    assert found is not None
    assert found["seen"] == pytest.approx(math.log(VOCABULARY))
    assert found["unseen"] == pytest.approx(math.log(VOCABULARY))


def test_a_model_that_knows_all_loses_nothing_and_the_start_is_kept_beside_it() -> None:
    found = MaskedLMProbe().measure(view(Oracle(), Texts(), last=True))
    assert found is not None
    assert found["seen"] == pytest.approx(0.0, abs=1e-6)
    assert found["start"]["unseen"] == pytest.approx(math.log(VOCABULARY))
    assert list(found["languages"]) == ["en", "sw", "th"]


def test_special_tokens_and_padding_are_never_asked_for() -> None:
    probe = MaskedLMProbe(share=0.9)
    probe.measure(view(Uniform(), Texts()))
    for masked in probe._masked.values():
        assert not masked.chosen[:, 0].any()
        assert not masked.chosen[:, -1].any()
        assert masked.truth.min() >= 3


def test_the_asked_share_is_met_and_eight_in_ten_are_masked() -> None:
    suite = Texts()
    suite.texts.seen["en"].set_(suite.texts.seen["en"].repeat(100, 1))  # type: ignore[call-overload]
    probe = MaskedLMProbe()
    probe.measure(view(Uniform(), suite))
    masked = probe._masked["en"]
    assert masked.chosen[:, 1:9].float().mean() == pytest.approx(0.15, abs=0.01)
    assert (masked.ids[masked.chosen] == MASK).float().mean() == pytest.approx(0.8, abs=0.03)
    assert torch.equal(masked.ids[~masked.chosen], suite.texts.seen["en"][~masked.chosen])


def test_two_probes_mask_alike_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = MaskedLMProbe(), MaskedLMProbe()
    first.measure(view(Uniform(), Texts()))
    second.measure(view(Oracle(), Texts()))
    assert torch.equal(torch.get_rng_state(), before)
    for language, masked in first._masked.items():
        assert torch.equal(masked.ids, second._masked[language].ids)


def test_a_suite_without_masked_lm_texts_is_not_measured() -> None:
    class Silent(Texts):
        def masked_lm(self) -> None:  # type: ignore[override]
            return None

    assert MaskedLMProbe().measure(view(Uniform(), Silent())) is None


def test_a_share_outside_the_open_unit_interval_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"found 1\.0"):
        MaskedLMProbe(share=1.0)
