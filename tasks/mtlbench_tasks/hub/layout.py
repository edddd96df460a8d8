"""Which files of a data set's folder belong to which split: by its README's header, or by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mtlbench.interface import BadDataset

__all__ = ["FORMS", "config_names", "config_patterns", "split_files", "unread_files"]

FORMS = (".parquet", ".arrow", ".jsonl", ".json", ".csv")
"""The endings of the files that are read."""

Patterns = Mapping[str, Sequence[str]]
"""Split to glob patterns relative to the folder."""


def split_files(folder: Path, config: str | None, any_config: bool = False) -> dict[str, tuple[Path, ...]]:
    """Split to its files, sorted; empty when the folder does not hold the configuration.

    config: None for the default one. any_config: take the only configuration when it has another name.
    """
    patterns = config_patterns(folder, config)
    if patterns is None and any_config:
        names = config_names(folder)
        patterns = config_patterns(folder, names[0]) if len(names) == 1 else None
    if patterns is None:
        return _by_name(folder, config)
    found = {split: _matching(folder, globs) for split, globs in patterns.items()}
    return {split: files for split, files in found.items() if files}


def config_names(folder: Path) -> list[str]:
    """The configurations that the README's header declares."""
    return [str(entry.get("config_name", "default")) for entry in _declared(folder)]


def config_patterns(folder: Path, config: str | None) -> Patterns | None:
    """The patterns that the README's header gives for a configuration, or None when it does not declare it."""
    declared = _declared(folder)
    for entry in declared:
        is_default = bool(entry.get("default")) or len(declared) == 1
        if entry.get("config_name", "default") == (config or "default") or (config is None and is_default):
            return _normalised(folder / "README.md", entry)
    return None


def _declared(folder: Path) -> list[Mapping[str, Any]]:
    readme = folder / "README.md"
    if not readme.is_file():
        return []
    facts = readme.stat()
    return _header_configs(readme, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _header_configs(readme: Path, *_facts: int) -> list[Mapping[str, Any]]:
    """Read once while the file stays as it is: a header of hundreds of configurations takes YAML its time."""
    from huggingface_hub import metadata_load

    try:
        header = metadata_load(readme) or {}
    except Exception as broken:  # a YAML error's class belongs to a package that is not ours to name
        raise BadDataset(f"{readme}: the header is not valid YAML ({str(broken).splitlines()[0]})") from None
    entries = header.get("configs") or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise BadDataset(f"{readme}: configs must be a list of configurations, found {_short(entries)}")
    return [entry for entry in entries if entry.get("data_files")]


def _normalised(readme: Path, config: Mapping[str, Any]) -> dict[str, list[str]]:
    """A configuration's ``data_files`` in its one full form.

    The Hub allows a text, a list of texts, and a list of mappings of split and path. Raises BadDataset, naming the
    README, for anything else.
    """
    data_files, data_dir = config["data_files"], config.get("data_dir") or ""
    patterns: dict[str, list[str]] = {}
    for entry in data_files if isinstance(data_files, list) else [data_files]:
        found = entry if isinstance(entry, Mapping) else {"split": "train", "path": entry}
        split, path = found.get("split"), found.get("path")
        paths = path if isinstance(path, list) else [path]
        if not all(isinstance(text, str) and text for text in (split, *paths)):
            raise BadDataset(
                f"{readme}: data_files of configuration {config.get('config_name', 'default')!r} must be a path, a "
                f"list of paths, or a list of 'split: ..., path: ...', found {_short(data_files)}"
            )
        patterns.setdefault(str(split), []).extend(f"{data_dir}/{text}".lstrip("/") for text in paths)
    return patterns


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _matching(folder: Path, globs: Sequence[str]) -> tuple[Path, ...]:
    readme = folder / "README.md"
    if any(".." in Path(glob).parts or Path(glob).is_absolute() for glob in globs):
        raise BadDataset(f"{readme}: data_files lead out of the folder: {', '.join(globs)}")
    found: set[Path] = set()
    for glob in globs:
        try:
            found.update(path for path in folder.glob(glob) if path.is_file())
        except (ValueError, NotImplementedError) as refused:
            raise BadDataset(
                f"{readme}: data_files have the pattern {glob!r}, which cannot be used: {refused}"
            ) from None
    return tuple(sorted(found))


def unread_files(folder: Path, config: str | None) -> list[str]:
    """Names of files that lie where a configuration's would, in forms that are not read: compressed ones, say."""
    homes = [folder / config] if config else [folder, folder / "data"]
    names = (path.name for home in homes if home.is_dir() for path in home.iterdir() if path.is_file())
    return sorted(name for name in names if not name.endswith((*FORMS, ".md")) and not name.startswith("."))


def _by_name(folder: Path, config: str | None) -> dict[str, tuple[Path, ...]]:
    """Without a header: ``CONFIG/SPLIT-*.parquet`` or ``CONFIG/SPLIT/*.parquet``; for no config also in ``data``."""
    homes = [folder / config] if config else []
    if config in (None, "default"):
        homes += [folder, folder / "data"]
    files: dict[str, set[Path]] = {}
    for home in homes:
        for path in home.glob("*") if home.is_dir() else []:
            if path.is_file() and path.suffix in FORMS:
                files.setdefault(path.stem.partition("-")[0], set()).add(path)
            elif path.is_dir() and config is not None:
                for part in path.glob("*"):
                    if part.suffix in FORMS:
                        files.setdefault(path.name, set()).add(part)
    return {split: tuple(sorted(paths)) for split, paths in sorted(files.items())}
