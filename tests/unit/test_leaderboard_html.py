from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mtlbench.cli.parsing import command_parser
from mtlbench.cli.running.asking import study_from
from mtlbench.interface.config import Config
from mtlbench.interface.suite_values import SuiteContext
from mtlbench.leaderboard import html_data, html_page
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.checks import Problem, sifted
from mtlbench.leaderboard.claims import Claim
from mtlbench.leaderboard.companions import Companions, overall_tables
from mtlbench.leaderboard.html_data import compact
from mtlbench.leaderboard.html_runs import clipped, plain_text
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.page import board_tables
from mtlbench.leaderboard.paper import PaperValue
from mtlbench.leaderboard.reading import entries_of
from mtlbench.plugins import load_registry
from mtlbench.study.grid import resolve
from mtlbench.testing.records import made_up_record

ASSETS = Path(html_page.__file__).parent / "page_assets"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "../../../../etc/passwd",
    "]]>\u2028\u2029{{program}}{{library}}",
    "abc\u202egnp.exe\u2066",
    "\x00\x08\x1b[31m\x7f\r\n",
    "=cmd|' /C calc'!A0",
    "\ud800 alone",
    pytest.param("x" * 10_000_000, marks=pytest.mark.slow),
]


class Page(HTMLParser):
    """Every element that starts, and the text of scripts and styles by id or place."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.started: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.started.append((tag, dict(attrs)))
        self.texts.append("")
        self.inside = True

    def handle_data(self, data):
        if self.texts and self.inside:
            self.texts[-1] += data

    def handle_endtag(self, tag):
        self.inside = False

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(a, text) for (name, a), text in zip(self.started, self.texts, strict=True) if name == tag]

    def data(self, name: str):
        (text,) = [text for attributes, text in self.of("script") if attributes.get("id") == name]
        return json.loads(text)


def page_of(*records, claims=(), registry=None, paper=None, ratios=None) -> str:
    entries, problems = entries_of(records)
    kept, refused = sifted(entries)
    reading = Reading(boards_of(kept), sorted(problems + refused))
    tables = [board_tables(board) for board in reading.boards]
    overall = overall_tables(Companions(claims, paper, ratios), reading.boards)
    return html_page.html_page(reading, tables, overall, claims, registry)


def overall(page, name: str):
    (told,) = [one for one in page.data("front")["overall"] if one["name"] == name]
    return told


@pytest.fixture(scope="module")
def records():
    return [made_up_record(variant, seed=seed) for variant in ("mtl", "stl", "pcgrad") for seed in range(3)]


def test_the_page_asks_the_network_for_nothing(records):
    page = Page(page_of(*records))
    for tag, attributes in page.started:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base", "form"), tag
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")], "a listener written into the markup"
        assert "style" not in attributes
    style = "".join(text for _, text in page.of("style"))
    assert "url(" not in style
    assert "@import" not in style
    ours = "".join(path.read_text() for path in ASSETS.glob("*.js") if not path.name.startswith("uPlot"))
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|WebSocket|import\(|eval|Function\(|innerHTML|insertAdjacentHTML)\b", ours
    )


def test_its_policy_names_the_digest_of_each_script_and_style_and_forbids_the_rest(records):
    page = Page(page_of(*records))
    ((policy, _),) = [one for one in page.of("meta") if one[0].get("http-equiv") == "Content-Security-Policy"]
    told = dict(part.strip().split(" ", 1) for part in policy["content"].split(";"))
    assert told["default-src"] == told["base-uri"] == told["form-action"] == "'none'"
    programs = [text for attributes, text in page.of("script") if attributes.get("type") != "application/json"]
    assert told["script-src"].split() == [digest(text) for text in programs]
    assert told["style-src"].split() == [digest(text) for _, text in page.of("style")]


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_text(text, records):
    name = text.replace("\ud800", "")[:100]  # which nothing can be hashed with; very long names are refused
    record = made_up_record(scores={"a": 1.0, name: 2.0}, unseen={name: 3.0}, suite="wicked", options={"o": name})
    record["outcome"]["tasks"][0]["label"] = text[:100]
    record["outcome"]["probes"][text] = {text: 1.0}
    record["measured"]["machine"]["cpu"] = text[:100]
    record["measured"]["versions"] = {text: text}
    record["measured"]["extras"] = {text: [{text: text}]}
    record["provenance"]["method"]["distribution"] = text
    entries, problems = entries_of([record, *records])
    kept, refused = sifted(entries)
    reading = Reading(boards_of(kept), [*problems, *refused, Problem(text, text)])
    assert [board.suite for board in reading.boards] == ["digits", "wicked"]
    tables = [list(board_tables(board)) for board in reading.boards]
    claim = Claim(text, "mtl", "stl", "average", "better", controls=(text,))
    found = html_page.html_page(reading, tables, overall_tables(Companions([claim]), reading.boards), [claim])
    found.encode("utf-8")
    assert len(found) < 600_000
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\u2066]", found.partition("uPlot=function")[0])
    page, plain = Page(found), Page(page_of(*records))
    assert len(page.of("script")) == len(plain.of("script")) + 3
    blocks = [(a["id"], text) for a, text in page.of("script") if a.get("type") == "application/json"]
    assert [name for name, _ in blocks] == [
        "front", "shared", *(f"{kind}-{place}" for place in (0, 1) for kind in ("board", "runs", "paths"))
    ]  # fmt: skip
    for _, block in blocks:
        assert "<" not in block
        json.loads(block)


def test_the_same_records_in_any_order_give_the_same_bytes(records):
    assert page_of(*reversed(records)) == page_of(*records)


def test_a_board_holds_the_tables_of_the_written_ones(records):
    entries, _ = entries_of(records)
    (board,) = boards_of(entries)
    told = Page(page_of(*records)).data("board-0")
    for table, (name, written) in zip(told["tables"], board_tables(board), strict=True):
        assert table["name"] == name
        assert table["columns"] == list(written.columns)
        shown = [[told["rows"][row[0]]["name"], *row[1:]] for row in table["rows"]]
        assert shown == [list(row) for row in written.rows]
        assert len(table["behind"]) == len(table["columns"])


def test_a_number_leads_to_the_records_behind_it(records):
    page = Page(page_of(*records))
    board, runs = page.data("board-0"), page.data("runs-0")
    names = [row["name"] for row in board["rows"]]
    behind = {table["name"]: dict(zip(table["columns"], table["behind"], strict=True)) for table in board["tables"]}
    assert behind["scores"]["Average"] == {"of": "average"}
    assert behind["scores"]["b"] == {"of": "task:1"}
    assert behind["comparison"]["To stl"] == {"of": "average", "to": names.index("stl")}
    assert behind["transfer"]["a"] == {"of": "task:0", "to": names.index("stl")}
    assert behind["cost"]["Memory"] == {"of": "peak_bytes", "to": names.index("mtl"), "together": True}
    assert behind["analysis"]["L2"] == {"of": "l2"}
    assert behind["intervals"]["b"] == {"of": "task:1"}
    assert behind["standing"]["Holm flip p (stl)"] == {"of": "average", "to": names.index("stl")}
    assert behind["standing"]["Rank"] == {"of": "average", "together": True}
    assert behind["efficiency"]["At mtl's memory"] == {"of": "peak_bytes", "to": names.index("mtl"), "together": True}
    assert behind["efficiency"]["At half budget"] == {"of": "average", "together": True}
    assert behind["tape"]["Cosine, 50%"]["together"]
    by_key = {run[2]: run for run in runs}
    assert by_key.keys() == {record["key"] for record in records}
    for record in records:
        row, seed, _, status, average, *_ = by_key[record["key"]]
        assert (names[row], seed, status) == (record["variant"], record["cell"]["seed"], "done")
        assert average == record["outcome"]["average"]


def test_the_columns_of_tasks_that_were_never_trained_lead_to_their_own_scores():
    records = [
        made_up_record(variant, seed=seed, unseen={"u": 40.0 + seed, "v": 60.0})
        for variant in ("mtl", "stl")
        for seed in range(2)
    ]
    for record in records:
        record["outcome"]["scores"]["b"]["test"]["extra"] = {"recall": 0.5}
    board = Page(page_of(*records)).data("board-0")
    behind = {table["name"]: dict(zip(table["columns"], table["behind"], strict=True)) for table in board["tables"]}
    for name in ("intervals", "zero-shot"):
        assert behind[name]["u"] == {"of": "unseen:u"}
        assert behind[name]["v"] == {"of": "unseen:v"}
    assert behind["intervals"]["Zero-shot"] == behind["zero-shot"]["Average"] == {"of": "zero-shot"}
    assert behind["further-metrics"]["Average"] == {"of": "extras"}
    assert behind["further-metrics"]["b"] == {"of": "extra:1"}


def test_effects_and_controls_lead_to_the_two_rows_of_their_claim(records):
    controls = ("stl", "not-there")
    claims = [
        Claim("PCGrad is better", "pcgrad", "mtl", "average", "better", controls=controls),
        Claim("PCGrad is better on b", "pcgrad", "mtl", "average", "better", tasks=("b",)),
    ]
    page = Page(page_of(*records, claims=claims))
    names = [row["name"] for row in page.data("board-0")["rows"]]
    told = overall(page, "claims")
    first, second = told["behind"]
    opens = {"board": 0, "row": names.index("pcgrad"), "of": "average", "to": names.index("mtl")}
    assert first["opens"] == opens
    assert [part[1] for part in first["parts"]] == [{**opens, "to": names.index("stl")}, None]
    assert "; ".join(part[0] for part in first["parts"]) == told["rows"][0][told["columns"].index(told["parts"])]
    assert second == {"opens": {**opens, "of": "tasks:1"}, "parts": []}
    assert set(told["opens"]) < set(told["columns"])
    assert [row["name"] for row in page.data("board-0")["rows"] if row["control"]] == ["stl"]


def test_an_effect_over_all_leads_to_the_method_that_comes_closest(records):
    page = Page(page_of(*records, claims=[Claim("PCGrad is best", "pcgrad", "all", "average", "better")]))
    names = [row["name"] for row in page.data("board-0")["rows"]]
    told = overall(page, "claims")
    effect = told["rows"][0][told["columns"].index("Effect")]
    closest = next(name for name in names if f"(to {name}, least of " in effect)
    assert told["behind"][0]["opens"]["to"] == names.index(closest)


def test_the_papers_value_leads_to_the_runs_beside_it(records):
    value = PaperValue("digits", "pcgrad", 91.5, "Somebody 2020, Table 1", task="b")
    page = Page(page_of(*records, paper=[value]))
    names = [row["name"] for row in page.data("board-0")["rows"]]
    told = overall(page, "beside")
    assert told["behind"] == [{"opens": {"board": 0, "row": names.index("pcgrad"), "of": "task:1"}}]
    assert {"Paper", "Ours", "n", "Difference"} <= set(told["opens"]) <= set(told["columns"])


def test_curves_are_means_over_seeds_between_the_lowest_and_the_highest():
    runs = [made_up_record(scores={"a": 40.0 + 10 * seed, "b": 40.0 + 10 * seed}, seed=seed) for seed in range(3)]
    (row,) = Page(page_of(*runs)).data("board-0")["rows"]
    curve = row["curve"]
    assert curve["gradients"] == [0, 400, 800, 1200, 1600]
    assert curve["seconds"] == [0, 2.5, 5, 7.5, 10]
    assert [column[-1] for column in curve["series"]["average"]] == [50, 40, 60]
    assert curve["series"].keys() == {"average", "loss", "cosine", "l2", "seen", "unseen", "task:0", "task:1"}


def test_the_command_of_a_row_asks_for_the_cells_that_were_trained():
    registry = load_registry(Config())
    for method in ("stl", "mtl[rows=1]", "recadam", "swep"):
        cell = cell_of_command(
            ["run", "synthetic[start=north]", "-m", method, "--seeds", "3,", "--set", "lr=0.02"], registry
        )
        record = made_up_record(
            method,
            seed=3,
            budget=9000,
            suite=cell.suite,
            settings=cell.settings,
            options=cell.options,
            protocol=cell.protocol,
            fingerprint=cell.fingerprint,
        )
        (row,) = Page(page_of(record)).data("board-0")["rows"]
        again = cell_of_command([*shlex.split(row["command"])[1:], "--seeds", "3,"], registry)
        assert again.key == cell.key


def cell_of_command(words, registry):
    _, parser = command_parser(words[0])
    study = study_from(parser.parse_args(words[1:]), registry)
    (cell,) = resolve(study, registry, SuiteContext()).cells
    return cell


def test_the_plane_has_its_surface_where_the_suite_is_installed():
    record = made_up_record(suite="synthetic", options={"start": "east"}, budget=9000)
    record["outcome"]["trace"] = {"all": [[0, 20.0, 5.0], [9000, 0.0, 0.0]]}
    page = Page(page_of(record, registry=load_registry(Config())))
    surface = page.data("board-0")["surface"]
    assert surface["tasks"].keys() == {"x1", "x2", "x3"}
    assert all(len(grid) == surface["side"] ** 2 for grid in surface["tasks"].values())
    assert min(surface["tasks"]["x2"]) == pytest.approx(-200, abs=20)
    assert page.data("paths-0") == [[0, 0, "all", [0, 20, 5, 9000, 0, 0]]]
    assert Page(page_of(record)).data("board-0")["surface"] is None


def test_what_has_no_room_is_left_out_and_the_page_says_so(records, monkeypatch):
    whole = Page(page_of(*records))
    assert whole.data("front")["cut"] == []
    assert all(len(run) == 11 for run in whole.data("runs-0"))
    size = sum(len(json.dumps(run[:10])) for run in whole.data("runs-0"))
    monkeypatch.setattr(html_page, "_ROOM", size)
    page = Page(page_of(*records))
    assert [line.split(";")[0] for line in page.data("front")["cut"]] == ["Curves of single runs"]
    assert [len(run) for run in page.data("runs-0")] == [10] * 9
    monkeypatch.setattr(html_page, "_ROOM", size // 3)
    page = Page(page_of(*records))
    left = len(page.data("runs-0"))
    assert 0 < left < 9
    assert page.data("front")["cut"][-1].startswith(f"Details of {9 - left} runs")


def test_of_paths_that_have_no_room_those_of_the_first_seeds_stay(monkeypatch):
    records = [made_up_record(variant, seed=seed) for variant in ("mtl", "stl") for seed in range(4)]
    for record in records:
        record["outcome"]["trace"] = {"all": [[0, 20.0, 5.5], [1600, 1e-7, -0.0]]}
    whole = Page(page_of(*records)).data("paths-0")
    assert [path[:3] for path in whole] == [[row, seed, "all"] for row in (0, 1) for seed in range(4)]
    assert {tuple(path[3]) for path in whole} == {(0, 20, 5.5, 1600, 1e-7, 0)}
    monkeypatch.setattr(html_data, "numbers", lambda path: f"[{','.join('1' * len(path) * 8_000)}]")
    for room, kept, told in ((500_000, [0, 1], ", but for the first seeds of each row."), (100_000, [], ".")):
        monkeypatch.setattr(html_page, "_ROOM", room)
        page = Page(page_of(*records))
        assert [path[:2] for path in page.data("paths-0")] == [[row, seed] for row in (0, 1) for seed in kept]
        assert page.data("front")["cut"][1:] == [f"Paths through the plane{told}"]
        assert all(len(run) == 10 for run in page.data("runs-0"))
    for record in records:
        record["outcome"]["trace"] = {}
    monkeypatch.setattr(html_page, "_ROOM", 10)
    cut = Page(page_of(*records)).data("front")["cut"]
    assert [line.split()[0] for line in cut] == ["Curves", "Details"]


def test_runs_go_before_paths_in_the_room_that_there_is(monkeypatch):
    records = [made_up_record(seed=seed) for seed in range(4)]
    for record in records:
        record["outcome"]["trace"] = {"all": [[place, 1.5, 2.5] for place in range(150)]}
    whole = Page(page_of(*records))
    runs, paths = (sum(len(compact(one)) for one in whole.data(name)) for name in ("runs-0", "paths-0"))
    monkeypatch.setattr(html_page, "_ROOM", paths + 10)
    page = Page(page_of(*records))
    assert 0 < len(page.data("paths-0")) < 4
    assert len(page.data("runs-0")) == 4
    assert runs > 10


def test_the_library_is_the_one_that_its_label_names():
    told = json.loads((ASSETS / "vendored.json").read_text())
    for name, wanted in told["files"].items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == wanted
    assert f"(v{told['version']})" in (ASSETS / "uPlot.iife.min.js").read_text().splitlines()[0]
    notice = (Path(__file__).parents[2] / "NOTICE").read_text()
    assert "uPlot" in notice
    assert "Leon Sorokin" in notice


def test_long_and_deep_values_are_cut_short():
    assert plain_text("y" * 1000) == "y" * 200 + "… (1000 characters)"
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"in": deep}
    assert len(json.dumps(clipped(deep))) < 100
    assert clipped(2**60) == str(2**60)
    assert clipped(0.1234567891, digits=3) == 0.123
    assert clipped(True) is True
