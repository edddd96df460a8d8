"""The rows of one split, and where each of them lies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface import BadDataset, DataSource, SuiteContext
from mtlbench_tasks.hub.declared import declared_features, features_text
from mtlbench_tasks.hub.digests import combined_digest, files_digest
from mtlbench_tasks.hub.layout import FORMS
from mtlbench_tasks.hub.places import Place, cache_root, locate
from mtlbench_tasks.hub.tables import PreparedTable, Table, UnreadableFile, parquet_rows, parquet_table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Rows", "fingerprint", "read"]

_TEXT = ("string", "large_string", "string_view")
_ODD_HEADER = (ValueError, KeyError, TypeError, AttributeError)
"""What ``datasets`` raises for features in a file's own header that are none."""
_BUILDERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv"}


@dataclass(frozen=True)
class Rows:
    """One split of a data set."""

    source: DataSource
    split: str
    table: Table
    files: tuple[Path, ...]
    origin: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> list[Any]:
        """All values of a column, as they are stored (an image as a dict with its bytes).

        Raises BadDataset when there is no such column, and, naming file and row, for a text that is not valid UTF-8.
        """
        return self.values(name, 0, len(self))

    def values(self, name: str, start: int, count: int) -> list[Any]:
        """The same of at most ``count`` rows from ``start`` on."""
        self._need(name)
        try:
            part = self.table.part(name, start, count)
        except UnreadableFile as bad:
            raise _unreadable([bad.path], bad.__cause__ or bad) from bad
        try:
            found: list[Any] = part.to_pylist()
        except UnicodeDecodeError as broken:
            row = next(row for row, value in enumerate(part) if not _is_readable(value))
            raise BadDataset(f"{self.where(start + row)}: {name} is not valid UTF-8 ({broken.reason})") from None
        return found

    def texts(self, name: str) -> list[str]:
        """A column of texts. Raises BadDataset, naming file and row, when it holds anything else, or nothing."""
        self.need_text(name)
        found = self.column(name)
        if None in found:
            raise BadDataset(f"{self.where(found.index(None))}: {name} is missing (null)")
        return found

    def need_text(self, name: str) -> None:
        """Raise BadDataset unless there is a column of that name that holds texts, or lists of them."""
        self._need(name)
        feature = self.table.features[name]
        kind = getattr(getattr(feature, "feature", feature), "dtype", None)
        if kind not in _TEXT:
            raise BadDataset(f"{self.files[0]}: column {name!r} holds {feature}, not text")

    def label_names(self, column: str) -> list[str]:
        """The names of a column's classes. Raises BadDataset when it is not one of classes."""
        self._need(column)
        feature = self.table.features[column]
        names = getattr(getattr(feature, "feature", feature), "names", None)
        if not names:
            raise BadDataset(f"{self.files[0]}: column {column!r} holds {feature}, not classes with names")
        return list(names)

    def _need(self, name: str) -> None:
        if name not in self.table.features:
            raise BadDataset(
                f"{self.files[0]}: column {name!r} is missing; found {', '.join(self.table.features)}. "
                f"Is this {self.source.stands_for or self.source.name}?"
            )

    def where(self, row: int) -> str:
        """A row as a person finds it: its number in its file, from 0, and the file."""
        if any(path.suffix != ".parquet" for path in self.files):
            return f"{', '.join(map(str, self.files))}, row {row}"
        place = row
        for path in self.files:
            count = parquet_rows(path)
            if place < count:
                return f"{path}, row {place}"
            place -= count
        raise IndexError(row)


def _is_readable(value: Any) -> bool:
    """Whether a scalar of arrow becomes a value of Python."""
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def fingerprint(source: DataSource, context: SuiteContext) -> str:
    """A digest of the content of all splits that the source names, without reading rows.

    Features that stand in the README alone are part of it.
    """
    place = locate(source, context)
    files = [_files(place, source, split) for split in source.splits]
    digest = files_digest([path for each in files for path in each])
    declared = [declared_features(place.folder, source.config, each) for each in files]
    return _with_features(digest, declared)


