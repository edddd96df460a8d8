"""What can go wrong, as exceptions whose text is one clear line for the person at the shell."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
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
]


class MtlbenchError(Exception):
    """A mistake that its maker can mend: the command line prints the text alone and exits with 2."""


class UnknownName(MtlbenchError):
    """A method, suite, executor, probe, setting or key that nobody offers."""

    @classmethod
    def of(cls, kind: str, wanted: str, known: Iterable[str]) -> UnknownName:
        """``kind`` is the singular noun, as in "method"; ``known`` are the names on offer."""
        names = sorted(known)
        hint = nearest(wanted, names)
        return cls(
            f"no {kind} is called {wanted!r}"
            + (f"; did you mean {hint!r}?" if hint else ".")
            + f" Installed: {', '.join(names) or 'none'}"
        )


class BadSetting(MtlbenchError):
    """A setting, option or command-line value of the wrong name, type or range."""


class BadStudy(MtlbenchError):
    """A study file that cannot be read: the text names file, line and key."""


class BadRecord(MtlbenchError):
    """A record that is not what its name and its schema promise."""


class BadPlugin(MtlbenchError):
    """A plugin that cannot be used; the text names its distribution."""


class BadDataset(MtlbenchError):
    """A row of real data that breaks its data set's features: the text names file, row and field."""


class MissingData(MtlbenchError):
    """Data or weights that are not on this machine: the text says how to get them."""


class MissingExtra(MtlbenchError):
    """An optional dependency that is not installed: the text names the extra."""


class Diverged(Exception):
    """A loss, gradient or parameter is NaN or infinite: the cell ends as ``diverged``."""


def require(condition: bool, message: str) -> None:
    """Raise ``BadSetting(message)`` unless ``condition`` holds; for ``__post_init__`` of settings."""
    if not condition:
        raise BadSetting(message)


def nearest(wanted: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like ``wanted``, or None when none comes near."""
    import difflib

    close = difflib.get_close_matches(wanted.lower(), list(known), n=1, cutoff=0.5)
    return close[0] if close else None
