"""Reading data sets in the Hub's layout: snapshots, the Hub's cache, the arrow cache, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import huggingface_hub.errors
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtlbench.interface import BadDataset, BadSetting, DataSource, MissingData, SuiteContext
from mtlbench_tasks.hub import read, replace_sources, report_sources
from mtlbench_tasks.hub.layout import split_files
from mtlbench_tasks.hub.rows import fingerprint
from mtlbench_tasks.hub.stand_ins import short_name
from mtlbench_tasks.text.lines import read_lines

HEADER = """---
configs:
- config_name: rte
  data_files:
  - split: train
    path: rte/train-*
  - split: test
    path: [rte/test-0.parquet, rte/test-1.parquet]
- config_name: other
  data_files: data/*.parquet
---
# A data set
"""


def write(path: Path, texts: list[str], labels: list[int] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    labels = labels if labels is not None else [0] * len(texts)
    datasets.Dataset.from_dict({"text": texts, "label": labels}, features=features).to_parquet(path)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "arrow")
    monkeypatch.delenv("MTLBENCH_DATA_ROOT", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root" / "nyu-mll" / "glue"
    write(folder / "rte" / "train-00000.parquet", ["a", "b"])
    write(folder / "rte" / "test-0.parquet", ["c", "d"])
    write(folder / "rte" / "test-1.parquet", ["e"])
    write(folder / "data" / "x.parquet", ["f"])
    (folder / "README.md").write_text(HEADER)
    return tmp_path / "root"


@pytest.fixture
def context(root: Path, tmp_path: Path) -> SuiteContext:
    return SuiteContext(data_root=root, cache_dir=tmp_path / "cache")


SOURCE = DataSource("nyu-mll/glue", "rte", ("train", "test"))


def texts(source: DataSource, split: str, context: SuiteContext) -> list[str]:
    return read(source, split, context).column("text")


def test_a_snapshot_is_read_by_its_readme(context: SuiteContext) -> None:
    assert texts(SOURCE, "train", context) == ["a", "b"]
    assert texts(SOURCE, "test", context) == ["c", "d", "e"]
    assert texts(DataSource("nyu-mll/glue", "other"), "train", context) == ["f"]
    assert read(SOURCE, "train", context).label_names("label") == ["no", "yes"]


def test_a_row_is_found_in_its_own_file(context: SuiteContext) -> None:
    assert read(SOURCE, "test", context).where(2).endswith("test-1.parquet, row 0")


def test_the_environment_names_the_data_root_too(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_DATA_ROOT", str(root))
    assert texts(SOURCE, "train", SuiteContext(cache_dir=tmp_path / "cache")) == ["a", "b"]


def test_without_a_header_files_are_found_by_name(tmp_path: Path) -> None:
    write(tmp_path / "squad" / "plain" / "train-00000-of-00001.parquet", ["a"])
    write(tmp_path / "squad" / "plain" / "validation" / "0000.parquet", ["b"])
    assert {split: len(files) for split, files in split_files(tmp_path / "squad", "plain").items()} == {
        "train": 1,
        "validation": 1,
    }
    assert split_files(tmp_path / "squad", "unknown") == {}


def test_changed_files_give_their_new_rows_and_another_fingerprint(root: Path, context: SuiteContext) -> None:
    before = fingerprint(SOURCE, context)
    texts(SOURCE, "train", context)
    write(root / "nyu-mll" / "glue" / "rte" / "train-00000.parquet", ["new", "rows"])
    assert texts(SOURCE, "train", context) == ["new", "rows"]
    assert fingerprint(SOURCE, context) != before


def test_a_fingerprint_is_of_content_not_of_place(root: Path, tmp_path: Path, context: SuiteContext) -> None:
    moved = tmp_path / "elsewhere"
    root.rename(moved)
    assert fingerprint(SOURCE, SuiteContext(data_root=moved)) == fingerprint(
        DataSource("nyu-mll/glue", "rte", ("train", "test")), SuiteContext(data_root=moved)
    )
    moved.rename(root)
    assert fingerprint(SOURCE, context) == fingerprint(SOURCE, SuiteContext(data_root=root))


def test_the_hubs_cache_serves_when_offline(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "hub" / "datasets--nyu-mll--glue"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("a" * 40)
    (home / "snapshots").mkdir()
    (root / "nyu-mll" / "glue").rename(home / "snapshots" / ("a" * 40))
    context = SuiteContext(cache_dir=tmp_path / "cache")
    rows = read(SOURCE, "test", context)
    assert rows.column("text") == ["c", "d", "e"]
    assert rows.origin.startswith("hub ")
    with pytest.raises(MissingData, match="is not in the Hugging Face cache"):
        read(DataSource("nyu-mll/glue", "rte", ("train",), revision="b" * 40), "train", context)


def test_what_load_dataset_has_left_serves_when_offline(tmp_path: Path) -> None:
    write(tmp_path / "files" / "a.parquet", ["kept"])
    home = tmp_path / "arrow" / "nyu-mll___glue" / "rte" / "0.0.0" / ("c" * 40)
    home.mkdir(parents=True)
    (home / "dataset_info.json").write_text("{}")
    with datasets.arrow_writer.ArrowWriter(path=str(home / "glue-train.arrow")) as writer:
        writer.write_table(pa.table({"text": ["kept"]}))
        writer.finalize()
    source = DataSource("nyu-mll/glue", "rte", ("train",))
    assert texts(source, "train", SuiteContext(cache_dir=tmp_path / "cache")) == ["kept"]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (DataSource("rajpurkar/squad", "plain_text", ("train",)), MissingData, "squad does not exist; put a copy"),
        (DataSource("nyu-mll/glue", "wnli", ("train",)), MissingData, "has no configuration 'wnli'"),
        (DataSource("nyu-mll/glue", "rte", ("dev",)), BadDataset, "has no split 'dev'; it has test, train"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    source: DataSource, error: type[Exception], words: str, context: SuiteContext
) -> None:
    with pytest.raises(error, match=words) as raised:
        read(source, source.splits[0], context)
    assert "\n" not in str(raised.value)


def test_without_data_root_and_network_the_ways_to_get_it_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"HF_HUB_OFFLINE is set; run 'mtlbench data fetch'.*--data-root"):
        read(SOURCE, "train", SuiteContext(cache_dir=tmp_path))
    with pytest.raises(MissingData, match="standin/squad is not on the Hub"):
        read(DataSource("standin/squad", None, ("train",)), "train", SuiteContext(cache_dir=tmp_path))


def test_a_missing_column_and_a_broken_file_are_named(root: Path, context: SuiteContext) -> None:
    with pytest.raises(BadDataset, match=r"train-00000.parquet: column 'premise' is missing; found text, label"):
        read(SOURCE, "train", context, columns=("premise",))
    (root / "nyu-mll" / "glue" / "rte" / "train-00000.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(BadDataset, match=r"train-00000.parquet: cannot be read"):
        read(SOURCE, "train", context)


@pytest.mark.parametrize("header", ["---\nconfigs: [a\n---\n", "---\nconfigs:\n- data_files: ../secret/*\n---\n"])
def test_a_bad_header_is_refused(header: str, root: Path, context: SuiteContext) -> None:
    (root / "nyu-mll" / "glue" / "README.md").write_text(header)
    with pytest.raises(BadDataset, match=r"README.md: "):
        read(DataSource("nyu-mll/glue", None, ("train",)), "train", context)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("configs: 5", "configs must be a list of configurations, found 5"),
        ("configs: [rte]", r"configs must be a list of configurations, found \['rte'\]"),
        ("configs:\n- {config_name: rte, data_files: [{path: a}]}", "data_files of configuration 'rte' must be a path"),
        (
            "configs:\n- {config_name: rte, data_files: {train: a}}",
            "'rte' must be a path, a list of paths, or a list of",
        ),
        ("configs:\n- {config_name: rte, data_files: 7}", "'rte' must be a path, .*found 7"),
        ("configs:\n- {config_name: rte, data_files: [{split: train, path: ''}]}", "'rte' must be a path"),
        ("configs:\n- {config_name: rte, data_files: [{split: train, path: }]}", "'rte' must be a path"),
        ("configs:\n- {config_name: rte, data_files: [{split: train, path: [rte/a, 3]}]}", "'rte' must be a path"),
        ("configs:\n- {config_name: rte, data_files: 'rte/**train-*'}", r"have the pattern 'rte/\*\*train-\*', which"),
    ],
)
def test_a_header_of_another_shape_is_refused_with_the_readmes_path(
    config: str, words: str, root: Path, context: SuiteContext
) -> None:
    (root / "nyu-mll" / "glue" / "README.md").write_text(f"---\n{config}\n---\n")
    with pytest.raises(BadDataset, match=f"README.md: .*{words}") as raised:
        read(SOURCE, "train", context)
    assert "\n" not in str(raised.value)
    (report, _) = report_sources([SOURCE], context, lambda _: ())
    assert report.origin  # it is there, and bad


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.parquet", None),
        ("train.parquet", "groups"),
        ("train.jsonl", ""),
        ("train.json", "[]"),
        ("train.csv", "text,label\n"),
    ],
)
def test_a_split_without_rows_is_refused_as_empty(name: str, content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c" / name
    write(path, [])
    if content == "groups":
        pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    elif content is not None:
        path.write_text(content)
    context = SuiteContext(data_root=tmp_path, cache_dir=tmp_path / "cache")
    (report,) = report_sources([DataSource("a/b", "c", ("train",))], context, lambda _: ())
    assert report.problem == f"{path}: the split is empty, it has no rows"
    assert str(path.parents[1]) in report.origin


def test_a_file_without_rows_among_others_is_passed_over(root: Path, context: SuiteContext) -> None:
    schema = pq.read_schema(root / "nyu-mll" / "glue" / "rte" / "test-0.parquet")
    pq.write_table(schema.empty_table(), root / "nyu-mll" / "glue" / "rte" / "test-0.parquet")
    rows = read(SOURCE, "test", context)
    assert rows.column("text") == ["e"]
    assert rows.where(0).endswith("test-1.parquet, row 0")


def test_an_unreadable_file_is_there_and_bad(root: Path, context: SuiteContext) -> None:
    (root / "nyu-mll" / "glue" / "rte" / "train-00000.parquet").write_bytes(b"")
    bad, good = report_sources([SOURCE], context, lambda _: ())
    assert "train-00000.parquet: cannot be read (" in bad.problem
    assert bad.origin
    assert not good.problem


@pytest.mark.parametrize("header", ["", "---\nconfigs:\n- {config_name: c, data_files: c/train*}\n---\n"])
def test_files_of_other_forms_are_named_beside_the_forms_that_are_read(header: str, tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "c"
    home.mkdir(parents=True)
    (home / "train.jsonl.gz").write_bytes(b"\x1f\x8b")
    if header:
        (home.parent / "README.md").write_text(header)
    context = SuiteContext(data_root=tmp_path, cache_dir=tmp_path / "cache")
    words = (
        "train.jsonl.gz: not of a form" if header else r"\.parquet, .arrow, .jsonl, .json, .csv; found train.jsonl.gz"
    )
    with pytest.raises((BadDataset, MissingData), match=words) as raised:
        read(DataSource("a/b", "c", ("train",)), "train", context)
    assert ".parquet, .arrow, .jsonl, .json, .csv" in str(raised.value)


def test_a_text_that_is_not_utf8_is_found_in_its_row(root: Path, context: SuiteContext) -> None:
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"fine", b"\xff\xfe", b"also"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": broken}), root / "nyu-mll" / "glue" / "rte" / "test-0.parquet")
    pq.write_table(pa.table({"text": ["e"]}), root / "nyu-mll" / "glue" / "rte" / "test-1.parquet")
    rows = read(SOURCE, "test", context)
    for look in (rows.texts, rows.column, lambda name: rows.values(name, 1, 2)):
        with pytest.raises(BadDataset, match=r"test-0.parquet, row 1: text is not valid UTF-8"):
            look("text")
    assert rows.values("text", 2, 5) == ["also", "e"]
    with pytest.raises(BadDataset, match=r"test-0.parquet, row 1: text is not valid UTF-8"):
        read_lines(rows, 10)


def test_a_stand_in_takes_the_only_configuration_and_carries_the_name_it_stands_for(
    tmp_path: Path, context: SuiteContext
) -> None:
    folder = context.data_root / "standin" / "squad"  # type: ignore[operator]
    write(folder / "v1" / "train-0.parquet", ["s"])
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: v1\n  data_files:\n  - split: train\n    path: v1/train-*\n---\n"
    )
    asked = [DataSource("rajpurkar/squad", "plain_text", ("train",)), SOURCE]
    found = replace_sources(asked, ["rajpurkar/squad=standin/squad"])
    assert found[1] == SOURCE
    assert (found[0].name, found[0].stands_for) == ("standin/squad", "rajpurkar/squad")
    assert texts(found[0], "train", context) == ["s"]
    assert short_name(found[0], "squad") == "standin-squad"
    assert short_name(asked[0], "squad") == "squad"


def test_the_same_name_with_a_revision_only_pins_it() -> None:
    (pinned,) = replace_sources([SOURCE], ["nyu-mll/glue=nyu-mll/glue@v1.0"])
    assert (pinned.revision, pinned.stands_for, pinned.config) == ("v1.0", "", "rte")


def test_one_configuration_can_be_read_from_another_split_of_another_data_set() -> None:
    zh, de = (DataSource("facebook/mlqa", f"mlqa.{code}.{code}", ("test",)) for code in ("zh", "de"))
    found = replace_sources(
        [zh, de], ["facebook/mlqa=some/qa", "facebook/mlqa:mlqa.zh.zh=google/xquad:xquad.zh!validation@v2"]
    )
    assert found == [
        DataSource("google/xquad", "xquad.zh", ("validation",), "v2", stands_for="facebook/mlqa"),
        DataSource("some/qa", "mlqa.de.de", ("test",), stands_for="facebook/mlqa"),
    ]
    (other,) = replace_sources([zh], ["facebook/mlqa=facebook/mlqa:mlqa.zh.en"])
    assert other.stands_for == "facebook/mlqa"  # other rows than the name promises


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("squad=standin/squad", r"is not NAME\[:CONFIG\]=OTHER"),
        ("nyu-mll/glue:cola=c/d", "'nyu-mll/glue:cola' is not read here; the sources are .*nyu-mll/glue:rte"),
        ("a/b=c/d", "'a/b' is not read here; the sources are nyu-mll/glue"),
    ],
)
def test_a_bad_replacement_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        replace_sources([SOURCE], [text])


def test_reports_name_rows_and_problems_and_never_raise(context: SuiteContext) -> None:
    def examine(rows: Any) -> list[str]:
        if rows.split == "test":
            raise BadDataset("row 1 is bad")
        return ["nothing odd"]

    sources = [SOURCE, DataSource("facebook/xnli", "de", ("test",))]
    good, bad, missing = report_sources(sources, context, examine)
    assert (good.rows, good.notes, good.problem) == (2, ("nothing odd",), "")
    assert bad.problem == "row 1 is bad"
    assert "does not exist" in missing.problem
    assert pq.read_metadata(context.data_root / "nyu-mll/glue/rte/train-00000.parquet").num_rows == good.rows  # type: ignore[operator]


class FakeHub:
    """Repositories in a folder, and what was asked of them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.asked: list[Any] = []
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self.snapshot)
        monkeypatch.setattr(huggingface_hub, "list_repo_files", self.names)

    def names(self, name: str, *, revision: str | None, **_: Any) -> list[str]:
        home = self.root / name
        return [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]

    def snapshot(
        self,
        name: str,
        *,
        revision: str | None,
        allow_patterns: tuple[str, ...] | list[str] = (),
        local_dir: Path | None = None,
        **asked: Any,
    ) -> str:
        if asked.get("local_files_only"):
            raise huggingface_hub.errors.LocalEntryNotFoundError("not in the cache")
        if list(allow_patterns) != ["README.md"]:
            self.asked.append((name, revision, list(allow_patterns)))
        return self._copied(name, list(allow_patterns), revision, local_dir)

    def _copied(self, name: str, patterns: list[str], revision: str | None, local_dir: Path | None) -> str:
        home = self.root / name
        into = local_dir or self.root / "cache" / name
        for pattern in patterns:
            for path in home.glob(pattern):
                target = into / path.relative_to(home)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        if not into.exists():
            raise OSError(f"401 for {name}\nsee the documentation")
        return str(into)


def test_from_the_hub_only_the_wanted_splits_are_downloaded(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = FakeHub(root, monkeypatch)
    source = DataSource("nyu-mll/glue", "rte", ("test",), revision="v1")
    assert texts(source, "test", SuiteContext(cache_dir=tmp_path / "c")) == ["c", "d", "e"]
    assert hub.asked == [("nyu-mll/glue", "v1", ["README.md", "rte/test-0.parquet", "rte/test-1.parquet"])]


def test_a_repository_without_readable_files_is_read_from_the_hubs_conversion(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root / "old" / "script" / "plain" / "train" / "0000.parquet", ["converted"])
    (root / "old" / "script" / "README.md").write_text("---\nlicense: mit\n---\n")
    hub = FakeHub(root, monkeypatch)
    source = DataSource("old/script", "plain", ("train",))
    assert texts(source, "train", SuiteContext(cache_dir=tmp_path / "c")) == ["converted"]
    assert hub.asked == [("old/script", "refs/convert/parquet", ["README.md", "plain/train/*.parquet"])]


@pytest.mark.parametrize("split", ["train", "partial-train"])
def test_of_a_corpus_only_the_first_files_are_downloaded_and_read(
    split: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(root / "big" / "corpus" / "sw" / split / f"000{number}.parquet", [str(number)])
    (root / "big" / "corpus" / "README.md").write_text("---\nlicense: mit\n---\n")
    hub = FakeHub(root, monkeypatch)
    source = DataSource("big/corpus", "sw", ("train",), files=2)
    assert texts(source, "train", SuiteContext(cache_dir=tmp_path / "c")) == ["0", "1"]
    wanted = [f"sw/{split}/0000.parquet", f"sw/{split}/0001.parquet"]
    assert hub.asked == [("big/corpus", "refs/convert/parquet", ["README.md", *wanted])]
    assert texts(source, "train", SuiteContext(data_root=root, cache_dir=tmp_path / "c")) == ["0", "1"]


def test_fetching_fills_the_data_root_and_then_it_is_read_offline(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeHub(root, monkeypatch)
    context = SuiteContext(data_root=tmp_path / "mine", cache_dir=tmp_path / "c")
    (report,) = report_sources([DataSource("nyu-mll/glue", "rte", ("train",))], context, lambda _: (), fetch=True)
    assert (report.rows, report.problem) == (2, "")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert texts(DataSource("nyu-mll/glue", "rte", ("train",)), "train", context) == ["a", "b"]


def test_what_the_hub_refuses_is_told_in_one_line(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeHub(root, monkeypatch)
    with pytest.raises(MissingData, match=r"cannot be downloaded: 401 for no/where; run") as raised:
        read(DataSource("no/where", None, ("train",)), "train", SuiteContext(cache_dir=tmp_path / "c"))
    assert "\n" not in str(raised.value)


def cached_snapshot(root: Path, tmp_path: Path, commit: str) -> Path:
    """The data set of ``root`` as the Hub's cache holds it."""
    home = tmp_path / "hub" / "datasets--nyu-mll--glue"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots").mkdir()
    (root / "nyu-mll" / "glue").rename(home / "snapshots" / commit)
    return home / "snapshots" / commit


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """huggingface_hub as it is without network: its own snapshots of what is cached, else its client's errors."""
    cached = huggingface_hub.snapshot_download
    client = huggingface_hub.errors.HfHubHTTPError.__bases__[0]
    asked: list[str] = []

    def snapshot(name: str, *, local_files_only: bool = False, **options: Any) -> str:
        if local_files_only:
            return str(cached(name, local_files_only=True, **options))
        asked.append(name)
        raise type("ConnectError", (client,), {})("[Errno 111] Connection refused")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return asked


def test_without_network_what_is_cached_is_read_and_what_is_not_is_told_in_one_line(
    root: Path, tmp_path: Path, unreachable: list[str]
) -> None:
    cached_snapshot(root, tmp_path, "a" * 40)
    context = SuiteContext(cache_dir=tmp_path / "cache")
    assert texts(SOURCE, "train", context) == ["a", "b"]
    with pytest.raises(MissingData, match=r"cannot be downloaded: \[Errno 111\] Connection refused; run") as raised:
        read(DataSource("rajpurkar/squad", None, ("train",)), "train", context)
    assert "\n" not in str(raised.value)


def test_a_commit_that_is_cached_is_read_without_asking_the_hub(
    root: Path, tmp_path: Path, unreachable: list[str]
) -> None:
    cached_snapshot(root, tmp_path, "a" * 40)
    context = SuiteContext(cache_dir=tmp_path / "cache")
    pinned = DataSource("nyu-mll/glue", "rte", ("train", "test"), revision="a" * 40)
    assert texts(pinned, "train", context) == ["a", "b"]
    assert not unreachable
    with pytest.raises(MissingData, match="Connection refused"):
        read(DataSource("nyu-mll/glue", "rte", ("train",), revision="b" * 40), "train", context)
    assert unreachable


def test_half_a_split_in_the_cache_does_not_count(root: Path, tmp_path: Path, unreachable: list[str]) -> None:
    folder = cached_snapshot(root, tmp_path, "a" * 40)
    write(folder / "rte" / "train-00000-of-00002.parquet", ["first half"])
    (folder / "rte" / "train-00000.parquet").unlink()
    source = DataSource("nyu-mll/glue", "rte", ("train",))
    context = SuiteContext(cache_dir=tmp_path / "cache")
    with pytest.raises(MissingData, match="Connection refused"):
        read(source, "train", context)
    write(folder / "rte" / "train-00001-of-00002.parquet", ["second half"])
    assert texts(source, "train", context) == ["first half", "second half"]


DECLARED = """---
dataset_info:
- config_name: rte
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': "{first}"
          '1': "{second}"
configs:
- config_name: rte
  data_files:
  - split: train
    path: rte/train*
  - split: test
    path: rte/test-*
---
"""


def without_features(root: Path, form: str, labels: list[Any], first: str = "no") -> Path:
    """The data set with its class names in the README alone."""
    home = root / "nyu-mll" / "glue"
    (home / "rte" / "train-00000.parquet").unlink()
    table = pa.table({"text": ["a", "b"], "label": labels, "idx": [0, 1]})
    if form == "parquet":
        pq.write_table(table, home / "rte" / "train.parquet")
    else:
        lines = [json.dumps(row) for row in table.to_pylist()]
        (home / "rte" / "train.jsonl").write_text("\n".join(lines))
    (home / "README.md").write_text(DECLARED.format(first=first, second="yes"))
    return home / "README.md"


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("labels", [[1, 0], ["yes", "no"]])
def test_class_names_that_stand_in_the_readme_alone_are_applied(
    form: str, labels: list[Any], root: Path, context: SuiteContext
) -> None:
    without_features(root, form, labels)
    rows = read(SOURCE, "train", context)
    assert rows.label_names("label") == ["no", "yes"]
    assert rows.column("label") == [1, 0]
    assert rows.column("idx") == [0, 1]  # declared by nobody
    assert read(SOURCE, "test", context).label_names("label") == ["no", "yes"]


def test_declared_features_are_in_the_fingerprint_only_where_they_count(root: Path, context: SuiteContext) -> None:
    before = fingerprint(SOURCE, context), read(SOURCE, "train", context).fingerprint
    (root / "nyu-mll" / "glue" / "README.md").write_text(DECLARED.format(first="false", second="true"))
    assert (fingerprint(SOURCE, context), read(SOURCE, "train", context).fingerprint) == before
    assert read(SOURCE, "train", context).label_names("label") == ["no", "yes"]  # the file's own
    readme = without_features(root, "parquet", [1, 0])
    declared = fingerprint(SOURCE, context), read(SOURCE, "train", context).fingerprint
    readme.write_text(DECLARED.format(first="other", second="yes"))
    assert fingerprint(SOURCE, context) != declared[0]
    assert read(SOURCE, "train", context).fingerprint != declared[1]
    assert read(SOURCE, "train", context).label_names("label") == ["other", "yes"]


def test_declared_features_that_do_not_suit_are_refused_with_the_readmes_path(
    root: Path, context: SuiteContext
) -> None:
    readme = without_features(root, "parquet", ["yes", "perhaps"])
    with pytest.raises(BadDataset, match=r"README.md: dataset_info does not suit the files \(.*perhaps"):
        read(SOURCE, "train", context)
    readme.write_text(readme.read_text().replace('"no"', "no"))  # which YAML takes for false
    with pytest.raises(
        BadDataset, match=r"README.md: dataset_info: the class names of 'label' must be texts, found False"
    ):
        read(SOURCE, "train", context)
    readme.write_text(readme.read_text().replace("features:", "features: 3\n  other:", 1))
    with pytest.raises(BadDataset, match=r"README.md: dataset_info cannot be read"):
        read(SOURCE, "train", context)


def test_rows_are_read_across_files_and_row_groups(root: Path, context: SuiteContext) -> None:
    home = root / "nyu-mll" / "glue" / "rte"
    for name, first, size in (("test-0.parquet", 0, 10), ("test-1.parquet", 10, 7)):
        pq.write_table(pa.table({"text": [str(row) for row in range(first, first + size)]}), home / name, 3)
    rows = read(SOURCE, "test", context)
    everything = [str(row) for row in range(17)]
    assert rows.column("text") == everything
    for start in range(18):
        for count in (0, 1, 2, 5, 30):
            assert rows.values("text", start, count) == everything[start : start + count]


def test_parquet_that_needs_no_casting_leaves_nothing_in_the_cache(root: Path, context: SuiteContext) -> None:
    texts(SOURCE, "train", context)
    assert not context.cache_dir.exists()  # type: ignore[union-attr]


def test_files_of_unlike_schemas_are_cast_to_the_first(root: Path, context: SuiteContext) -> None:
    home = root / "nyu-mll" / "glue" / "rte"
    pq.write_table(pa.table({"text": pa.array(["c"], pa.large_string()), "label": [1]}), home / "test-1.parquet")
    write(home / "test-0.parquet", ["a"])
    rows = read(SOURCE, "test", context)
    assert rows.column("text") == ["a", "c"]
    assert rows.column("label") == [0, 1]
    pq.write_table(pa.table({"other": ["c"]}), home / "test-1.parquet")
    with pytest.raises(BadDataset, match=r"test-0.parquet, .*test-1.parquet: cannot be read \(.*Couldn't cast"):
        read(SOURCE, "test", context)


@pytest.mark.parametrize(
    "info",
    [
        {"features": {"text": {"_type": "List"}}},
        {"features": {"text": {"_type": "Value"}}},
        {"features": {"text": {"_type": "Nothing"}}},
        {"features": "text"},
        5,
    ],
)
def test_features_in_a_files_own_header_that_are_none_are_told_with_the_file(
    info: Any, root: Path, context: SuiteContext
) -> None:
    path = root / "nyu-mll" / "glue" / "rte" / "train-00000.parquet"
    table = pa.table({"text": ["a"], "label": [0]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": info})})
    pq.write_table(table, path)
    with pytest.raises(BadDataset, match=r"train-00000.parquet: cannot be read \(") as raised:
        read(SOURCE, "train", context)
    assert "\n" not in str(raised.value)


def test_a_column_that_cannot_be_read_is_told_with_its_file(root: Path, context: SuiteContext) -> None:
    path = root / "nyu-mll" / "glue" / "rte" / "train-00000.parquet"
    write(path, [f"text {row}" for row in range(1000)])
    content = bytearray(path.read_bytes())
    content[20:200] = b"\xff" * 180
    path.write_bytes(content)
    write(path.with_name("train-00001.parquet"), ["text"])
    with pytest.raises(BadDataset, match=r"train-00000.parquet: cannot be read \(") as raised:
        read(SOURCE, "train", context).texts("text")
    assert "00001" not in str(raised.value)
    assert "\n" not in str(raised.value)
