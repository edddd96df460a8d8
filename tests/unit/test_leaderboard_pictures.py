from __future__ import annotations

import shutil
import sys
import warnings
from xml.etree import ElementTree

import pytest

from mtlbench.cli import main
from mtlbench.leaderboard.figures.model import Figure, Sheet
from mtlbench.testing.records import made_up_record, store_records

HOSTILE = ["$\\frac{1}{0", "_hidden", "<script>&amp;", "a\u202eb\x00", "日本語", "x" * 90, "x" * 90 + "y", "--", "]]>"]


def figure(form, columns, rows, **more):
    return Figure("stem", "kind", form, "A title", "A note.", ("board",), Sheet.of(columns, rows), "x", "y", **more)


def everything():
    """One figure a form, with names that mean something to matplotlib, XML or a terminal."""
    dots = [["p", name, 3, 1.0 + place, 0.5, 9.0, 0, ""] for place, name in enumerate(HOSTILE)]
    lines = [[name, name, 3, x, x * 2.0, None, None] for name in HOSTILE for x in (1.0, 2.0)]
    boxes = [[name, 3, 0.1, None, None, -0.5, -0.1, 0.0, 0.2, 0.6] for name in HOSTILE]
    points = [[name, 3, 1.0 + place, None, None, 2.0, 1.0, 3.0] for place, name in enumerate(HOSTILE)]
    grid = [[x, y, -x * y - x, (x - y) / 4, -x, -y] for y in (0.0, 1.0, 2.0) for x in (0.0, 1.0, 2.0)]
    ways = [[name, method, 0, "all", 0, x, 1.0] for name in HOSTILE[:6] for method in HOSTILE[:2] for x in (0.0, 2.0)]
    surface = Sheet.of(["x", "y", "sum", "cosine", "<a>", "$b"], grid)
    columns = ["panel", "series", "seeds", "x", "y", "low", "high"]
    return {
        "dots": figure("dots", ["panel", "method", "seeds", "value", "low", "high", "reference", "mark"], dots),
        "lines": figure("lines", columns, lines, reference="_hidden"),
        "ways": figure("lines", columns, lines, style={"line": "ways"}),
        "settings": figure("lines", columns, lines, style={"line": "settings", "panels": "own", "log": "x"}),
        "steps": figure("lines", columns, lines, style={"line": "steps", "vertical": "1"}),
        "boxes": figure("boxes", ["method", "seeds", "mean", "low", "high", "q05", "q25", "q50", "q75", "q95"], boxes),
        "points": figure("points", ["method", "seeds", "x", "x_low", "x_high", "y", "y_low", "y_high"], points),
        "heat": Figure("s", "k", "heat", "$", "_", (), surface),
        "paths": figure("paths", ["start", "method", "seed", "model", "gradients", "x", "y"], ways, behind=surface),
    }


@pytest.mark.parametrize("name", everything())
def test_a_picture_has_the_same_bytes_whatever_its_user_has_set(name):
    matplotlib = pytest.importorskip("matplotlib")
    from mtlbench.leaderboard.figures.drawing.draw import draw

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = draw(everything()[name])
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.hashsalt": None, "axes.grid": False}):
        size = matplotlib.rcParams["font.size"]
        assert draw(everything()[name]) == first
        assert matplotlib.rcParams["font.size"] == size
    root = ElementTree.fromstring(first["svg"])  # noqa: S314 (drawn a moment ago)
    assert root.tag.endswith("svg")
    assert b"<dc:date>" not in first["svg"]
    assert "\u202e".encode() not in first["svg"]
    assert b"\x00" not in first["svg"]
    assert first["png"].startswith(b"\x89PNG")
    assert b"tEXt" not in first["png"]


def test_rows_of_one_method_are_labelled_by_the_settings_in_which_they_differ():
    pytest.importorskip("matplotlib")
    from mtlbench.leaderboard.figures.drawing.style import heading, labels

    names = [f"sequential-reptile[eta=0.77,eta_schedule=linear,inner_steps={k},lr=0.005]" for k in (2, 70)]
    assert list(labels([*names, "mtl"]).values()) == [
        "sequential-reptile[…,inner_steps=2]",
        "sequential-reptile[…,inner_steps=70]",
        "mtl",
    ]
    # One alone differs from none: it is cut as any other.
    assert "…" in labels(names[:1])[names[0]]
    assert heading("sequential-reptile[…,inner_steps=70,lr=0.5]") == "sequential-reptile\n[…, inner_steps=70,\nlr=0.5]"


def test_labels_that_are_cut_alike_stay_apart():
    pytest.importorskip("matplotlib")
    from mtlbench.leaderboard.figures.drawing.style import labels

    found = labels(["x" * 60 + "1" + "y" * 20, "x" * 60 + "2" + "y" * 20, "plain"])
    assert len(set(found.values())) == 3
    assert found["plain"] == "plain"


