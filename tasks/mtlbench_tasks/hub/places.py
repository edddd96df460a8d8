"""Where a data set lies on this machine: below the data root, or in the cache of the Hub, filled when allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from mtlbench.interface import DataSource, MissingData, SuiteContext
from mtlbench_tasks.hub.layout import FORMS, config_patterns, split_files, unread_files

__all__ = ["DATA_ROOT", "Place", "cache_root", "data_root", "locate"]

DATA_ROOT = "MTLBENCH_DATA_ROOT"
_PARQUET_BRANCH = "refs/convert/parquet"
"""The Hub's own conversion, for repositories that hold a loading script instead of readable files."""
_PARTIAL = "partial-"
"""How that conversion marks a split of which it has only the beginning: good enough where the first files will do."""
_COMMIT = re.compile("[0-9a-f]{40}")
_COUNTED = re.compile(r"-\d+-of-(\d+)$")


@dataclass(frozen=True)
class Place:
    """A data set's files, by split."""

    origin: Literal["snapshot", "hub", "arrow cache"]
    folder: Path
    files: Mapping[str, tuple[Path, ...]]

    @property
    def told(self) -> str:
        """Where it lies, for a person to read."""
        return f"{self.origin} {self.folder}"


def data_root(context: SuiteContext) -> Path | None:
    """The folder of snapshots: the context's, or that of the environment variable MTLBENCH_DATA_ROOT."""
    if context.data_root is not None:
        return context.data_root
    return Path(os.environ[DATA_ROOT]) if os.environ.get(DATA_ROOT) else None


def cache_root(context: SuiteContext) -> Path:
    """Where prepared data may be kept between runs."""
    return context.cache_dir if context.cache_dir is not None else Path.home() / ".cache" / "mtlbench"


def locate(source: DataSource, context: SuiteContext, *, fetch: bool = False) -> Place:
    """The files of a data set. With a data root nothing else is looked at; without one, the Hub and its cache are.

    fetch: download first what is missing, into the data root if there is one. Raises MissingData with what to do.
    """
    root = data_root(context)
    if root is None:
        return _from_hub(source, None)
    folder = root / source.name
    if fetch and not _wanted(folder, source):
        return _from_hub(source, folder)
    files = _files(folder, source) if folder.is_dir() else {}
    if not files:
        what = f"has no configuration {source.config!r}" if folder.is_dir() else "does not exist"
        unread = unread_files(folder, source.config)
        if unread:
            what += f" in a form that is read ({', '.join(FORMS)}; found {unread[0]})"
        raise MissingData(
            f"{source.name}: {folder} {what}; put a copy of the Hub's repository there, "
            f"run 'mtlbench data fetch' with network access, or leave out the data root to use the Hub"
        )
    return Place("snapshot", folder, files)


def _wanted(folder: Path, source: DataSource) -> dict[str, tuple[Path, ...]]:
    """The source's files in a folder; empty unless every split is there."""
    files = _files(folder, source) if folder.is_dir() else {}
    return files if files and all(split in files for split in source.splits) else {}


def _files(folder: Path, source: DataSource) -> dict[str, tuple[Path, ...]]:
    files = split_files(folder, source.config, any_config=bool(source.stands_for))
    if source.files is not None:
        files = {split.removeprefix(_PARTIAL): paths[: source.files] for split, paths in files.items()}
    return files


def _from_hub(source: DataSource, into: Path | None) -> Place:
    """From the Hub or its cache; into: a folder to write to instead of the cache.

    A revision that is a commit cannot change, so what is cached of it is taken without asking the Hub.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError

    if source.name.count("/") != 1 or source.name.startswith("standin/"):
        raise MissingData(f"{source.name} is not on the Hub: give --data-root (or {DATA_ROOT}) with that folder in it")
    if into is None and _COMMIT.fullmatch(source.revision or ""):
        cached = _from_cache(source)
        if cached is not None:
            return cached
    # What huggingface_hub raises for access and names, and the errors of its HTTP client: which client that is
    # differs by version, and its own error is one of the client's.
    refusals: tuple[type[BaseException], ...] = (OSError, ValueError, *HfHubHTTPError.__bases__)
    reason = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            folder = _download(source, into)
        except refusals as refused:
            reason = (str(refused).strip() or type(refused).__name__).splitlines()[0]
        else:
            files = _wanted(folder, source)
            if files:
                return Place("hub", folder, files)
            reason = f"the Hub's repository lacks configuration {source.config!r} or one of {list(source.splits)}"
    cached = _from_cache(source) if into is None else None
    if cached is not None:
        return cached
    where = str(into) if into is not None else "the Hugging Face cache"
    raise MissingData(
        f"{source.name} ({source.config or 'default'}) is not in {where} and cannot be downloaded: {reason}; "
        f"run 'mtlbench data fetch' with network access, or give --data-root (or {DATA_ROOT}) with a snapshot"
    )


def _from_cache(source: DataSource) -> Place | None:
    """What the Hub's cache, or that of ``datasets``, holds whole."""
    for folder in _cached_folders(source):
        files = _wanted(folder, source)
        if files and (source.files is not None or all(_is_whole(files[split]) for split in source.splits)):
            return Place("hub", folder, files)
    return _arrow_cache(source)


