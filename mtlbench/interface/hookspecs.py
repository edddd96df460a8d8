"""All hooks of mtlbench. Implement any of them in a module named by an entry point of the group ``mtlbench``::

    from mtlbench import hookimpl

    @hookimpl
    def mtlbench_methods():
        return [MyMethod]

Modules that only register classes should import torch inside functions: ``mtlbench list`` imports them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from mtlbench.interface.config import Config
    from mtlbench.interface.executor import Executor
    from mtlbench.interface.method import Method
    from mtlbench.interface.probe import Probe
    from mtlbench.interface.run import Cell, RunView, Table
    from mtlbench.interface.suite import Suite

__all__ = ["INTERFACE_VERSION", "hookimpl", "hookspec"]

INTERFACE_VERSION = 1
"""Raised when a plugin written for the last version would no longer work. A plugin module that sets
``mtlbench_interface`` to another number is quarantined."""

hookspec = pluggy.HookspecMarker("mtlbench")
hookimpl = pluggy.HookimplMarker("mtlbench")


@hookspec
def mtlbench_methods() -> Sequence[type[Method]]:
    """The methods that a plugin offers; called once, when the registry is built. Every plugin may answer."""
    raise NotImplementedError


@hookspec
def mtlbench_suites() -> Sequence[type[Suite]]:
    """The suites that a plugin offers; called once, when the registry is built. Every plugin may answer."""
    raise NotImplementedError


@hookspec
def mtlbench_executors() -> Sequence[type[Executor]]:
    """The executors that a plugin offers; called once, when the registry is built. Every plugin may answer."""
    raise NotImplementedError


@hookspec
def mtlbench_probes() -> Sequence[type[Probe]]:
    """The probes that a plugin offers; called once, when the registry is built. Every probe measures every cell."""
    raise NotImplementedError


@hookspec(historic=True)
def mtlbench_configure(config: Config) -> None:
    """Once per process, after the command line (or, in a worker, the job) is read; late plugins are called too."""


@hookspec(firstresult=True)
def mtlbench_load_encoder(name: str, revision: str | None) -> Any:
    """Once per cell of a suite with an encoder: (model, tokenizer) for a name, or None to let the next one answer."""


@hookspec(firstresult=True)
def mtlbench_load_masked_lm(name: str, revision: str | None) -> Any:
    """Once per cell of a suite that measures forgetting: the encoder ``name`` under its pretrained masked-LM head.

    Returns a ``...ForMaskedLM`` model as transformers has them, or None to let the next one answer; None from all
    means that there is no such head.
    """


@hookspec(firstresult=True)
def mtlbench_pretrain_encoder(name: str, out: Path, seed: int | None, report: Callable[[str], None]) -> Any:
    """Once per ``mtlbench pretrain NAME``: train the encoder ``name`` from nothing and write it to the folder ``out``.

    seed: None for the one that the plugin ships its encoder with. report: takes lines of progress. Returns the model
    card as JSON, or None to let the next one answer.
    """


@hookspec(firstresult=True)
def mtlbench_format_table(table: Table, style: str) -> str | None:
    """Once per rendered table and style: the table as text, or None to let the next one (at last the core) answer."""


@hookspec(firstresult=True)
def mtlbench_run_cell(cell: Cell, config: Config) -> Mapping[str, Any] | None:
    """Once per cell, in the process that trains: run it and return {"outcome": ..., "measured": ...}.

    The core answers last. This is the place for wrappers (``hookimpl(wrapper=True)``): profilers, energy meters,
    time limits. None lets the next one answer.
    """


@hookspec
def mtlbench_train_started(run: RunView) -> None:
    """Before the first step of a cell (also of a resumed one), in the process that trains; the clock is stopped."""


@hookspec
def mtlbench_gradients_computed(run: RunView, gram: Any, tasks: Sequence[str]) -> None:
    """After every ``oracle.gradients``, before the method combines them; the clock is stopped.

    gram: (R, R) float64 Gram matrix of the rows. Only computed when somebody listens.
    """


@hookspec
def mtlbench_step_finished(run: RunView, step: int) -> None:
    """After every ``Method.step``, in the process that trains; the clock is stopped.

    run: read-only; ``run.meter["gradients"]`` is what has been spent so far. step: counts from 1.
    """


@hookspec
def mtlbench_evaluated(run: RunView, point: Mapping[str, Any]) -> None:
    """After every evaluation point; ``point`` is what the record's curve will hold. The clock is stopped."""


@hookspec
def mtlbench_train_finished(run: RunView) -> None:
    """After the last step and the final evaluation of a cell; the clock is stopped."""


@hookspec
def mtlbench_cell_finished(cell: Cell, record: Mapping[str, Any]) -> None:
    """After a cell's record is on disk, in the process that trained it."""


@hookspec
def mtlbench_cell_failed(cell: Cell, error: str) -> None:
    """After a cell raised, with the text of its traceback, in the process that tried it."""


@hookspec
def mtlbench_record_extras(run: RunView) -> Mapping[str, Any] | None:
    """Once per cell, at its end: JSON for in the record's ``measured`` block under the plugin's name; None: nothing."""
    raise NotImplementedError