def _with_features(digest: str, declared: Sequence[Any]) -> str:
    """A digest of files together with what is declared of them; the same digest where nothing is."""
    texts = ["" if features is None else features_text(features) for features in declared]
    return combined_digest([digest, *texts]) if any(texts) else digest


def read(source: DataSource, split: str, context: SuiteContext, columns: Sequence[str] = ()) -> Rows:
    """The rows of ``split``, one at least.

    Raises MissingData when they are not here, BadDataset when they are not readable or there are none.

    columns: those that must exist.
    """
    place = locate(source, context)
    files = _files(place, source, split)
    digest = files_digest(files)
    declared = declared_features(place.folder, source.config, files)
    table = _table(files, declared, place.folder, cache_root(context) / "datasets" / digest[:32])
    rows = Rows(source, split, table, files, place.told, _with_features(digest, [declared]))
    for name in columns:
        rows._need(name)
    return rows


def _files(place: Place, source: DataSource, split: str) -> tuple[Path, ...]:
    if split not in place.files:
        raise BadDataset(
            f"{source.name} ({source.config or 'default'}): {place.folder} has no split {split!r}; "
            f"it has {', '.join(sorted(place.files))}"
        )
    return place.files[split]


def _table(files: tuple[Path, ...], declared: Any, folder: Path, cache: Path) -> Table:
    """The rows of files, with the ``declared`` features if there are any; at least one.

    cache: where ``datasets`` keeps what it prepares, named by the files' content: its own cache goes by folder and
    configuration, and would hand out old rows for changed files.
    """
    import datasets
    import pyarrow

    named, suffix = files, files[0].suffix
    odd = [path for path in files if path.suffix != suffix or path.suffix not in FORMS]
    if odd:
        raise BadDataset(f"{odd[0]}: not of a form that is read; a split is of files of one of {', '.join(FORMS)}")
    if suffix == ".parquet":
        try:
            files = tuple(path for path in files if parquet_rows(path))  # ``datasets`` stumbles over one without rows
            found = parquet_table(files) if files and declared is None else None
        except (pyarrow.ArrowException, OSError, *_ODD_HEADER) as broken:
            raise _unreadable(named, broken) from broken
        if found is not None:
            return found
    try:
        loaded = _load(files, cache) if files else ()
    except StopIteration:  # JSON without any line
        raise _empty(named) from None
    except (datasets.exceptions.DatasetsError, pyarrow.ArrowException, *_ODD_HEADER) as broken:
        if "corresponds to no data" in str(broken):
            raise _empty(named) from None
        raise _unreadable(named, broken.__cause__ or broken) from broken
    if not len(loaded):
        raise _empty(named)
    return PreparedTable(loaded if declared is None else _cast(loaded, declared, folder))


def _load(files: tuple[Path, ...], cache: Path) -> Any:
    """A ``datasets.Dataset`` of files of one form."""
    import datasets

    suffix = files[0].suffix
    with _quiet():
        if suffix == ".arrow":
            return datasets.concatenate_datasets([datasets.Dataset.from_file(str(path)) for path in files])
        return datasets.load_dataset(
            _BUILDERS[suffix], data_files={"rows": [str(path) for path in files]}, split="rows", cache_dir=str(cache)
        )


def _cast(table: Any, declared: Any, folder: Path) -> Any:
    """The table with the declared features of those columns that it has."""
    import datasets
    import pyarrow

    features = table.features.copy()
    features.update({name: feature for name, feature in declared.items() if name in features})
    try:
        with _quiet():
            return table.cast(features)
    except (datasets.exceptions.DatasetsError, pyarrow.ArrowException, ValueError, KeyError, TypeError) as refused:
        reason = (str(refused).strip() or type(refused).__name__).splitlines()[0]
        raise BadDataset(f"{folder / 'README.md'}: dataset_info does not suit the files ({reason})") from None


def _unreadable(files: Sequence[Path], cause: BaseException) -> BadDataset:
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return BadDataset(f"{', '.join(map(str, files))}: cannot be read ({reason}); fetch it again")


def _empty(files: tuple[Path, ...]) -> BadDataset:
    return BadDataset(f"{', '.join(map(str, files))}: the split is empty, it has no rows")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars, which would cut through those of a run."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
