"""docs/methods.md keeps up with the methods: a section each, with every setting and its current default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtlbench.interface import Method, settings_of
from mtlbench.interface.settings import spec_text
from mtlbench.plugins import load_registry

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
METHODS = {name: entry.cls for name, entry in load_registry().methods.items() if entry.distribution == "mtlbench"}
CONTROLS = {"mtl[rows=1]"}
PARTS = ("Source:", "**Rule.**", "**Cost.**", "**Departures.**", "**Invariants.**")


def sections() -> dict[str, str]:
    """The text below every heading that is a name in code style."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titles, texts = parts[1::2], parts[2::2]
    return {title.strip("`"): text for title, text in zip(titles, texts, strict=True) if title.startswith("`")}


def documented_settings(section: str) -> dict[str, str]:
    """Names and defaults of a section's table of settings."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, flags=re.MULTILINE))


def default_text(cls: type[Method], name: str, value: object) -> str:
    """A default as one would type it in brackets on the command line."""
    return spec_text(cls.name, {name: value}).removeprefix(f"{cls.name}[{name}=").removesuffix("]")


def test_the_page_has_a_section_for_every_method_and_for_no_other():
    assert set(sections()) == set(METHODS) | CONTROLS


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_setting_is_documented_with_its_default(name):
    cls = METHODS[name]
    expected = {setting.name: default_text(cls, setting.name, setting.default) for setting in settings_of(cls)}
    assert documented_settings(sections()[name]) == expected


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_section_says_where_a_method_comes_from_and_what_it_costs(name):
    section = sections()[name]
    assert [part for part in PARTS if part not in section] == []


@pytest.mark.parametrize("name", sorted(METHODS))
def test_protocol_fields_without_effect_are_named(name):
    found = re.search(r"Protocol fields without effect: ([^.(]+)", sections()[name])
    assert set(re.findall(r"`(\w+)`", found[1] if found else "")) == METHODS[name].unused_protocol
