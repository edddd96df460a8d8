from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from mtlbench.interface.errors import BadPlugin, UnknownName
from mtlbench.interface.hookspecs import hookimpl
from mtlbench.interface.run import Table
from mtlbench.leaderboard.escaping import for_csv, for_html, for_latex, for_markdown, visible
from mtlbench.leaderboard.formats import STYLES, format_table, formatter
from mtlbench.plugins import build_registry, of_object

HOSTILE = [
    "a|b",
    "a\nb\r\nc",
    "\x1b[31mred\x1b[0m",
    "abc\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "line\u2028separator",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "`code` *bold* _it_ ~gone~ $x$ @who #1",
    "\\input{/etc/passwd} & % # _ ^ ~ {}",
    '=HYPERLINK("http://example.org")',
    "@SUM(A1)",
    "+1+cmd",
    "lone \ud800 surrogate",
    "日本語",
    "",
]


def table_with(cell: str) -> Table:
    return Table(title=cell, columns=["Method", cell], rows=[[cell, "1.00 ± 0.10"], ["plain", "–"]], notes=[cell])


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", STYLES)
def test_no_hostile_text_gets_out_of_its_cell(style, text):
    out = format_table(table_with(text), style)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066\ufeff\ud800]", out)
    out.encode()
    assert out.count("\n") == format_table(table_with("plain"), style).count("\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_markdown_row_keeps_its_number_of_cells(text):
    lines = [line for line in format_table(table_with(text), "markdown").splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_the_text_and_makes_no_element_of_it(text):
    class Reader(HTMLParser):
        tags: list[str] = []  # noqa: RUF012
        seen: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)

        def handle_data(self, data):
            self.seen.append(data)

    reader = Reader()
    reader.tags, reader.seen = [], []
    reader.feed(format_table(table_with(text), "html"))
    assert set(reader.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    if text:
        assert visible(text) in reader.seen


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_sees_no_command_of_the_texts_own(text):
    escaped = for_latex(text)
    known = (
        r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textquotedbl)\{\}|\\[&%$#_{}]"
    )
    rest = re.sub(known, "", escaped).replace("{[}", "").replace("{]}", "").replace("{*}", "")
    assert not set(rest) & set("\\&%$#_^~{}")


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_can_be_read_again_and_runs_no_formula(text):
    rows = list(csv.reader(io.StringIO(format_table(table_with(text), "csv"))))
    assert {len(row) for row in rows} == {3}
    assert rows[1][0].lstrip("'") == visible(text)
    assert not rows[1][0].startswith(("=", "+", "-", "@"))


def test_csv_gives_mean_and_deviation_a_column_each_and_leaves_missing_empty():
    assert format_table(table_with("x"), "csv") == "Method,x,x ±\nx,1.00,0.10\nplain,,\n"
    assert for_csv("-1.5") == "-1.5"


def test_markdown_of_a_small_table():
    table = Table("T", ["Method", "Score"], [["mtl[rows=1]", "1.00 ± 0.10"]], notes=["Note."])
    assert format_table(table, "markdown") == (
        "### T\n\n| Method | Score |\n|:--|--:|\n| mtl\\[rows=1\\] | 1.00 ± 0.10 |\n\nNote.\n"
    )


def test_latex_of_a_small_table():
    text = format_table(Table("T", ["Method", "Δ"], [["a_b", "1.00 ± 0.10"]], align="lc"), "latex")
    assert "\\begin{tabular}{lc}\n\\toprule\nMethod & $\\Delta$ \\\\\n\\midrule\na\\_b & 1.00 $\\pm$ 0.10 \\\\" in text


@pytest.mark.parametrize("style", STYLES)
def test_a_table_without_rows_is_a_header(style):
    assert "Method" in format_table(Table("T", ["Method", "Score"], []), style)


def test_links_and_mentions_stay_text_in_markdown():
    assert for_markdown("see https://example.org, www.example.org, @who") == (
        "see https\\://example.org, www\\.example.org, \\@who"
    )
    assert for_html('"quoted"') == "&quot;quoted&quot;"


def test_an_unknown_style_names_the_nearest():
    with pytest.raises(UnknownName, match="no table style is called 'markdwon'; did you mean 'markdown'"):
        format_table(Table("T", ["a"], []), "markdwon")


class Shouting:
    @hookimpl
    def mtlbench_format_table(self, table, style):
        return f"<<{table.title}>>\n" if style == "shout" else None


class Broken:
    @hookimpl
    def mtlbench_format_table(self, table, style):
        return 3


def test_a_plugin_may_answer_first_and_the_core_answers_the_rest():
    render = formatter(build_registry([of_object(Shouting(), "shouting")]))
    table = Table("T", ["a"], [["1"]])
    assert render(table, "shout") == "<<T>>\n"
    assert render(table, "csv") == "a\n1\n"


def test_a_plugin_that_answers_no_text_is_named_as_such():
    render = formatter(build_registry([of_object(Broken(), "broken")]))
    with pytest.raises(BadPlugin, match="answered 3 for style 'csv', not text"):
        render(Table("T", ["a"], []), "csv")