def _is_whole(files: Sequence[Path]) -> bool:
    """Whether no file is missing of those that say in their names how many they are, as a broken download leaves it."""
    counts = {int(found[1]) for path in files if (found := _COUNTED.search(path.stem))}
    return not counts or counts == {len(files)}


def _download(source: DataSource, into: Path | None) -> Path:
    """Only the README and the files of the wanted splits: some repositories hold hundreds of configurations."""
    from huggingface_hub import snapshot_download

    # Of a single file huggingface_hub asks again and again when there is no network; of a snapshot, once.
    home = snapshot_download(
        source.name, repo_type="dataset", revision=source.revision, allow_patterns=["README.md"], local_dir=into
    )
    patterns = config_patterns(Path(home), source.config)
    revision = source.revision
    if patterns is None:
        revision = source.revision or _PARQUET_BRANCH
        name = source.config or "default"
        marks = ("",) if source.files is None else ("", _PARTIAL)
        patterns = {split: [f"{name}/{mark}{split}/*.parquet" for mark in marks] for split in source.splits}
    wanted = [glob for split in source.splits for glob in patterns.get(split, ())]
    if source.files is not None:
        wanted = _first_files(source, revision, patterns)
    folder = snapshot_download(
        source.name, repo_type="dataset", revision=revision, allow_patterns=["README.md", *wanted], local_dir=into
    )
    return Path(folder)


def _first_files(source: DataSource, revision: str | None, patterns: Mapping[str, Sequence[str]]) -> list[str]:
    """The first ``source.files`` files of each split: a corpus such as CC-100 has hundreds of them."""
    from huggingface_hub import list_repo_files

    names = sorted(list_repo_files(source.name, repo_type="dataset", revision=revision))
    found = []
    for split in source.splits:
        globs = patterns.get(split, ())
        found += [name for name in names if any(fnmatch(name, glob) for glob in globs)][: source.files]
    return found


def _cached_folders(source: DataSource) -> list[Path]:
    """Revisions of the data set in the Hub's cache: the wanted one first, then the Hub's own conversion."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    found: list[Path] = []
    folder: str | None
    for revision in [source.revision] if source.revision else [None, _PARQUET_BRANCH]:
        try:
            folder = snapshot_download(source.name, repo_type="dataset", revision=revision, local_files_only=True)
        except LocalEntryNotFoundError as missing:
            # A snapshot of some of the repository's files is told of as incomplete, with its folder.
            folder = getattr(missing, "snapshot_path", None)
        if folder is not None:
            found.append(Path(folder))
    return found


def _arrow_cache(source: DataSource) -> Place | None:
    """What an earlier ``datasets.load_dataset`` has left, the newest first; only when no revision is asked for."""
    from datasets import config
    from datasets.naming import camelcase_to_snakecase

    owner, name = source.name.split("/")
    home = Path(config.HF_DATASETS_CACHE) / f"{owner}___{camelcase_to_snakecase(name)}"
    if source.revision is not None:
        return None
    infos = home.glob(f"{source.config or 'default'}/*/*/dataset_info.json")
    for info in sorted(infos, key=lambda path: path.stat().st_mtime, reverse=True):
        files: dict[str, list[Path]] = {}
        for path in sorted(info.parent.glob("*.arrow")):
            for split in source.splits:
                if path.stem == f"{camelcase_to_snakecase(name)}-{split}" or f"-{split}-0" in path.stem:
                    files.setdefault(split, []).append(path)
        if files.keys() >= set(source.splits):
            return Place("arrow cache", info.parent, {split: tuple(paths) for split, paths in files.items()})
    return None
