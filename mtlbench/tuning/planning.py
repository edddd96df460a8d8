"""From spaces to trials: which methods are tuned on a suite, and every cell that this takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadSetting, MtlbenchError, nearest
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.run import Cell
from mtlbench.interface.settings import build, settings_of, spec_text
from mtlbench.study.asks import Ask, Study, SuiteAsk
from mtlbench.study.grid import Grid, resolve
from mtlbench.tuning.dimensions import Dimension, Fixed
from mtlbench.tuning.points import points
from mtlbench.tuning.spaces import Section, Spaces

if TYPE_CHECKING:
    from mtlbench.interface.suite_values import SuiteContext
    from mtlbench.plugins import Registry

__all__ = ["MethodPlan", "Plan", "Trial", "interleaved", "plan_suite"]

_NOT_TUNED = ("budget", "evaluations")
"""The budget is what makes methods comparable; a trial is evaluated once whatever it says."""


@dataclass(frozen=True)
class Trial:
    """One point of a space. cells: one a seed."""

    values: Mapping[str, Any]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MethodPlan:
    """A method's trials. spec: its name with the values that are not tuned, as boards print it."""

    spec: str
    space: Mapping[str, Dimension]
    settings: frozenset[str]
    """Names in the space that are the method's own settings; the others are protocol fields."""
    trials: tuple[Trial, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All trials on one suite. suite: its name; spec: with options and protocol fields, as it was asked for."""

    suite: str
    spec: str
    seeds: tuple[int, ...]
    count: int
    methods: tuple[MethodPlan, ...]
    asked: tuple[str, ...] = ()
    """The methods that the caller named."""
    further: tuple[str, ...] = ()
    """Those of them that the space file does not name."""
    left_out: tuple[str, ...] = ()
    """Why methods that the space file names are not tuned, a line each."""

    def warnings_of(self, specs: Collection[str] | None = None) -> Iterator[str]:
        """What a user should hear before these methods' trials, or those of all."""
        yield from self.left_out
        for method in self.methods:
            if specs is None or method.spec in specs:
                yield from method.warnings


def plan_suite(
    ask: SuiteAsk,
    spaces: Spaces,
    registry: Registry,
    context: SuiteContext,
    *,
    methods: Sequence[Ask] = (),
    count: int | None = None,
    budget: str | int | None = None,
) -> Plan:
    """The trials on a suite. methods: further ones to those of its section. count: trials, if not the section's.

    A trial starts from the methods' own defaults and the suite's protocol; what the suite recommends is left out, so
    that no selection rests on one before it. Raises MtlbenchError for what a space names and nobody has.
    """
    section = spaces.of(ask.name)
    planner = _Planner(ask, section, registry, context, section.trials if count is None else count, budget)
    planned = {plan.spec: plan for method in section.methods if (plan := planner.method(method)) is not None}
    asked = {plan.spec: plan for method in methods if (plan := planner.method(method)) is not None}
    return Plan(
        suite=ask.name,
        spec=spec_text(ask.name, ask.values),
        seeds=section.seeds,
        count=planner.count,
        methods=tuple({**planned, **asked}.values()),
        asked=tuple(asked),
        further=tuple(spec for spec in asked if spec not in planned),
        left_out=tuple(planner.left_out),
    )


def interleaved(plans: Sequence[Plan], specs: Collection[str] | None = None) -> Iterator[Cell]:
    """All cells, the first trial of every method before the second of any: who stops early has been fair so far.

    specs: the methods to take; all, if it is None.
    """
    for index in range(max((plan.count for plan in plans), default=0)):
        for plan in plans:
            for method in plan.methods:
                if index < plan.count and (specs is None or method.spec in specs):
                    yield from method.trials[index].cells


class _Planner:
    def __init__(
        self,
        ask: SuiteAsk,
        section: Section,
        registry: Registry,
        context: SuiteContext,
        count: int,
        budget: str | int | None,
    ) -> None:
        self.ask, self.section, self.registry, self.context, self.count = ask, section, registry, context, count
        self.overrides = {"evaluations": 1, **({} if budget is None else {"budget": budget})}
        self.fingerprints: dict[str, str] = {}
        self.left_out: dict[str, None] = {}  # ordered, each once
        cls = registry.suite(ask.name).cls
        options = {setting.name for setting in settings_of(cls)}
        values = {key: value for key, value in ask.values.items() if key in options}
        self.suite = build(cls, values, f"suite {ask.name}")
        self._check_common()

    def method(self, ask: Ask) -> MethodPlan | None:
        """The trials of one method; None where it cannot train on the suite."""
        try:
            cls = self.registry.method(ask.name).cls
        except MtlbenchError as unknown:
            raise ask.place.blame(unknown, "name") from None
        reason = build(cls, {}, f"method {ask.name}").unfit(self.suite)
        if reason is not None:
            self.left_out.setdefault(f"{ask.name} is left out on {self.suite.name}: {reason}")
            return None
        own = {setting.name for setting in settings_of(cls)}
        space = self._space(ask, cls.unused_protocol)
        spec = self._spec(ask)
        grids = [self._grid(ask, values) for values in points(space, self.count, self.ask.name, spec)]
        trials = tuple(_trial(grid, space) for grid in grids)
        warnings = dict.fromkeys(warning for grid in grids for warning in grid.warnings)
        return MethodPlan(spec, space, frozenset(own & space.keys()), trials, tuple(warnings))

    def _space(self, ask: Ask, unused: frozenset[str]) -> dict[str, Dimension]:
        """The common dimensions that the method has a use for, with its own laid over them."""
        own = self.section.own_of(ask)
        for name in own.dimensions:
            if name in ask.values or name in _NOT_TUNED:
                refused = BadSetting(
                    f"{name} cannot be tuned"
                    if name in _NOT_TUNED
                    else f"{ask.name} has {name} in its brackets already"
                )
                raise own.place.blame(refused, name)
        common = {
            name: dimension
            for name, dimension in self.section.space.dimensions.items()
            if name not in ask.values and name not in unused
        }
        laid = {**common, **own.dimensions}
        space = {name: dimension for name, dimension in sorted(laid.items()) if dimension is not None}
        if all(isinstance(dimension, Fixed) for dimension in space.values()):
            place = own.place if own.dimensions else self.section.space.place
            raise place.blame(BadSetting(f"the space of {self._spec(ask)} on {self.ask.name} has nothing to tune"))
        return space

    def _grid(self, ask: Ask, values: Mapping[str, Any]) -> Grid:
        """The cells of one trial."""
        own = self.section.own_of(ask)
        lines = {**self.section.space.place.lines, **own.place.lines}
        place = dataclasses.replace(own.place if own.dimensions else self.section.space.place, lines=lines)
        method = Ask(ask.name, {**ask.values, **values}, place)
        suite = dataclasses.replace(self.ask, methods=(method,), seeds=self.section.seeds)
        study = Study((suite,), (), overrides=self.overrides)
        return self._resolved(study)

    def _spec(self, ask: Ask) -> str:
        """As the grid would name it, so that a suite's recommendation for it is found."""
        if not ask.values:
            return ask.name
        study = Study((dataclasses.replace(self.ask, methods=(ask,), seeds=(0,)),), ())
        return self._resolved(study).cells[0].variant

    def _resolved(self, study: Study) -> Grid:
        return resolve(study, self.registry, self.context, recommended=False, fingerprints=self.fingerprints)

    def _check_common(self) -> None:
        space, fields = self.section.space, [setting.name for setting in settings_of(TrainingProtocol)]
        for name in space.dimensions:
            if name in _NOT_TUNED:
                raise space.place.blame(BadSetting(f"{name} cannot be tuned"), name)
            if name not in fields:
                hint = nearest(name, fields)
                refused = BadSetting(
                    f"all methods have protocol fields alone in common, and {name!r} is none"
                    + (f"; did you mean {hint!r}?" if hint else "; a method's settings stand in a section of its own")
                )
                raise space.place.blame(refused, name)


def _trial(grid: Grid, names: Iterable[str]) -> Trial:
    """The trial with its values as the cells have them: of the fields' types."""
    typed = {**grid.cells[0].protocol, **grid.cells[0].settings}
    return Trial({name: typed[name] for name in names}, grid.cells)
