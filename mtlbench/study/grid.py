"""From what was asked to cells: every name found, every value typed, every key computed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadSetting, BadStudy, MtlbenchError, nearest
from mtlbench.interface.protocol import TrainingProtocol
from mtlbench.interface.run import Cell
from mtlbench.interface.settings import Setting, build, coerce, settings_of, spec_text, values_of
from mtlbench.interface.suite import Suite
from mtlbench.interface.suite_values import Recommendation, SuiteContext
from mtlbench.study.asks import Ask, Place, Study, SuiteAsk
from mtlbench.study.keys import canonical_json, keyed

if TYPE_CHECKING:
    from mtlbench.interface.method import Method
    from mtlbench.plugins import Registry

__all__ = ["Grid", "resolve"]


@dataclass(frozen=True)
class Grid:
    """Cells, each once, seed by seed; and what the person who asked should hear."""

    cells: tuple[Cell, ...]
    warnings: tuple[str, ...] = ()


def resolve(
    study: Study,
    registry: Registry,
    context: SuiteContext,
    *,
    recommended: bool = True,
    fingerprints: dict[str, str] | None = None,
) -> Grid:
    """All cells of a study: methods x suites x seeds.

    Values, from weak to strong: a dataclass's defaults, what the suite recommends for the method, the study's
    protocol, the suite's own values in the study, the command line's, the method's own values. No data is loaded.
    recommended: whether the suite's recommendations count; they do not where they are being made.
    fingerprints: remembers those of suites, for a caller who resolves many studies.
    Raises UnknownName, BadSetting, BadStudy or MissingData.
    """
    known = {} if fingerprints is None else fingerprints
    return _Resolver(study, registry, context, recommended, known).grid()


class _Resolver:
    def __init__(
        self,
        study: Study,
        registry: Registry,
        context: SuiteContext,
        recommended: bool,
        fingerprints: dict[str, str],
    ) -> None:
        self.study, self.registry, self.context = study, registry, context
        self.recommended = recommended
        self.fingerprints = fingerprints
        self.warnings: dict[str, None] = {}  # ordered, each once

    def grid(self) -> Grid:
        protocol = _protocol_values(self.study.protocol, self.study.place)
        overrides = _protocol_values(self.study.overrides, Place())
        cells: list[tuple[int, Cell]] = []
        for suite_ask in self.study.suites:
            suite, own = self._suite(suite_ask)
            fingerprint = self._fingerprint(suite)
            for method_ask in self.study.methods if suite_ask.methods is None else suite_ask.methods:
                made = self._cell(suite, method_ask, {**protocol, **own, **overrides})
                if made is None:
                    continue
                for place, seed in enumerate(self.study.seeds if suite_ask.seeds is None else suite_ask.seeds):
                    cells.append((place, dataclasses.replace(made, seed=seed, fingerprint=fingerprint)))
        ordered = [keyed(cell) for _, cell in sorted(cells, key=lambda placed: placed[0])]
        unique = self._once_each(ordered)
        if not unique:
            raise BadStudy("; ".join(["no cells to run", *self.warnings]))
        return Grid(tuple(unique), tuple(self.warnings))

    def _suite(self, ask: SuiteAsk) -> tuple[Suite, dict[str, Any]]:
        """The suite as asked for, and the protocol values that it was given."""
        try:
            cls = self.registry.suite(ask.name).cls
        except MtlbenchError as unknown:
            raise ask.place.blame(unknown, "name") from None
        options, protocol = _split(ask, cls, f"suite {ask.name}")
        try:
            suite: Suite = build(cls, options, f"suite {ask.name}")
        except MtlbenchError as refused:
            raise ask.place.blame(refused) from None
        return suite, protocol

    def _fingerprint(self, suite: Suite) -> str:
        asked = canonical_json([suite.name, values_of(suite)])
        if asked not in self.fingerprints:
            self.fingerprints[asked] = suite.fingerprint(self.context)
        return self.fingerprints[asked]

    def _cell(self, suite: Suite, ask: Ask, protocol: Mapping[str, Any]) -> Cell | None:
        """The cell without its seed, fingerprint and key; None when the method cannot train on the suite."""
        owner = f"method {ask.name}"
        try:
            cls: type[Method] = self.registry.method(ask.name).cls
        except MtlbenchError as unknown:
            raise ask.place.blame(unknown, "name") from None
        settings, own = _split(ask, cls, owner)
        for key in own:
            if key in cls.unused_protocol:
                refused = BadSetting(f"{owner} does not use {key!r}; leave it out")
                raise ask.place.blame(refused, key)
        try:
            asked = values_of(build(cls, settings, owner))
        except MtlbenchError as refused:
            raise ask.place.blame(refused) from None
        variant = spec_text(ask.name, {**{key: asked[key] for key in settings}, **own})
        recommended = self._recommendation(suite, variant, ask.name)
        tuned = f"what suite {suite.name} recommends for {owner}"
        method: Method = build(cls, {**recommended.settings, **settings}, tuned if recommended.settings else owner)
        shared = {key: value for key, value in protocol.items() if key not in cls.unused_protocol}
        rules: TrainingProtocol = build(
            TrainingProtocol, {**values_of(suite.protocol), **recommended.protocol, **shared, **own}, tuned
        )
        # `values_of` a rebuilt object: JSON values of the fields' types, however they were written.
        typed = values_of(method)
        reason = method.unfit(suite)
        if reason is not None:
            self.warnings.setdefault(f"{variant} is left out on {suite.name}: {reason}")
            return None
        for warning in method.warnings(rules):
            self.warnings.setdefault(f"{variant}: {warning.removeprefix(f'{ask.name}: ')}")
        return Cell(
            method=ask.name,
            settings=typed,
            suite=suite.name,
            options=values_of(suite),
            protocol=values_of(rules),
            seed=0,
            fingerprint="",
            method_version=cls.version,
            suite_version=suite.version,
            variant=variant,
        )

    def _recommendation(self, suite: Suite, *names: str) -> Recommendation:
        """What the suite suggests for the first of these names for which it suggests anything."""
        found = (suite.recommended(name) for name in names if self.recommended)
        return next((one for one in found if one != Recommendation()), Recommendation())

    def _once_each(self, cells: Iterable[Cell]) -> list[Cell]:
        found: dict[str, Cell] = {}
        for cell in cells:
            first = found.setdefault(cell.key, cell)
            if first.variant != cell.variant:
                self.warnings.setdefault(f"{cell.variant} on {cell.suite} is the same as {first.variant}: trained once")
        return list(found.values())


def _split(ask: Ask, cls: type, owner: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An ask's values as (settings, protocol fields), typed; a name that is both is the plugin's own setting."""
    known = {setting.name: setting for setting in settings_of(cls)}
    fields = {setting.name: setting for setting in settings_of(TrainingProtocol)}
    settings: dict[str, Any] = {}
    protocol: dict[str, Any] = {}
    for key, value in ask.values.items():
        try:
            if key in known:
                settings[key] = coerce(value, known[key].type, f"{owner}: setting {key!r}")
            elif key in fields:
                protocol[key] = _protocol_value(key, value, fields, owner)
            else:
                raise _unknown(key, owner, known, fields)
        except MtlbenchError as refused:
            raise ask.place.blame(refused, key) from None
    return settings, protocol


def _protocol_values(values: Mapping[str, Any], place: Place) -> dict[str, Any]:
    fields = {setting.name: setting for setting in settings_of(TrainingProtocol)}
    typed = {}
    for key, value in values.items():
        try:
            if key not in fields:
                raise _unknown(key, "the protocol", (), fields)
            typed[key] = _protocol_value(key, value, fields, "the protocol")
        except MtlbenchError as refused:
            raise place.blame(refused, key) from None
    return typed


def _protocol_value(key: str, value: Any, fields: Mapping[str, Setting], owner: str) -> Any:
    typed = coerce(value, fields[key].type, f"{owner}: setting {key!r}")
    return values_of(build(TrainingProtocol, {key: typed}, owner), late=True)[key]


def _unknown(key: str, owner: str, settings: Iterable[str], fields: Iterable[str]) -> BadSetting:
    own, shared = list(settings), list(fields)
    hint = nearest(key, [*own, *shared])
    offers: Sequence[str] = [
        *([f"its settings: {', '.join(own)}"] if own else []),
        f"protocol fields: {', '.join(shared)}",
    ]
    return BadSetting(
        f"{owner} has no setting {key!r}" + (f"; did you mean {hint!r}? " if hint else ". ") + "; ".join(offers)
    )
