"""The plugin interface: all that authors of methods, suites, probes and executors import.

Names load on first use, so that modules which only register classes need not import torch.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in mtlbench itself

_HOME = {
    "errors": (
        "BadDataset",
        "BadPlugin",
        "BadRecord",
        "BadSetting",
        "BadStudy",
        "Diverged",
        "MissingData",
        "MissingExtra",
        "MtlbenchError",
        "UnknownName",
        "nearest",
        "require",
    ),
    "config": ("Config",),
    "executor": ("Executor", "Report"),
    "golden": ("GoldenBench", "GoldenCase", "TrainedPath"),
    "gradients": ("Block", "Direction", "GradientLayout", "Granularity", "TaskGradients"),
    "hookspecs": ("INTERFACE_VERSION", "hookimpl", "hookspec"),
    "job": ("Job", "Outcome"),
    "method": ("GradientMethod", "Method"),
    "optimizer": ("Optimizer",),
    "oracle": ("Batch", "BatchView", "Branch", "Delta", "GradientOracle", "ParameterInfo", "Segment", "TaskInfo"),
    "probe": ("Probe", "ProbeView"),
    "protocol": ("TrainingProtocol",),
    "run": ("Cell", "RunView", "Table"),
    "settings": ("Setting", "build", "settings_of", "values_of"),
    "suite": ("Split", "Suite"),
    "suite_values": (
        "DataReport",
        "DataSource",
        "MaskedLM",
        "Recommendation",
        "Score",
        "SizeCheck",
        "SuiteContext",
        "Task",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

if TYPE_CHECKING:
    from typing import Any

    from mtlbench.interface.config import Config as Config
    from mtlbench.interface.errors import (
        BadDataset as BadDataset,
    )
    from mtlbench.interface.errors import (
        BadPlugin as BadPlugin,
    )
    from mtlbench.interface.errors import (
        BadRecord as BadRecord,
    )
    from mtlbench.interface.errors import (
        BadSetting as BadSetting,
    )
    from mtlbench.interface.errors import (
        BadStudy as BadStudy,
    )
    from mtlbench.interface.errors import (
        Diverged as Diverged,
    )
    from mtlbench.interface.errors import (
        MissingData as MissingData,
    )
    from mtlbench.interface.errors import (
        MissingExtra as MissingExtra,
    )
    from mtlbench.interface.errors import (
        MtlbenchError as MtlbenchError,
    )
    from mtlbench.interface.errors import (
        UnknownName as UnknownName,
    )
    from mtlbench.interface.errors import (
        nearest as nearest,
    )
    from mtlbench.interface.errors import (
        require as require,
    )
    from mtlbench.interface.executor import Executor as Executor
    from mtlbench.interface.executor import Report as Report
    from mtlbench.interface.golden import (
        GoldenBench as GoldenBench,
    )
    from mtlbench.interface.golden import (
        GoldenCase as GoldenCase,
    )
    from mtlbench.interface.golden import (
        TrainedPath as TrainedPath,
    )
    from mtlbench.interface.gradients import (
        Block as Block,
    )
    from mtlbench.interface.gradients import (
        Direction as Direction,
    )
    from mtlbench.interface.gradients import (
        GradientLayout as GradientLayout,
    )
    from mtlbench.interface.gradients import (
        Granularity as Granularity,
    )
    from mtlbench.interface.gradients import (
        TaskGradients as TaskGradients,
    )
    from mtlbench.interface.hookspecs import (
        INTERFACE_VERSION as INTERFACE_VERSION,
    )
    from mtlbench.interface.hookspecs import (
        hookimpl as hookimpl,
    )
    from mtlbench.interface.hookspecs import (
        hookspec as hookspec,
    )
    from mtlbench.interface.job import Job as Job
    from mtlbench.interface.job import Outcome as Outcome
    from mtlbench.interface.method import GradientMethod as GradientMethod
    from mtlbench.interface.method import Method as Method
    from mtlbench.interface.optimizer import Optimizer as Optimizer
    from mtlbench.interface.oracle import (
        Batch as Batch,
    )
    from mtlbench.interface.oracle import (
        BatchView as BatchView,
    )
    from mtlbench.interface.oracle import (
        Branch as Branch,
    )
    from mtlbench.interface.oracle import (
        Delta as Delta,
    )
    from mtlbench.interface.oracle import (
        GradientOracle as GradientOracle,
    )
    from mtlbench.interface.oracle import (
        ParameterInfo as ParameterInfo,
    )
    from mtlbench.interface.oracle import (
        Segment as Segment,
    )
    from mtlbench.interface.oracle import (
        TaskInfo as TaskInfo,
    )
    from mtlbench.interface.probe import Probe as Probe
    from mtlbench.interface.probe import ProbeView as ProbeView
    from mtlbench.interface.protocol import TrainingProtocol as TrainingProtocol
    from mtlbench.interface.run import Cell as Cell
    from mtlbench.interface.run import RunView as RunView
    from mtlbench.interface.run import Table as Table
    from mtlbench.interface.settings import (
        Setting as Setting,
    )
    from mtlbench.interface.settings import (
        build as build,
    )
    from mtlbench.interface.settings import (
        settings_of as settings_of,
    )
    from mtlbench.interface.settings import (
        values_of as values_of,
    )
    from mtlbench.interface.suite import (
        Split as Split,
    )
    from mtlbench.interface.suite import (
        Suite as Suite,
    )
    from mtlbench.interface.suite_values import DataReport as DataReport
    from mtlbench.interface.suite_values import DataSource as DataSource
    from mtlbench.interface.suite_values import MaskedLM as MaskedLM
    from mtlbench.interface.suite_values import Recommendation as Recommendation
    from mtlbench.interface.suite_values import Score as Score
    from mtlbench.interface.suite_values import SizeCheck as SizeCheck
    from mtlbench.interface.suite_values import SuiteContext as SuiteContext
    from mtlbench.interface.suite_values import Task as Task

__all__ = [
    "INTERFACE_VERSION",
    "BadDataset",
    "BadPlugin",
    "BadRecord",
    "BadSetting",
    "BadStudy",
    "Batch",
    "BatchView",
    "Block",
    "Branch",
    "Cell",
    "Config",
    "DataReport",
    "DataSource",
    "Delta",
    "Direction",
    "Diverged",
    "Executor",
    "GoldenBench",
    "GoldenCase",
    "GradientLayout",
    "GradientMethod",
    "GradientOracle",
    "Granularity",
    "Job",
    "MaskedLM",
    "Method",
    "MissingData",
    "MissingExtra",
    "MtlbenchError",
    "Optimizer",
    "Outcome",
    "ParameterInfo",
    "Probe",
    "ProbeView",
    "Recommendation",
    "Report",
    "RunView",
    "Score",
    "Segment",
    "Setting",
    "SizeCheck",
    "Split",
    "Suite",
    "SuiteContext",
    "Table",
    "Task",
    "TaskGradients",
    "TaskInfo",
    "TrainedPath",
    "TrainingProtocol",
    "UnknownName",
    "build",
    "hookimpl",
    "hookspec",
    "nearest",
    "require",
    "settings_of",
    "values_of",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_MODULE_OF)
