"""From a name as one types it to what is under test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.interface.settings import parse_spec
from mtlbench.interface.suite_values import SuiteContext
from mtlbench.testing.laws import Law, Verdict, try_laws

if TYPE_CHECKING:
    from mtlbench.plugins import Registry
    from mtlbench.testing.method_laws import MethodSubject
    from mtlbench.testing.suite_laws import SuiteSubject

__all__ = ["laws_of", "subject_of", "uninstalled", "verdicts"]


def subject_of(spec: str, registry: Registry, context: SuiteContext | None = None) -> MethodSubject | SuiteSubject:
    """The installed method or suite that ``NAME`` or ``NAME[key=value,...]`` names. Raises UnknownName, BadSetting."""
    from mtlbench.testing.method_laws import MethodSubject
    from mtlbench.testing.suite_laws import SuiteSubject

    name, values = parse_spec(spec)
    subject: MethodSubject | SuiteSubject
    if name in registry.methods:
        subject = MethodSubject(registry.methods[name].cls, values)
    elif name in registry.suites:
        subject = SuiteSubject(registry.suites[name].cls, values, context=context or SuiteContext())
    else:
        raise registry.unknown("method or suite", name, [*registry.methods, *registry.suites])
    subject.make()
    return subject


def uninstalled(cls: type[Any]) -> MethodSubject | SuiteSubject:
    """A class of a method or suite that no plugin offers (yet), with its default settings."""
    from mtlbench.interface.suite import Suite
    from mtlbench.testing.method_laws import MethodSubject
    from mtlbench.testing.suite_laws import SuiteSubject

    return (SuiteSubject if issubclass(cls, Suite) else MethodSubject)(cls, installed=False)


def laws_of(subject: MethodSubject | SuiteSubject) -> Sequence[Law[Any]]:
    """The laws that say something about it."""
    from mtlbench.testing.method_laws import METHOD_LAWS, MethodSubject
    from mtlbench.testing.suite_laws import SUITE_LAWS

    if isinstance(subject, MethodSubject):
        return [law for law in METHOD_LAWS if law.applies(subject)]
    return [law for law in SUITE_LAWS if law.applies(subject)]


def verdicts(subject: MethodSubject | SuiteSubject) -> Iterator[Verdict]:
    """What comes of every law, one by one."""
    return try_laws(laws_of(subject), subject)
