from __future__ import annotations

import pytest

from mtlbench.interface.errors import BadRecord
from mtlbench.study.json_text import Unread
from mtlbench.study.tape import agreement, tape_of
from mtlbench.testing.records import made_up_record


def test_agreement_of_three_gradients_worked_out_by_hand():
    # Norms 1, 2, 4; cosines 0.5, -0.25 and 0.
    found = agreement([[1.0, 1.0, -1.0], [1.0, 4.0, 0.0], [-1.0, 0.0, 16.0]])
    assert found.cosine == pytest.approx(0.25 / 3)
    assert found.conflicts == pytest.approx(1 / 3)
    assert found.imbalance == 4.0


def test_a_zero_gradient_agrees_with_nobody_and_leaves_no_imbalance():
    found = agreement([[0.0, 0.0], [0.0, 4.0]])
    assert (found.cosine, found.conflicts, found.imbalance) == (0.0, 0.0, None)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_tiny_and_huge_gradients_have_the_cosine_of_others(scale):
    assert agreement([[scale, -scale], [-scale, scale]]).cosine == pytest.approx(-1.0)


def test_one_task_has_no_agreement():
    assert agreement([[1.0]]) is None


@pytest.mark.parametrize("gram", [[[1.0]], [[1.0, "x"], [0.0, 1.0]], [[1.0, 0.0]], "gram", [[1.0, True], [0.0, 1.0]]])
def test_a_gram_matrix_of_another_form_is_refused(gram):
    record = made_up_record()
    record["outcome"]["curve"][1]["probes"]["cosine"]["gram"] = gram
    with pytest.raises(BadRecord, match="after 400 gradients is no 2 x 2 table"):
        tape_of(record)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, None])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_number_that_is_none_is_refused_at_the_point_where_it_stands(number, place):
    record = made_up_record()
    curve = record["outcome"]["curve"]
    curve[place]["probes"]["cosine"]["gram"][1][0] = number
    curve[place]["probes"]["cosine"]["gram"][0][1] = -number if number is not None else 0.0
    with pytest.raises(BadRecord, match=f"after {curve[place]['gradients']} gradients is no 2 x 2 table"):
        tape_of(record)


def test_whole_numbers_and_numbers_whose_sum_overflows_are_numbers():
    record = made_up_record()
    points = record["outcome"]["curve"]
    points[1]["probes"]["cosine"]["gram"] = [[1.5e308, 1.5e308], [1.5e308, 1.5e308]]
    points[2]["probes"]["cosine"]["gram"] = [[4, 2], [2, 1]]
    del points[3]["probes"]["cosine"]
    assert [point.gradients for point in tape_of(record)] == [0, 400, 800, 1600]
    assert agreement(tape_of(record)[2].gram).cosine == 1.0


def test_of_a_tape_only_the_points_nearest_to_the_looks_are_read():
    record = made_up_record()
    record["outcome"]["curve"][1]["probes"]["cosine"]["gram"] = "never looked at"
    record["outcome"]["curve"][4]["probes"]["cosine"]["gram"] = Unread(b"null")
    whole = made_up_record()["outcome"]["curve"]
    looked = [point.gradients for point in tape_of(record, (0.0, 0.45, 1.0))]
    assert [point["gradients"] for point in whole] == [0, 400, 800, 1200, 1600]
    assert looked == [0, 800, 1200]
    record["outcome"]["curve"][2]["probes"]["cosine"]["gram"] = Unread(b"[[1.0, 2], [3, 4.5]]")
    assert tape_of(record, (0.5,))[0].gram == [[1.0, 2], [3, 4.5]]
    with pytest.raises(BadRecord, match="after 400 gradients is no 2 x 2 table"):
        tape_of(record, (0.25,))
