"""What a worker does with one job: find the plugins, hold the cell, train it, store its record."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mtlbench import __version__
from mtlbench.interface.errors import BadPlugin, BadRecord, MtlbenchError
from mtlbench.interface.executor import Job, Report
from mtlbench.interface.hookspecs import hookimpl
from mtlbench.interface.run import Cell, Config
from mtlbench.interface.suite import SuiteContext
from mtlbench.plugins import Registry, call_observers, load_registry
from mtlbench.study.keys import cell_content, cell_from
from mtlbench.study.records import FutureRecord, make_record
from mtlbench.study.store import Store

__all__ = ["lend_registry", "make_job", "run_job", "suite_context"]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_loaded: dict[Config, Registry] = {}
"""The registry of this process, if it has one, by what it was loaded for."""


def make_job(cell: Cell, config: Config) -> Job:
    """The job that trains ``cell``; paths are made absolute, for workers that start elsewhere."""
    asked = dataclasses.asdict(config)
    for name in ("results", "data_root", "cache_dir"):
        asked[name] = None if asked[name] is None else str(Path(asked[name]).absolute())
    asked["plugins"] = [text if text.startswith("no:") else str(Path(text).absolute()) for text in config.plugins]
    payload = {"cell": cell_content(cell), "variant": cell.variant, "config": asked}
    return Job(cell.key, f"{__name__}:{run_job.__name__}", payload)


def run_job(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Train one cell and store its record, unless it is stored already or another run is at it.

    Returns {"status": "done" | "diverged" | "failed" | "claimed", "error": a line or None}. What a cell raises is
    caught here, and kept in the store with its traceback.
    """
    cell = cell_from(payload["cell"], payload["variant"])
    config = _config(payload["config"])
    store = Store.of(config)
    if (stored := _stored(store, cell)) is not None:
        return stored
    claim = store.claim(cell.key)
    if claim is None:
        return {"status": "claimed", "error": None}
    with claim:
        # The one who held the claim before may have finished since we looked.
        return _stored(store, cell) or _trained(cell, config, store, report)


def lend_registry(registry: Registry, config: Config) -> None:
    """Let jobs that run in this process use a registry that is loaded already: plugins are configured once."""
    _loaded.clear()
    _loaded[config] = registry


def suite_context(config: Config, registry: Registry, seed: int = 0) -> SuiteContext:
    """What a suite may use of this machine."""

    def load_encoder(name: str, revision: str | None = None) -> Any:
        return registry.hook.mtlbench_load_encoder(name=name, revision=revision)

    return SuiteContext(seed, config.data_root, config.cache_dir, config.device, load_encoder)


def _stored(store: Store, cell: Cell) -> dict[str, Any] | None:
    try:
        record = store.load(cell)
    except FutureRecord:
        raise
    except BadRecord:
        return None  # writing the new record moves the bad file aside
    return None if record is None else {"status": record["status"], "error": None}


def _trained(cell: Cell, config: Config, store: Store, report: Report) -> dict[str, Any]:
    registry: Registry | None = None
    try:
        registry = _registry(config)
        report({"key": cell.key, "gradients": 0, "budget": cell.protocol.get("budget"), "score": None})
        result = _result(cell, config, store, report, registry)
        measured = {**result["measured"], "finished": _now()}
        record = make_record(cell, result["outcome"], measured, _provenance(cell, registry))
        store.write(cell, record)
    except (Exception, SystemExit) as error:  # a plugin's sys.exit() must not end the worker
        line, text = _line(error), traceback.format_exc()
        with contextlib.suppress(OSError):  # the disk may be what failed
            store.write_failure(cell, {"error": line, "traceback": text, "finished": _now()})
        if registry is not None:
            call_observers(registry, "mtlbench_cell_failed", cell=cell, error=text)
        return {"status": "failed", "error": line}
    store.drop_checkpoint(cell.key)
    store.clear_failure(cell.key)
    call_observers(registry, "mtlbench_cell_finished", cell=cell, record=record)
    return {"status": record["status"], "error": None}


def _result(
    cell: Cell, config: Config, store: Store, report: Report, registry: Registry
) -> Mapping[str, Mapping[str, Any]]:
    """What the plugins' wrappers, and at last the core, make of the cell."""
    core = _Core(registry, store.checkpoint(cell.key), report)
    registry.add(core, "mtlbench-core")
    try:
        result = registry.hook.mtlbench_run_cell(cell=cell, config=config)
    finally:
        registry.manager.unregister(core)
    if not isinstance(result, Mapping) or not all(
        isinstance(result.get(it), Mapping) for it in ("outcome", "measured")
    ):
        raise BadPlugin(f"mtlbench_run_cell must give outcome and measured as mappings, found {result!r:.80}")
    return result


class _Core:
    """The last to answer: trains the cell with the engine."""

    def __init__(self, registry: Registry, checkpoint: Path, report: Report) -> None:
        self.registry, self.checkpoint, self.report = registry, checkpoint, report

    @hookimpl(trylast=True)
    def mtlbench_run_cell(self, cell: Cell, config: Config) -> Mapping[str, Any]:
        from mtlbench.engine.training import train_cell

        context = suite_context(config, self.registry, cell.seed)
        with _threads(config.threads):
            return train_cell(cell, self.registry, context, checkpoint=self.checkpoint, report=self.report)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with ``count`` threads: how sums are split decides their last bits."""
    kept = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(count)))  # for libraries that load from here on
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(limits=count):
            yield
    finally:
        torch.set_num_threads(before)
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _registry(config: Config) -> Registry:
    """The plugins, loaded once for all cells of a worker."""
    if config not in _loaded:
        lend_registry(load_registry(config), config)
    return _loaded[config]


def _config(asked: Mapping[str, Any]) -> Config:
    paths = {name: None if asked[name] is None else Path(asked[name]) for name in ("results", "data_root", "cache_dir")}
    return Config(**{**asked, **paths, "plugins": tuple(asked["plugins"])})


def _provenance(cell: Cell, registry: Registry) -> dict[str, Any]:
    return {
        "mtlbench": __version__,
        "method": registry.method(cell.method).provenance(),
        "suite": registry.suite(cell.suite).provenance(),
    }


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, MtlbenchError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
