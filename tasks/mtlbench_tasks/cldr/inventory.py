"""The names of places, languages and currencies that a language has in the CLDR."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from mtlbench_tasks.cldr.characters import clean, fold, in_script
from mtlbench_tasks.cldr.kinds import Kind
from mtlbench_tasks.cldr.languages import LANGUAGES, SCRIPTS

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["Name", "locale", "names"]

_NO_PLACE: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_NO_LANGUAGE: Final = frozenset({"mis", "mul", "root", "und", "zxx"})
_NO_CURRENCY: Final = frozenset({"XBA", "XBB", "XBC", "XBD", "XTS", "XUA", "XXX"})
_REFUSED: Final = re.compile(r"[\d()\[\],;:/–—+&|]| - ")


@dataclass(frozen=True)
class Name:
    """One name in one language. code: the CLDR's behind the kind, as ``LOC:FR``, ``LOC:Europe/Paris``, ``CUR:EUR``."""

    code: str
    kind: Kind
    text: str

    @property
    def city(self) -> bool:
        """Whether it names the city of a time zone."""
        return "/" in self.code


@cache
def locale(language: str) -> Locale:
    """Babel's locale of a language."""
    from babel import Locale

    return Locale.parse(language)


@cache
def names(language: str) -> tuple[Name, ...]:
    """All usable names of a language in the order of their codes.

    Left out: what is not in the language's script (names left in English), what holds digits, brackets or list
    punctuation, a second name that folds to the same text, and names that stand for two kinds (Thai has one word for
    the country and the language).
    """
    source = locale(language)
    found: list[tuple[str, Kind, str]] = []
    for code, text in source.territories.items():
        if len(code) == 2 and code.isalpha() and code not in _NO_PLACE:
            found.append((f"LOC:{code}", "LOC", text))
    found += [(f"LOC:{zone}", "LOC", text) for zone, text in _cities(language).items()]
    for code, text in source.languages.items():
        if "_" not in code and code not in _NO_LANGUAGE:
            found.append((f"LNG:{code}", "LNG", text))
    for code, text in source.currencies.items():
        if code not in _NO_CURRENCY:
            found.append((f"CUR:{code}", "CUR", text))

    by_fold: dict[str, list[Name]] = defaultdict(list)
    for code, kind, text in sorted(found):
        printed = clean(text)
        if len(printed) > 1 and not _REFUSED.search(printed) and in_script(printed, SCRIPTS[language]):
            by_fold[fold(printed)].append(Name(code, kind, printed))
    kept = [same[0] for same in by_fold.values() if len({name.kind for name in same}) == 1]
    return tuple(sorted(kept, key=lambda name: name.code))


def _cities(language: str) -> dict[str, str]:
    """Zone to city. Where a Latin-script locale names none, the CLDR's fallback: the last part of the zone's id."""
    own = {zone: data["city"] for zone, data in locale(language).time_zones.items() if "/" in zone and "city" in data}
    if SCRIPTS[language] == "LATIN":
        own = {zone: zone.rpartition("/")[2].replace("_", " ") for zone in _all_zones()} | own
    return {zone: text for zone, text in own.items() if not zone.startswith("Etc/")}


@cache
def _all_zones() -> tuple[str, ...]:
    return tuple(
        sorted({str(zone) for language in LANGUAGES for zone in locale(language).time_zones if "/" in str(zone)})
    )
