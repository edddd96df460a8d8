"""The quick reader of entry-point tables finds what importlib.metadata finds."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest

from mtlbench.interface import BadPlugin
from mtlbench.plugins.installed import comparable, entry_points

TABLE = "[console_scripts]\nx = y:z\n\n[mtlbench]\n# ours\nfirst = pkg.first\nsecond=pkg.second:Plugin.hooks [extra]\n"


def distribution(
    folder: Path, name: str, version: str = "1.0", table: str | None = TABLE, suffix: str = "dist-info"
) -> None:
    info = folder / f"{name}-{version}.{suffix}"
    info.mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this one\n"
    (info / ("METADATA" if suffix == "dist-info" else "PKG-INFO")).write_text(about)
    if table is not None:
        (info / "entry_points.txt").write_text(table)


def found(group: str = "mtlbench") -> list[tuple[str, str, str, str]]:
    return [(it.name, it.value, it.distribution, it.version) for it in entry_points(group)]


@pytest.fixture
def path(monkeypatch):
    """Replaces sys.path by the folders it is called with."""
    return lambda *folders: monkeypatch.setattr(sys, "path", [str(folder) for folder in folders])


@pytest.mark.parametrize("group", ["mtlbench", "console_scripts", "pytest11"])
def test_it_agrees_with_importlib_metadata_on_this_environment(group):
    theirs = importlib.metadata.entry_points(group=group)
    assert {it[:3] for it in found(group)} == {(it.name, it.value, it.dist.name) for it in theirs if it.dist}


@pytest.mark.parametrize("suffix", ["dist-info", "egg-info"])
def test_it_reads_one_group_and_skips_comments(path, tmp_path, suffix):
    distribution(tmp_path, "some_dist", suffix=suffix)
    path(tmp_path)
    assert found() == [
        ("first", "pkg.first", "some_dist", "1.0"),
        ("second", "pkg.second:Plugin.hooks [extra]", "some_dist", "1.0"),
    ]


def test_of_two_distributions_of_one_name_the_first_on_the_path_counts_even_without_a_table(path, tmp_path):
    distribution(tmp_path / "a", "some_dist", "2.0")
    distribution(tmp_path / "b", "Some.Dist", "1.0")
    distribution(tmp_path / "c", "other", "1.0", table=None)
    distribution(tmp_path / "d", "other", "2.0")
    path(*(tmp_path / name for name in "abcd"))
    assert {it[2:] for it in found()} == {("some_dist", "2.0")}


def test_what_an_interrupted_upgrade_leaves_is_not_a_second_distribution(path, tmp_path):
    distribution(tmp_path, "some_dist", "2.0")
    distribution(tmp_path, "~ome_dist", "1.0")
    (tmp_path / "~ome_dist-1.0.dist-info" / "METADATA").write_text("Name: some_dist\nVersion: 1.0\n")
    path(tmp_path)
    assert {it[2:] for it in found()} == {("some_dist", "2.0")}


def test_archives_on_the_path_are_left_to_importlib_metadata(path, tmp_path):
    archive = tmp_path / "work.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("zipped-3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 3.0\n")
        writer.writestr("zipped-3.0.dist-info/entry_points.txt", TABLE)
    path(tmp_path / "absent", archive)
    assert {it[2:] for it in found()} == {("zipped", "3.0")}


def test_a_finder_of_somebodys_own_is_asked_for_its_distributions(path, tmp_path, monkeypatch):
    distribution(tmp_path / "hidden", "elsewhere", "5.0")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None: ...

        @staticmethod
        def find_distributions(_: object) -> list[importlib.metadata.Distribution]:
            return [importlib.metadata.Distribution.at(tmp_path / "hidden" / "elsewhere-5.0.dist-info")]

    path()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert {it[2:] for it in found()} == {("elsewhere", "5.0")}


def test_a_line_that_is_no_entry_point_raises_when_it_is_loaded(path, tmp_path):
    distribution(tmp_path, "some_dist", table="[mtlbench]\nnonsense\n")
    path(tmp_path)
    (point,) = entry_points("mtlbench")
    with pytest.raises(BadPlugin, match=r"line 2 of its entry_points\.txt is 'nonsense'"):
        point.load()


def test_an_entry_point_may_name_an_object_in_a_module(path, tmp_path, monkeypatch):
    distribution(tmp_path, "some_dist", table="[mtlbench]\nx = some_dist_module:Plugin.hooks [extra]\n")
    (tmp_path / "some_dist_module.py").write_text("class Plugin:\n    hooks = 'these'\n")
    path(tmp_path)
    (point,) = entry_points("mtlbench")
    assert point.load() == "these"
    monkeypatch.delitem(sys.modules, "some_dist_module")


def test_names_are_compared_as_installers_do():
    assert comparable("Some_.Dist--x") == comparable("some-dist-x") == "some-dist-x"
