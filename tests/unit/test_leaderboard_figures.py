from __future__ import annotations

import csv
import io

import pytest

from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.figures.catalogue import data_files, figures_of
from mtlbench.leaderboard.figures.kinds import KINDS
from mtlbench.leaderboard.figures.links import links_of
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.reading import entries_of
from mtlbench.plugins import load_registry
from mtlbench.testing.records import made_up_record


def boards(records):
    entries, problems = entries_of(records)
    kept, refused = sifted(entries)
    assert not problems
    assert not refused
    return boards_of(kept)


def figures(records, registry=None):
    return {figure.kind: figure for figure in figures_of(boards(records), registry)}


def rows(figure):
    return figure.sheet.records()


def seeds(variant, *scores, **more):
    return [made_up_record(variant, one, seed=seed, **more) for seed, one in enumerate(scores)]


def in_the_plane(variant="mtl", start="east", **traces):
    record = made_up_record(
        variant,
        {"x1": -100.0, "x2": -150.0, "x3": -50.0},
        suite="synthetic",
        options={"start": start},
        higher_is_better=False,
        metric="loss",
    )
    record["outcome"]["trace"] = traces or {"all": [[0, 20.0, 5.0], [800, 12.0, 2.0], [1600, 9.9, 0.1]]}
    return record


MTL = seeds("mtl", {"a": 80.0, "b": 60.0}, {"a": 82.0, "b": 62.0}, {"a": 84.0, "b": 58.0})
STL = seeds("stl", {"a": 81.0, "b": 70.0}, {"a": 82.0, "b": 71.0}, {"a": 86.0, "b": 69.5})
PCGRAD = seeds("pcgrad", {"a": 83.0, "b": 61.0}, {"a": 83.0, "b": 63.0}, {"a": 90.0, "b": 59.0}, seconds=20.0)


def test_ranks_are_means_over_tasks_and_seeds():
    # By task and seed, of mtl, stl, pcgrad: (3 2 1) (2.5 2.5 1) (3 2 1) on a; (3 1 2) three times on b.
    found = {row["method"]: float(row["value"]) for row in rows(figures([*MTL, *STL, *PCGRAD])["ranks"])}
    assert found == pytest.approx({"pcgrad": 9 / 6, "stl": 9.5 / 6, "mtl": 17.5 / 6}, abs=1e-5)


def test_transfer_is_paired_by_seed_and_marks_significant_losses():
    found = {(row["panel"], row["method"]): row for row in rows(figures([*MTL, *STL])["transfer"])}
    # On b: -10, -9, -11.5: mean -10.167, SD 1.258, half of the interval 4.303 * 1.258 / sqrt(3) = 3.126.
    on_b = found["b", "mtl"]
    assert float(on_b["value"]) == pytest.approx(-10.1667, abs=1e-4)
    assert float(on_b["low"]) == pytest.approx(-10.1667 - 3.126, abs=1e-3)
    assert on_b["mark"] == "below"
    assert found["a", "mtl"]["mark"] == ""


def test_a_curve_is_the_mean_over_seeds_at_each_point():
    # Made-up curves are half way after a quarter of the budget: averages 70, 72 and 71 make 35, 36 and 35.5.
    at_400 = [row for row in rows(figures(MTL)["curves"]) if row["x"] == "400"]
    assert [(row["method"] if "method" in row else row["series"], row["seeds"], row["y"]) for row in at_400] == [
        ("mtl", "3", "35.5")
    ]


def test_a_run_with_other_points_than_most_is_left_out_of_the_curve():
    short = made_up_record("mtl", {"a": 10.0, "b": 10.0}, seed=9, evaluations=2)
    found = rows(figures([*MTL, short])["curves"])
    assert [row["seeds"] for row in found] == ["3"] * 5


@pytest.mark.parametrize(("first", "scale"), [(30.0, " (log scale)"), (1.5, "")])
def test_losses_far_apart_lie_on_a_logarithmic_axis(first, scale):
    records = seeds("mtl", None, None)
    for record in records:
        for point, loss in zip(record["outcome"]["curve"], (first, 1.4, 1.2, 1.1, 1.0), strict=True):
            point["train_loss"] = loss
    found = figures(records)["alignment"]
    assert found.x == f"training loss{scale}"
    assert ("log" in found.style) is bool(scale)


def test_price_is_in_multiples_of_the_reference():
    found = {row["method"]: row for row in rows(figures([*MTL, *PCGRAD])["price"])}
    assert float(found["mtl"]["x"]) == 1.0
    assert float(found["pcgrad"]["x"]) == 2.0


def test_the_cosine_figure_shows_quantiles_over_pairs_and_draws():
    records = seeds("mtl", None, None)
    for record in records:
        record["outcome"]["probes"]["cosine"]["values"] = [place / 20 for place in range(21)]
    [row] = rows(figures(records)["cosine"])
    assert [row[name] for name in ("q05", "q25", "q50", "q75", "q95")] == ["0.05", "0.25", "0.5", "0.75", "0.95"]


def test_forgetting_shows_the_loss_before_training():
    records = seeds("mtl", None, None)
    for record in records:
        record["outcome"]["probes"]["mlm"] = {"seen": 4.5, "unseen": 5.5, "start": {"seen": 3.0, "unseen": 3.25}}
    found = [(row["panel"], row["value"], row["reference"]) for row in rows(figures(records)["forgetting"])]
    assert found == [("seen languages", "4.5", "3"), ("unseen languages", "5.5", "3.25")]


def swept(values):
    return [
        made_up_record(f"sequential-reptile[inner_steps={k}]", {"a": 70.0 + k, "b": 60.0}, settings={"inner_steps": k})
        for k in values
    ]


