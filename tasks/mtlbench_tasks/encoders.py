"""The encoders that transformers can load: any checkpoint on the Hub, in its cache, or in a local folder."""

from __future__ import annotations

from typing import Any

from mtlbench.interface import hookimpl


@hookimpl(trylast=True)
def mtlbench_load_encoder(name: str, revision: str | None) -> Any:
    from mtlbench_tasks.text.checkpoints import load_checkpoint

    return load_checkpoint(name, revision)


@hookimpl(trylast=True)
def mtlbench_load_masked_lm(name: str, revision: str | None) -> Any:
    from mtlbench_tasks.text.checkpoints import load_masked_lm

    return load_masked_lm(name, revision)
