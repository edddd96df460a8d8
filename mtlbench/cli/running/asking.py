"""The study and the executor that the options of ``mtlbench run`` ask for."""

from __future__ import annotations

import argparse
import dataclasses
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadSetting, MtlbenchError
from mtlbench.interface.settings import build, parse_spec, settings_of, spec_text
from mtlbench.study.asks import Study, SuiteAsk, parse_seeds, parse_values
from mtlbench.study.choice import choose_methods, choose_suites
from mtlbench.study.files import parse_study, read_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtlbench.interface.executor import Executor
    from mtlbench.interface.run import Cell
    from mtlbench.interface.suite_values import SuiteContext
    from mtlbench.plugins import Registry

__all__ = ["check_encoders", "executor_from", "study_from"]

_FIRST_CHOICE = "processes"


def study_from(args: argparse.Namespace, registry: Registry) -> Study:
    """The study of ``--study``, or the quick one, with what the command line says in its place.

    A suite that is named without a study file is trained as it comes: the quick study's small budgets are for those
    who name nothing.
    """
    study = read_study(Path(args.study).expanduser()) if args.study else _quick(registry)
    if args.suites:
        study = dataclasses.replace(study, suites=choose_suites(args.suites, study.suites if args.study else ()))
    if args.methods:
        methods = choose_methods(args.methods, study.methods)
        suites = tuple(dataclasses.replace(suite, methods=None) for suite in study.suites)
        study = dataclasses.replace(study, methods=methods, suites=suites)
    if args.seeds is not None:
        seeds = parse_seeds(args.seeds, "--seeds")
        suites = tuple(dataclasses.replace(suite, seeds=None) for suite in study.suites)
        study = dataclasses.replace(study, seeds=seeds, suites=suites)
    overrides: dict[str, Any] = parse_values(args.overrides, "--set")
    if args.budget is not None:
        if "budget" in overrides:
            raise BadSetting("--budget and --set both give the budget; leave one of them out")
        overrides["budget"] = args.budget
    study = dataclasses.replace(study, overrides=overrides)
    return study if args.encoder is None else _with_encoder(study, args.encoder, registry)


def executor_from(args: argparse.Namespace, registry: Registry) -> Executor:
    """The executor of ``--executor`` and ``--workers``.

    On a device that is not the CPU there is one worker unless more are asked for: one accelerator serves them all.
    """
    _check_device(args.device)
    name, values = parse_spec(args.executor) if args.executor else (_default_executor(registry), {})
    cls = registry.executor(name).cls
    takes_workers = "workers" in {setting.name for setting in settings_of(cls)}
    if args.workers is None and args.device != "cpu" and takes_workers:
        values = {"workers": "1", **values}
    if args.workers is not None:
        if not takes_workers:
            raise BadSetting(f"executor {name} has no setting 'workers'; leave --workers out or name another executor")
        values = {**values, "workers": args.workers}
    executor: Executor = build(cls, values, f"executor {name}")
    return executor


def check_encoders(cells: Sequence[Cell], registry: Registry, context: SuiteContext) -> None:
    """Refuse activation checkpointing, before anything is trained, where a suite's encoder does not know it.

    Only the model can tell, so the suites of cells that ask for it are opened here. Raises BadSetting.
    """
    asked = [cell for cell in cells if cell.protocol["activation_checkpointing"]]
    first = {(cell.suite, spec_text(cell.suite, cell.options)): cell for cell in reversed(asked)}
    for cell in first.values():
        from mtlbench.engine.recomputing import recompute_activations

        suite = build(registry.suite(cell.suite).cls, cell.options, f"suite {cell.suite}")
        suite.open(dataclasses.replace(context, seed=cell.seed, device="cpu"))
        recompute_activations(suite, suite.model(0))


def _check_device(name: str) -> None:
    if name == "cpu":
        return
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadSetting(f"--device {name!r} is none that torch knows: {str(error).partition(chr(10))[0]}") from None
    if device.type == "cuda" and (count := torch.cuda.device_count()) <= (device.index or 0):
        raise BadSetting(f"--device {name}: torch finds {count or 'no'} CUDA devices here; leave --device out for cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise BadSetting(f"--device {name}: torch finds no MPS device here; leave --device out for cpu")


def _default_executor(registry: Registry) -> str:
    if _FIRST_CHOICE in registry.executors or not registry.executors:
        return _FIRST_CHOICE
    return min(registry.executors)


def _quick(registry: Registry) -> Study:
    """The quick study, of what is installed: a plugin that was taken away takes its name out of it."""
    text = files("mtlbench.study").joinpath("quick.toml").read_text(encoding="utf-8")
    study = parse_study(text, "the quick study")
    suites = tuple(ask for ask in study.suites if ask.name in registry.suites)
    methods = tuple(ask for ask in study.methods if ask.name in registry.methods)
    return dataclasses.replace(study, suites=suites, methods=methods)


def _with_encoder(study: Study, encoder: str, registry: Registry) -> Study:
    suites = tuple(_encoded(ask, encoder, registry) for ask in study.suites)
    if all(new is old for new, old in zip(suites, study.suites, strict=True)):
        names = ", ".join(ask.name for ask in suites)
        raise BadSetting(f"--encoder has no effect: none of these suites has an encoder to choose: {names}")
    return dataclasses.replace(study, suites=suites)


def _encoded(ask: SuiteAsk, encoder: str, registry: Registry) -> SuiteAsk:
    try:
        cls = registry.suite(ask.name).cls
    except MtlbenchError as unknown:
        raise ask.place.blame(unknown, "name") from None
    if "encoder_name" not in {setting.name for setting in settings_of(cls)}:
        return ask
    return dataclasses.replace(ask, values={**ask.values, "encoder_name": encoder})