def test_three_values_of_a_setting_make_a_sweep_and_two_do_not():
    assert "sweep" not in figures([*MTL, *swept([2, 8])])
    found = figures([*MTL, *swept([8, 2, 64])])["sweep"]
    assert found.stem == "digits-sweep-sequential-reptile-inner-steps"
    assert [(row["x"], row["y"]) for row in rows(found) if "test" in row["panel"]] == [
        ("2", "66"),
        ("8", "69"),
        ("64", "97"),
    ]


def test_a_sweep_holds_all_other_settings_equal():
    others = [*swept([2, 8]), made_up_record("sequential-reptile[inner_steps=64,lr=0.5]", settings={"inner_steps": 64})]
    assert "sweep" not in figures(others)


def test_nothing_is_drawn_that_the_records_do_not_hold():
    record = made_up_record("mtl")
    for point in (record["outcome"], *record["outcome"]["curve"]):
        point["probes"] = {}
    record["outcome"]["curve"] = record["outcome"]["curve"][-1:]
    assert figures([record]) == {}


def test_diverged_runs_are_in_no_figure():
    assert figures([made_up_record("mtl", status="diverged")]) == {}


def test_the_surface_is_the_suites_own_and_paths_lie_on_it():
    found = figures([in_the_plane(), in_the_plane(start="north")], load_registry())
    surface = found["surface"]
    assert surface.sheet.columns == ("x", "y", "sum", "cosine", "x1", "x2", "x3")
    assert surface.sheet is found["paths"].behind
    # Far from the wells all gradients point the same way; between them they oppose each other.
    assert min(float(row["cosine"]) for row in rows(surface)) < 0
    assert max(float(row["cosine"]) for row in rows(surface)) > 0.9
    near = min(rows(surface), key=lambda row: (float(row["x"]) - 10) ** 2 + float(row["y"]) ** 2)
    assert float(near["x3"]) < -150
    assert {row["start"] for row in rows(found["paths"])} == {"start=east", "start=north"}


def test_without_the_suite_paths_have_nothing_behind_them():
    found = figures([in_the_plane()])
    assert "surface" not in found
    assert found["paths"].behind is None
    assert rows(found["paths"])[-1]["x"] == "9.9"


def test_single_task_learning_has_a_path_a_task():
    ways = {name: [[0, 20.0, 5.0], [500, float(place), 0.0]] for place, name in enumerate(("x1", "x2", "x3"))}
    assert {row["model"] for row in rows(figures([in_the_plane("stl", **ways)])["paths"])} == set(ways)


def test_data_files_do_not_depend_on_the_order_of_records():
    records = [*MTL, *STL, *PCGRAD]
    files = data_files(figures_of(boards(records)))
    assert data_files(figures_of(boards(records[::-1]))) == files
    assert all(path.startswith("figures/digits-") for path in files)


def test_every_figure_ends_in_a_kind_that_is_cleared_away():
    found = figures_of(boards([*MTL, *STL, *PCGRAD, *swept([2, 8, 64]), in_the_plane()]), load_registry())
    for figure in found:
        assert figure.stem.endswith(figure.kind) or figure.kind == "sweep"
        assert figure.kind in KINDS or f"{figure.kind}-*" in KINDS


def test_hostile_names_are_cells_and_never_formulas_or_paths():
    name = "=HYPERLINK(1)\n../\u202e"
    records = [made_up_record(variant, {"=1+1": 80.0, "b": 1.0}, seed=s) for variant in ("mtl", "stl") for s in (0, 1)]
    for record in records:
        record["outcome"]["tasks"][0]["label"] = name
        record["outcome"]["tasks"][0]["metric"] = "+cmd"
    files = data_files(figures_of(boards(records)))
    assert all(path.count("/") == 1 and path.isascii() for path in files)
    for text in files.values():
        for row in csv.reader(io.StringIO(text)):
            assert not any(cell.startswith(("=", "+", "@")) for cell in row)
            assert all(cell.isprintable() for cell in row)
    assert "'=HYPERLINK(1)\\x0a../\\u202e" in files["figures/digits-transfer.csv"]


def test_a_board_leads_to_its_figures_and_to_pictures_where_there_are_any():
    found = figures_of(boards(MTL))
    assert "[CSV](figures/digits-curves.csv)" in links_of(found, pictured=False)["digits"]
    assert ".svg" not in links_of(found, pictured=False)["digits"]
    assert "[SVG](figures/digits-curves.svg)" in links_of(found, pictured=True)["digits"]


def test_a_newcomer_leaves_the_lines_of_all_others_as_they_are():
    newcomer = seeds("swep", *[{"a": 1.0, "b": 99.0}] * 3)
    before, after = figures([*MTL, *STL, *PCGRAD]), figures([*MTL, *STL, *PCGRAD, *newcomer])
    for kind in before.keys() - {"ranks"}:
        assert set(before[kind].sheet.csv().splitlines()) <= set(after[kind].sheet.csv().splitlines()), kind


def test_a_profile_counts_pairs_of_task_and_seed():
    # Over MTL: 83/80, 83/82, 90/84 on a and 61/60, 63/62, 59/58 on b: above 1 all, above 1.02 two, above 1.06 one.
    found = {float(row["x"]): float(row["y"]) for row in rows(figures([*MTL, *PCGRAD])["profile"])}
    assert (min(found), max(found)) == (0.5, 1.5)
    assert [found[1.0], found[1.02], found[1.06], found[1.08]] == pytest.approx([100, 100 / 3, 100 / 6, 0], abs=0.01)


def test_scores_below_zero_have_no_profile():
    assert "profile" not in figures([in_the_plane("mtl"), in_the_plane("pcgrad")])
