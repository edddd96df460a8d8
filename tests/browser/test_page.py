"""The page in a headless Chromium; skipped where there is none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mtlbench.interface.config import Config
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.checks import Problem, sifted
from mtlbench.leaderboard.claims import Claim
from mtlbench.leaderboard.companions import Companions, overall_tables
from mtlbench.leaderboard.html_page import html_page
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.page import board_tables
from mtlbench.leaderboard.paper import PaperValue
from mtlbench.leaderboard.ratios import Ratio, Ratios
from mtlbench.leaderboard.reading import entries_of
from mtlbench.plugins import load_registry
from mtlbench.testing.records import made_up_record

pytestmark = pytest.mark.slow

SCRIPT = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
CLAIM = Claim("PCGrad scores better than MTL", "pcgrad", "mtl", "average", "better", controls=("lookahead",))
VALUE = PaperValue("digits", "pcgrad", 91.5, "Somebody 2020, Table 1", task="b")
RATIOS = Ratios(
    "cpu, a make (0123abcd)",
    f"torch 2 {SCRIPT}",
    (
        Ratio("slow / fast", 12.5, 11.0, 13.0, 3, 2.0, at_least=False),
        Ratio(f"two / one {SCRIPT}", 2.125, 2.0, 2.25, 3, 2.0, at_least=True),
    ),
)
FIRST = ".board:first-child .part:first-child"


def records():
    means = {"stl": 82.0, "pcgrad": 78.0, "mtl": 79.0, "lookahead": 9.5}
    for seed in range(3):
        for variant, mean in means.items():
            scores = {"a": mean + seed, "b": mean - seed}
            record = made_up_record(variant, scores, seed=seed, noise=len(variant), unseen={"u": mean})
            record["outcome"]["scores"]["b"]["test"]["extra"] = {"recall": 0.625}
            yield record
        for variant in ("mtl", "stl"):
            record = made_up_record(variant, {"x1": -100.0}, seed=seed, suite="synthetic", options={"start": "east"})
            record["outcome"]["trace"] = {"all": [[0, 20.0, 5.0], [800, 8.0 + seed, 0.0], [1600, 0.0, 0.0]]}
            yield record
    hostile = made_up_record(scores={"a": 1.0}, suite="wicked", options={"o": SCRIPT})
    hostile["outcome"]["tasks"][0]["label"] = f"{SCRIPT}\u202e\x07"
    hostile["measured"]["machine"]["cpu"] = SCRIPT
    yield hostile


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("page") / "index.html", records(), [Problem("lost.json", SCRIPT)])


def written(path, records, more_problems=()) -> Path:
    entries, problems = entries_of(records)
    kept, refused = sifted(entries)
    reading = Reading(boards_of(kept), [*problems, *refused, *more_problems])
    tables = [list(board_tables(board)) for board in reading.boards]
    overall = overall_tables(Companions([CLAIM], [VALUE], RATIOS), reading.boards)
    path.write_text(html_page(reading, tables, overall, [CLAIM], load_registry(Config())), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    """The page, fresh, on a desktop in the light; what it logs as an error fails the test."""
    browser.resize(1280, 900)
    browser.prefer(prefers_color_scheme="light", prefers_reduced_motion="no-preference")
    browser.open(page)
    yield browser
    assert browser.errors() == []


def column(browser, number: int) -> list[str]:
    return browser.texts(f"{FIRST} tbody tr > :nth-child({number})")


def test_pressing_a_head_sorts_by_numbers_and_says_so(opened):
    assert [name.split()[0] for name in column(opened, 1)] == ["stl", "mtl", "pcgrad", "lookahead"]
    opened.click(f"{FIRST} thead th:nth-child(4) button")
    assert opened.run(f"return document.querySelector('{FIRST} thead th:nth-child(4)').ariaSort") == "descending"
    assert column(opened, 4) == ["82.00 ± 0.00", "79.00 ± 0.00", "78.00 ± 0.00", "9.50 ± 0.00"]
    opened.click(f"{FIRST} thead th:nth-child(4) button")
    assert opened.run(f"return document.querySelector('{FIRST} thead th:nth-child(4)').ariaSort") == "ascending"
    assert [cell.split()[0] for cell in column(opened, 4)] == ["9.50", "78.00", "79.00", "82.00"]
    opened.click(f"{FIRST} thead th:nth-child(1) button")
    assert [name.split()[0] for name in column(opened, 1)] == ["lookahead", "mtl", "pcgrad", "stl"]


def test_what_is_below_a_number_comes_before_it_and_no_value_last(browser, tmp_path):
    off = {"mtl": (0.0, 0.0, 0.0), "far": (-20.0, -20.01, -20.02), "near": (1.0, -1.1, 0.3), "off": (-3.0, -2.0, -4.0)}
    page = written(
        tmp_path / "index.html",
        [
            made_up_record(name, {"a": 80.0 + 5 * seed + differences[seed]}, seed=seed)
            for name, differences in off.items()
            for seed in range(3)
        ],
    )
    browser.open(page)
    part = table_named("Comparison")
    browser.run(f"{part}.open = true")
    browser.wait(f"return {part}.querySelector('thead button')")
    head = f"[...{part}.querySelectorAll('thead th')].find((head) => head.innerText === 'p')"
    cells = f"[...{part}.querySelectorAll('tbody tr')].map((row) => row.children[{head}.cellIndex].innerText)"
    falling = browser.run(f"{head}.querySelector('button').click(); return {cells}")
    rising = browser.run(f"{head}.querySelector('button').click(); return {cells}")
    assert (rising[0], rising[-1]) == ("< 0.001", "\N{EN DASH}")
    assert rising[1:-1] == sorted(rising[1:-1])
    assert falling == [*reversed(rising[:-1]), rising[-1]]
    assert browser.errors() == []


def test_filters_hide_rows_boards_and_controls_and_tell_how_many_are_left(opened):
    status = "#filters [role=status]"
    assert opened.texts(status) == ["7 rows on 3 of 3 boards"]
    opened.type("#filters input[type=search]", "pcg")
    assert opened.texts(status) == ["1 rows on 1 of 3 boards"]
    assert column(opened, 1) == ["pcgrad"]
    opened.run(
        "const box = document.querySelector('#filters input'); box.value = ''; box.dispatchEvent(new Event('input'))"
    )
    opened.click("#filters input[type=checkbox]")
    assert [name.split()[0] for name in column(opened, 1)] == ["stl", "mtl", "pcgrad"]
    choose(opened, "#filters label:nth-of-type(2) select", "mtl")
    assert opened.texts(status) == ["3 rows on 3 of 3 boards"]
    choose(opened, "#filters label:nth-of-type(1) select", "synthetic")
    assert opened.texts(status) == ["1 rows on 1 of 3 boards"]
    assert len(opened.texts(".board")) == 1
    assert "synthetic" in opened.texts(".board h2")[0]


def test_filters_hold_for_the_tables_of_all_boards(opened):
    claims = "#claims + .table tbody tr"
    assert len(opened.texts(claims)) == 1
    opened.type("#filters input[type=search]", "stl")
    assert opened.texts(claims) == []
    assert len(opened.texts("#ratios + .table tbody tr")) == 0
    opened.run(
        "const box = document.querySelector('#filters input'); box.value = 'pcg'; box.dispatchEvent(new Event('input'))"
    )
    assert len(opened.texts(claims)) == 1


def table_named(name):
    parts = "[...document.querySelectorAll('.board:first-child .part')]"
    return f"{parts}.find((part) => part.innerText.startsWith('{name}'))"


def test_a_further_metric_opens_its_own_values(opened):
    part = table_named("Further-metrics")
    opened.run(f"{part}.open = true")
    opened.wait(f"return {part}.querySelector('tbody button')")
    opened.run(f"{part}.querySelector('tbody tr td:nth-child(7) button').click()")
    assert opened.texts("dialog > .table:nth-child(2) thead th")[2].startswith("recall, b (test)")
    assert opened.texts("dialog > .table:nth-child(2) tbody td:nth-child(3)") == ["0.625"] * 3
    assert "no mean of the numbers below" not in opened.run("return document.querySelector('dialog').innerText")
    opened.click("dialog .close")


def test_the_average_of_a_further_metric_is_over_the_tasks_that_have_it(opened):
    part = table_named("Further-metrics")
    opened.run(f"{part}.open = true")
    opened.wait(f"return {part}.querySelector('tbody button')")
    opened.run(f"{part}.querySelector('tbody tr td:nth-child(4) button').click()")
    values = "dialog > .table:nth-child(2)"
    assert opened.texts(f"{values} thead th")[2].startswith("recall, mean")
    assert opened.texts(f"{values} tbody td:nth-child(3)") == ["0.625"] * 3
    opened.click("dialog .close")


def test_a_number_that_is_no_mean_of_its_runs_says_so(opened):
    part = table_named("Standing")
    opened.run(f"{part}.open = true")
    opened.wait(f"return {part}.querySelector('tbody button')")
    opened.run(f"{part}.querySelector('tbody tr td:nth-child(8) button').click()")
    told = opened.run("return document.querySelector('dialog').innerText")
    assert "Rank: " in told
    assert "This is no mean of the numbers below" in told
    opened.click("dialog .close")


def choose(browser, css, value):
    browser.run(
        "const box = document.querySelector(arguments[0]); box.value = arguments[1];"
        "box.dispatchEvent(new Event('change'))",
        css,
        value,
    )


def test_a_number_opens_the_records_behind_it_and_closing_gives_the_focus_back(opened):
    opened.click(f"{FIRST} tbody tr:nth-child(2) td:nth-child(6) button")
    shown = opened.run("return document.querySelector('dialog').innerText")
    assert opened.run("return document.querySelector('dialog').open")
    for text in ("80.00 ± 1.00", "row mtl", "batch_size"):
        assert text in shown
    assert opened.texts("dialog > .table:nth-child(2) tbody th") == ["0", "1", "2"]
    opened.click("dialog details.run summary")
    found = opened.wait("const code = document.querySelector('dialog .command code'); return code && code.textContent")
    assert found.startswith("mtlbench run digits -m mtl --set ")
    assert " --set batch_size=16 " in found
    assert found.endswith("--seeds 0,")
    key = next(one for one in records() if one["variant"] == "mtl")["key"]
    inside = opened.run("return document.querySelector('dialog').innerText")
    assert key in inside
    assert "recall, b\n0.625" in inside
    assert "recall, a" not in inside
    opened.type("dialog h2", "\ue00c")  # Escape
    assert not opened.run("return document.querySelector('dialog').open")
    assert opened.run("return document.activeElement.textContent") == "80.00 ± 1.00"


def test_a_difference_shows_both_runs_of_each_pair(opened):
    opened.click(".board:first-child .part:nth-child(5) tbody tr:nth-child(1) td:nth-child(5) button")
    heads = opened.texts("dialog > .table:nth-child(2) thead th")
    assert [head.rstrip(" ↕") for head in heads[3:5]] == ["mtl, same seed", "Difference"]
    assert opened.texts("dialog > .table:nth-child(2) tbody td:nth-child(5)") == ["3", "3", "3"]
    opened.click("dialog .close")


def test_every_number_of_a_claim_opens_its_runs(opened):
    opened.click("#claims + .table td:nth-child(5) button")
    assert CLAIM.text in opened.run("return document.querySelector('dialog').innerText")
    assert opened.texts("dialog > .table:nth-child(2) tbody td:nth-child(5)") == ["-1", "-1", "-1"]
    opened.click("dialog .close")
    opened.click("#claims + .table td:nth-child(7) button")
    told = opened.run("return document.querySelector('dialog').innerText")
    assert "Against controls: lookahead: undecided (+68.50)" in told
    assert "lookahead, same seed" in told
    assert opened.texts("dialog > .table:nth-child(2) tbody td:nth-child(5)") == ["68.5", "68.5", "68.5"]


def test_the_papers_value_opens_our_runs_and_says_where_it_stands(opened):
    assert opened.texts("#beside + .table td:nth-child(6)") == ["91.50"]
    opened.click("#beside + .table td:nth-child(6) button")
    told = opened.run("return document.querySelector('dialog').innerText")
    assert "Paper: 91.50" in told
    assert "Source: Somebody 2020, Table 1" in told
    assert opened.texts("dialog > .table:nth-child(2) tbody td:nth-child(3)") == ["78", "77", "76"]


def test_ratios_of_the_engine_stand_with_their_machine_and_sort_by_number(opened):
    assert opened.texts("#ratios + .table td:nth-child(2)") == ["12.500", "2.125"]
    assert opened.texts("#ratios + .table td:nth-child(5)") == ["no", "yes"]
    assert "On one machine: cpu, a make (0123abcd)" in opened.run("return document.querySelector('#rest').innerText")
    opened.click("#ratios + .table th:nth-child(2) button")
    opened.click("#ratios + .table th:nth-child(2) button")
    assert opened.texts("#ratios + .table td:nth-child(2)") == ["2.125", "12.500"]


def test_no_number_that_comes_from_records_is_a_dead_end(opened):
    opened.run("for (const part of document.querySelectorAll('details')) part.open = true")
    dead = """
      return [...document.querySelectorAll('.board .part > div > .table td, #claims + .table td, #beside + .table td')]
        .filter((cell) => /^[-+<]?\\s*\\d/.test(cell.textContent) && !cell.querySelector('button'))
        .map((cell) => cell.textContent)"""
    assert opened.run(dead) == []


def test_arrow_keys_go_from_number_to_number(opened):
    opened.run(f"document.querySelector('{FIRST} tbody th button').focus()")
    opened.type(f"{FIRST} tbody th button", "\ue014\ue015")  # right, down
    assert opened.run("return document.activeElement.closest('td').cellIndex") == 1
    assert opened.run("return document.activeElement.closest('tr').sectionRowIndex") == 1


def test_the_button_turns_light_to_dark_and_the_page_remembers(opened):
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = opened.run(paper)
    opened.click("#theme")
    assert opened.run("return document.getElementById('theme').ariaPressed") == "true"
    dark = opened.run(paper)
    assert dark != light
    opened.run("location.reload()")
    opened.wait("return document.getElementById('theme')?.ariaPressed === 'true'")
    assert opened.run(paper) == dark
    opened.click("#theme")
    assert opened.run(paper) == light


def test_the_system_may_ask_for_dark(opened):
    paper = "return getComputedStyle(document.body).backgroundColor"
    opened.run("localStorage.clear(); delete document.documentElement.dataset.theme")
    light = opened.run(paper)
    opened.prefer(prefers_color_scheme="dark")
    assert opened.run(paper) != light


def test_curves_follow_their_axes_and_their_legend(opened):
    first = ".board:first-child .curves"
    assert opened.run(f"return document.querySelector('{first} canvas').width") > 600
    label = f"return document.querySelector('{first} .uplot').ariaLabel"
    assert "Dev average against gradients, 4 lines" in opened.run(label)
    choose(opened, f"{first} label:nth-of-type(1) select", "seen")
    choose(opened, f"{first} label:nth-of-type(2) select", "seconds")
    assert "Masked-LM loss, seen languages against seconds, 4 lines" in opened.run(label)
    opened.click(f"{first} .legend button:nth-child(2)")
    assert "3 lines" in opened.run(label)
    opened.click(f"{first} input[type=checkbox]")
    assert "9 lines" in opened.run(label)
    opened.click(f"{first} > details summary")
    rows = f"return document.querySelectorAll('{first} > details tbody tr').length"
    assert opened.wait(rows) == 3 * 3 * 5


def test_paths_play_stop_and_follow_the_slider(opened):
    opened.click("#boards li:nth-child(2) a")
    opened.wait("return document.querySelector('canvas.plane')?.width > 100")
    told = "return document.querySelector('.player output').textContent"
    opened.wait(f"{told} === '1600 of 1600 gradients'")
    opened.click(".player button")
    assert opened.texts(".player button") == ["Pause"]
    opened.wait(
        "const told = parseInt(document.querySelector('.player output').textContent); return told > 50 && told < 1500"
    )
    opened.click(".player button")
    opened.wait("return document.querySelector('.player button').textContent === 'Play'")
    stopped = opened.run(told)
    time.sleep(0.3)
    assert opened.run(told) == stopped
    opened.run("const s = document.querySelector('.player input'); s.value = 200; s.dispatchEvent(new Event('input'))")
    assert opened.run(told) == "800 of 1600 gradients"
    opened.click(".curves:has(canvas.plane) details summary")
    opened.wait("return document.querySelector('.curves:has(canvas.plane) details tbody td')")
    assert opened.texts(".curves:has(canvas.plane) details tbody td:nth-child(4)") == ["8", "8"]
    painted = """
      const c = document.querySelector('canvas.plane');
      return new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"""
    assert opened.run(painted) > 50


def test_where_motion_is_unwelcome_paths_play_in_a_few_jumps(opened):
    opened.prefer(prefers_reduced_motion="reduce")
    opened.click("#boards li:nth-child(2) a")
    opened.wait("return document.querySelector('canvas.plane')?.width > 100")
    opened.click(".player button")
    opened.wait("return document.querySelector('.player output').textContent === '160 of 1600 gradients'")
    opened.click(".player button")


def test_hostile_texts_are_shown_and_not_run(opened):
    opened.click("#boards li:nth-child(3) a")
    opened.click(".board:nth-child(3) .part:first-child tbody td:nth-child(5) button")
    opened.click("dialog details.run summary")
    shown = opened.run("return document.querySelector('dialog').innerText")
    assert SCRIPT in shown
    assert "\\u202e\\x07" in shown
    assert opened.run("return [document.title, document.images.length]") == ["mtlbench leaderboard", 0]
    assert SCRIPT in opened.run("return document.getElementById('rest').innerText")


def test_nothing_that_needs_the_network_is_allowed(browser, page):
    browser.resize(1280, 900)
    browser.open(page)
    refused = "return fetch('https://example.org/').then(() => 'loaded', (error) => error.name)"
    assert browser.run(refused) == "TypeError"
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)"
    )
    assert browser.run("return document.title") == "mtlbench leaderboard"
    assert any("Content Security Policy" in line for line in browser.errors())


def test_long_names_of_rows_are_shown_whole_on_a_phone(browser, tmp_path):
    settings = {f"a_setting_with_a_name_{number}": number for number in range(6)}
    long = f"mtl[{','.join(f'{name}={value}' for name, value in settings.items())}]"
    records = [made_up_record(name, seed=seed) for name in ("mtl", long) for seed in range(2)]
    browser.resize(375, 812, mobile=True)
    browser.open(written(tmp_path / "index.html", records))
    browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
    browser.wait("return document.querySelectorAll('canvas').length > 0")
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    assert long in browser.texts(".legend button")
    cut = "[...document.querySelectorAll('.legend button')].filter((one) => one.scrollWidth > one.clientWidth).length"
    assert browser.run(f"return {cut}") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen_and_every_control_has_a_name(opened, width, scheme):
    opened.resize(width, 812, mobile=width < 500)
    opened.prefer(prefers_color_scheme=scheme)
    opened.run("for (const part of document.querySelectorAll('details')) part.open = true")
    opened.wait("return document.querySelectorAll('canvas').length > 3")
    assert opened.run("return document.documentElement.scrollWidth") <= width
    nameless = """
      return [...document.querySelectorAll('button, input, select, summary, a')].filter((node) =>
        !(node.innerText ?? '').trim() && !node.ariaLabel && !(node.labels?.[0]?.innerText ?? '').trim() && !node.hidden
      ).map((node) => node.outerHTML)"""
    assert opened.run(nameless) == []
    assert (
        opened.run("return document.querySelectorAll('thead th:not([scope=col]), tbody th:not([scope=row])').length")
        == 0
    )
    assert opened.run(f"return {CONTRAST}") == []


CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parts(colour).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0.5) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const weak = [];
  for (const node of document.querySelectorAll('p, li, td, th, button, summary, a, label, option, h1, h2, h3')) {
    if (!node.checkVisibility() || !node.innerText.trim() || getComputedStyle(node).opacity < 1) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.push(node.tagName + ': ' + node.innerText.slice(0, 30));
  }
  return [...new Set(weak)];
})()"""