def test_wide_intervals_do_not_crush_what_was_measured():
    from mtlbench.leaderboard.figures.drawing.limits import limits

    assert limits([], []) is None
    low, high = limits([0.0, 10.0], [-1000.0, 12.0])
    assert -9 < low < -8
    assert 12 < high < 13
    assert limits([3.0], []) == pytest.approx((2.85, 3.15))


RECORDS = [made_up_record("mtl", {"a": 80.0})]
"""Enough for four figures, and drawn in a moment."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("drawn")
    store_records(RECORDS, folder / "results")
    assert board(folder, "--figures") == 0
    return folder


@pytest.fixture
def folder(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "board")


def board(folder, *more):
    return main(["leaderboard", "--results", str(folder / "results"), "--out", str(folder), *more])


def test_pictures_lie_beside_their_data_and_a_check_finds_them_fresh(folder):
    for path in (folder / "figures").glob("*.csv"):
        assert path.with_suffix(".svg").is_file()
        assert path.with_suffix(".png").is_file()
    assert "(figures/digits-distance.svg)" in (folder / "README.md").read_text()
    assert board(folder, "--check") == 0
    assert board(folder, "--check", "--figures") == 0


def test_drawing_again_changes_nothing(folder, capsys):
    assert board(folder, "--figures") == 0
    assert ": 0 of " in capsys.readouterr().out.splitlines()[-1]


def test_an_edited_picture_is_found_without_drawing(folder, capsys):
    picture = folder / "figures/digits-distance.png"
    picture.write_bytes(picture.read_bytes() + b"!")
    assert board(folder, "--check") == 1
    assert "figures/digits-distance.png: changed since it was drawn" in capsys.readouterr().out


def test_a_new_record_makes_pictures_stale_until_they_are_drawn(folder, capsys):
    store_records([made_up_record("mtl", {"a": 99.0}, seed=2)], folder / "results")
    assert board(folder) == 0
    assert "mtlbench leaderboard --figures draws them" in capsys.readouterr().err
    assert board(folder, "--check") == 1
    assert "figures/digits-curves: drawn from other data" in capsys.readouterr().out


def test_a_missing_picture_is_named(folder, capsys):
    (folder / "figures/digits-distance.svg").unlink()
    assert board(folder, "--check") == 1
    assert "figures/digits-distance.svg: missing" in capsys.readouterr().out


def test_pictures_of_another_matplotlib_are_not_compared_byte_by_byte(folder, capsys):
    listed = folder / "figures/pictures.json"
    listed.write_text(listed.read_text().replace('"matplotlib": "', '"matplotlib": "0.'))
    assert board(folder, "--check", "--figures") == 0
    assert "bytes are not compared" in capsys.readouterr().err


def test_what_no_record_calls_for_is_cleared_away_and_other_files_stay(folder, capsys):
    for name in ("old-ranks.csv", "old-ranks.svg", "mine.svg"):
        (folder / "figures" / name).write_text("x")
    assert board(folder, "--check") == 1
    assert "figures/old-ranks.svg: no record calls for it any more" in capsys.readouterr().out
    assert board(folder, "--figures") == 0
    assert [path.name for path in (folder / "figures").glob("*") if path.stem in ("old-ranks", "mine")] == ["mine.svg"]


@pytest.mark.parametrize("content", ["", "[]", '{"pictures": {"a": {}}, "drawn_by": {}}', '{"pictures": 1}'])
def test_a_list_that_cannot_be_read_is_one_line(folder, capsys, content):
    (folder / "figures/pictures.json").write_text(content)
    assert board(folder, "--check") == 2
    assert "is no list of pictures; write it anew: mtlbench leaderboard --figures" in capsys.readouterr().err


def test_without_matplotlib_figures_are_one_line_that_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    store_records(RECORDS, tmp_path / "results")
    assert board(tmp_path, "--figures") == 2
    found = capsys.readouterr().err
    assert "pip install 'mtlbench[report]'" in found
    assert found.count("\n") == 1
    assert not (tmp_path / "README.md").exists()


def test_without_matplotlib_everything_else_is_written_and_checked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    store_records(RECORDS, tmp_path / "results")
    assert board(tmp_path) == 0
    assert (tmp_path / "figures/digits-distance.csv").is_file()
    assert ".svg" not in (tmp_path / "README.md").read_text()
    assert board(tmp_path, "--check") == 0


def test_fresh_pictures_pass_the_check_where_there_is_no_matplotlib(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert board(folder, "--check") == 0


def test_figures_and_a_style_are_refused_together(tmp_path, capsys):
    assert board(tmp_path, "--figures", "--style", "csv") == 2
    assert "give one of them" in capsys.readouterr().err
