"""What a worker does with one job: find the plugins, hold the cell, train it, store its record."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mtlbench import __version__
from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadDataset, BadPlugin, BadRecord, MissingData, MtlbenchError
from mtlbench.interface.executor import Report
from mtlbench.interface.hookspecs import hookimpl
from mtlbench.interface.job import Job
from mtlbench.interface.run import Cell
from mtlbench.interface.suite_values import SuiteContext
from mtlbench.plugins import Registry, call_observers, load_registry
from mtlbench.study.keys import canonical_json, cell_content, cell_from
from mtlbench.study.records import FutureRecord, make_record
from mtlbench.study.store import Store

__all__ = [
    "asked_of",
    "computing",
    "lend_registry",
    "make_job",
    "now",
    "payload_of",
    "provenance",
    "run_job",
    "settle",
    "shares_of",
    "suite_context",
]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_loaded: dict[Config, Registry] = {}
"""The registry of this process, if it has one, by what it was loaded for."""


def make_job(cell: Cell, config: Config) -> Job:
    """The job that trains ``cell``."""
    return Job(cell.key, f"{__name__}:{run_job.__name__}", payload_of(cell, config), shares_of(cell))


def shares_of(cell: Cell) -> str:
    """What cells on the same data have in common."""
    return canonical_json([cell.suite, cell.suite_version, dict(cell.options), cell.seed])


def payload_of(cell: Cell, config: Config) -> dict[str, Any]:
    """A job's cell and config as JSON; paths are made absolute, for workers that start elsewhere."""
    asked = dataclasses.asdict(config)
    for name in ("results", "data_root", "cache_dir"):
        asked[name] = None if asked[name] is None else str(Path(asked[name]).absolute())
    asked["plugins"] = [text if text.startswith("no:") else str(Path(text).absolute()) for text in config.plugins]
    return {"cell": cell_content(cell), "variant": cell.variant, "config": asked}


def asked_of(payload: Mapping[str, Any]) -> tuple[Cell, Config]:
    """The inverse of ``payload_of``."""
    asked = payload["config"]
    paths = {name: None if asked[name] is None else Path(asked[name]) for name in ("results", "data_root", "cache_dir")}
    config = Config(**{**asked, **paths, "plugins": tuple(asked["plugins"])})
    return cell_from(payload["cell"], payload["variant"]), config


def run_job(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Train one cell and store its record, unless it is stored already or another run is at it.

    Returns {"status": "done" | "diverged" | "failed" | "claimed", "error": a line or None}. What a cell raises is
    caught here, and kept in the store with its traceback.
    """
    cell, config = asked_of(payload)
    store = Store.of(config)

    def make(registry: Registry) -> Mapping[str, Any]:
        return _record(cell, config, store, report, registry)

    def observe(registry: Registry, hook: str, **facts: Any) -> None:
        call_observers(registry, hook, cell=cell, **facts)

    return settle(cell, config, store, report, make, observe)


Make = Callable[[Registry], Mapping[str, Any]]
Observe = Callable[..., None]


def settle(
    cell: Cell, config: Config, store: Store, report: Report, make: Make, observe: Observe | None = None
) -> dict[str, Any]:
    """Make a cell's record and store it in ``store``, unless that is done or another run is at it.

    make: the record, with the plugins of this process; what it raises is kept in the store, and told in one line.
    observe: (registry, hook, facts) is told how the cell ended. Returns what ``run_job`` does.
    """
    if (stored := _stored(store, cell)) is not None:
        return stored
    claim = store.claim(cell.key)
    if claim is None:
        return {"status": "claimed", "error": None}
    with claim:
        # The one who held the claim before may have finished since we looked.
        return _stored(store, cell) or _made(cell, config, store, report, make, observe or _nobody)


def _nobody(registry: Registry, hook: str, **facts: Any) -> None:
    """Who observes what has no observers."""


def lend_registry(registry: Registry, config: Config) -> None:
    """Let jobs that run in this process use a registry that is loaded already: plugins are configured once."""
    _loaded.clear()
    _loaded[config] = registry


def suite_context(config: Config, registry: Registry, seed: int = 0) -> SuiteContext:
    """What a suite may use of this machine."""

    def load_encoder(name: str, revision: str | None = None) -> Any:
        return registry.hook.mtlbench_load_encoder(name=name, revision=revision)

    def load_masked_lm(name: str, revision: str | None = None) -> Any:
        return registry.hook.mtlbench_load_masked_lm(name=name, revision=revision)

    cache = config.cache_dir or _usual_cache()
    return SuiteContext(seed, config.data_root, cache, config.device, load_encoder, load_masked_lm)


def _usual_cache() -> Path | None:
    """Where this machine keeps prepared data unless it is told: MTLBENCH_CACHE_DIR, else below the home folder."""
    if told := os.environ.get("MTLBENCH_CACHE_DIR"):
        return Path(told).expanduser().absolute()
    try:
        return Path.home() / ".cache" / "mtlbench"
    except RuntimeError:  # nobody's home
        return None


def _stored(store: Store, cell: Cell) -> dict[str, Any] | None:
    try:
        record = store.load(cell)
    except FutureRecord:
        raise
    except BadRecord:
        return None  # writing the new record moves the bad file aside
    return None if record is None else {"status": record["status"], "error": None}


def _made(cell: Cell, config: Config, store: Store, report: Report, make: Make, observe: Observe) -> dict[str, Any]:
    registry: Registry | None = None
    try:
        registry = _registry(config)
        report({"key": cell.key, "gradients": 0, "budget": cell.protocol.get("budget"), "score": None})
        record = make(registry)
        store.write(cell, record)
    except (Exception, SystemExit) as error:  # a plugin's sys.exit() must not end the worker
        line, text = _line(error), traceback.format_exc()
        with contextlib.suppress(OSError):  # the disk may be what failed
            failure = {"error": line, "bad_data": isinstance(error, (BadDataset, MissingData)), "traceback": text}
            store.write_failure(cell, {**failure, "finished": now()})
        if registry is not None:
            observe(registry, "mtlbench_cell_failed", error=text)
        return {"status": "failed", "error": line}
    store.drop_checkpoint(cell.key)
    store.clear_failure(cell.key)
    observe(registry, "mtlbench_cell_finished", record=record)
    return {"status": record["status"], "error": None}


def _record(cell: Cell, config: Config, store: Store, report: Report, registry: Registry) -> dict[str, Any]:
    result = _result(cell, config, store, report, registry)
    measured = {**result["measured"], "finished": now()}
    return make_record(cell, result["outcome"], measured, provenance(cell, registry))


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
        with computing(config.threads):
            return train_cell(cell, self.registry, context, checkpoint=self.checkpoint, report=self.report)


@contextlib.contextmanager
def computing(count: int) -> Iterator[None]:
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


def provenance(cell: Cell, registry: Registry) -> dict[str, Any]:
    """What a record says of the code that made it."""
    return {
        "mtlbench": __version__,
        "method": registry.method(cell.method).provenance(),
        "suite": registry.suite(cell.suite).provenance(),
    }


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, MtlbenchError) else f"{type(error).__name__}: {text}".rstrip(": ")


def now() -> str:
    """The time as records write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
