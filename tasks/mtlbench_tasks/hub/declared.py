"""Features that stand in a README's header alone: names of classes, say, of files that do not carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mtlbench.interface import BadDataset

__all__ = ["declared_features", "features_text"]


def declared_features(folder: Path, config: str | None, files: Sequence[Path]) -> Any:
    """The ``datasets.Features`` that the README's ``dataset_info`` gives, or None where the files carry their own.

    ``datasets.load_dataset`` of the folder applies them; files read by themselves lack them. Raises BadDataset, naming
    the README, for a ``dataset_info`` of another shape.
    """
    readme = folder / "README.md"
    if not readme.is_file() or all(_has_own(path) for path in files):
        return None
    facts = readme.stat()
    infos = _infos(readme, facts.st_size, facts.st_mtime_ns)
    info = infos.get(config or "default")
    if info is None and len(infos) == 1:
        (info,) = infos.values()
    if info is None or info.features is None:
        return None
    for column, feature in info.features.items():
        for name in getattr(getattr(feature, "feature", feature), "names", None) or ():
            if not isinstance(name, str):  # YAML takes a bare yes or no for true or false
                raise BadDataset(f"{readme}: dataset_info: the class names of {column!r} must be texts, found {name!r}")
    return info.features


def features_text(features: Any) -> str:
    """The same features, the same text."""
    return json.dumps(features.to_dict(), sort_keys=True)


def _has_own(path: Path) -> bool:
    import pyarrow.parquet

    if path.suffix != ".parquet":
        return path.suffix == ".arrow"
    try:
        return b"huggingface" in (pyarrow.parquet.read_schema(path).metadata or {})
    except (OSError, pyarrow.ArrowException):
        return True  # unreadable, which is told of when it is loaded


@lru_cache(maxsize=64)
def _infos(readme: Path, *_facts: int) -> Mapping[str, Any]:
    """Configuration to its ``datasets.DatasetInfo``; read once while the file stays as it is."""
    from datasets.info import DatasetInfosDict

    if "dataset_info:" not in readme.read_text("utf-8", errors="replace"):
        return {}
    try:
        found: Mapping[str, Any] = DatasetInfosDict.from_directory(str(readme.parent))
    except Exception as broken:  # whatever a header of another shape makes of the code that reads it
        reason = (str(broken).strip() or type(broken).__name__).splitlines()[0]
        raise BadDataset(f"{readme}: dataset_info cannot be read ({reason})") from None
    return found
