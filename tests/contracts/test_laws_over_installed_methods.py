from __future__ import annotations

import pytest


def test_every_installed_method_keeps_the_laws(mtlbench_law):
    mtlbench_law.check()


@pytest.mark.mtlbench(
    "gradnorm[norm_over=all,alpha=0.5]",
    "gradvac[groups_by=matrix,beta=0.3]",
    "gradvac[groups_by=whole]",
    "lookahead[inner_steps=3,inner_state=reset]",
    "recadam[curve=linear,t0=5,gamma=10]",
    "reptile[inner_steps=3,inner_state=persist,eta=0.5,eta_schedule=linear]",
    "reptile[inner_steps=3]",
    "sequential-reptile[inner_steps=7,inner_state=reset,eta=1]",
    "sequential-reptile[inner_steps=7,sampler=epoch,eta_schedule=linear]",
    "swep[start_at_prior=true,kl_weight=0.1]",
)
def test_methods_keep_the_laws_with_other_settings_too(mtlbench_law):
    mtlbench_law.check()


@pytest.mark.mtlbench("synthetic", "digits")
def test_embedded_suites_keep_the_laws(mtlbench_law):
    mtlbench_law.check()
