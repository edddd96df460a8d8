"""Laws: what every method, or every suite, must keep, and how one is tried on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from mtlbench.interface.errors import BadDataset, MissingData, MissingExtra
from mtlbench.interface.settings import build, spec_text

__all__ = ["Broken", "Law", "NotTried", "Subject", "Verdict", "demand", "try_law", "try_laws"]


class Broken(AssertionError):
    """A law does not hold; the text says what was found."""


class NotTried(Exception):
    """A law cannot be tried on this subject; the text says why."""


def demand(condition: bool, found: str) -> None:
    """Raise ``Broken(found)`` unless ``condition`` holds."""
    if not condition:
        raise Broken(found)


@dataclass(frozen=True)
class Subject:
    """What is under test: a class, and the settings that it is tried with."""

    kind: ClassVar[str]

    cls: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    installed: bool = True
    """Whether it came from a plugin: only then must its module be light to import."""

    @property
    def name(self) -> str:
        """As a board would call it, ``gradvac[beta=0.5]``."""
        return spec_text(self.cls.name, self.settings)

    @property
    def exempt(self) -> Mapping[str, str]:
        """The laws that it breaks on purpose, with the reasons."""
        return {}

    def make(self) -> Any:
        """A new instance."""
        return build(self.cls, self.settings, f"{self.kind} {self.cls.name}")


_Tried = TypeVar("_Tried", bound=Subject)


@dataclass(frozen=True)
class Law(Generic[_Tried]):
    """One law. check: raises Broken or NotTried, or returns."""

    name: str
    statement: str
    """A sentence about what holds."""
    check: Callable[[_Tried], None]
    applies: Callable[[_Tried], bool] = lambda _subject: True
    """Whether the law says anything about a subject."""


@dataclass(frozen=True)
class Verdict:
    """What came of one law."""

    subject: str
    law: str
    outcome: Literal["ok", "FAILED", "exempt", "not tried"]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.law} {self.outcome}" + (f": {self.reason}" if self.reason else "")


def try_laws(laws: Sequence[Law[_Tried]], subject: _Tried) -> Iterator[Verdict]:
    """All laws, each on its own."""
    return (try_law(law, subject) for law in laws)


def try_law(law: Law[_Tried], subject: _Tried) -> Verdict:
    """One law. Only what this machine lacks (MissingData, MissingExtra, BadDataset) is raised."""
    if law.name in subject.exempt:
        return Verdict(subject.name, law.name, "exempt", subject.exempt[law.name])
    try:
        law.check(subject)
    except (MissingData, MissingExtra, BadDataset):
        raise
    except NotTried as why:
        return Verdict(subject.name, law.name, "not tried", _one_line(why))
    except Broken as found:
        return Verdict(subject.name, law.name, "FAILED", _one_line(found))
    except Exception as error:  # a plugin may raise anything: that is a broken law, not the end of the check
        return Verdict(subject.name, law.name, "FAILED", f"{type(error).__name__}: {_one_line(error)}")
    return Verdict(subject.name, law.name, "ok")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
