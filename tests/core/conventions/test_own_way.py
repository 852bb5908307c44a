"""Metrics without bins as relplot and torch-uncertainty compute them: their numbers, by hand, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.conventions.edges import width_edges
from calibeval.core.conventions.own_way import OWN_WAY, measured_as_tool
from calibeval.core.conventions.smooth import SmoothGrid
from calibeval.core.conventions.sums import convention_sums
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import Resources
from tests.golden.test_without_bins import CONFIDENCE, CORRECT
from tests.test_real_dumps import FOLDER

SATURATED = Predictions(confidence=[1.0] * 900 + [0.6] * 100, correct=[1] * 900 + [0] * 100)
# 30 rows of each, with seed 7: what smECE and smECE_sigma(sigma=0.0043) of relplot 1.0.3 gave.
RELPLOT = {
    "uniform": (0.1135963299, 0.3162768208),
    "near 1": (0.0885870827, 0.1284010909),
    "tied at 0 and 1": (0.0999993431, 0.1010187980),
}


def rows(kind):
    rng = np.random.default_rng(7)
    p = {"uniform": rng.random(30), "near 1": 1.0 - 0.1 * rng.random(30), "tied at 0 and 1": np.round(rng.random(30))}
    return p[kind], rng.random(30) < 0.1 + 0.8 * p[kind]


def of(predictions, name, convention, **settings):
    return evaluate(predictions, convention=convention, metrics=[name], **settings)[name]


def test_the_table_has_what_is_computed():
    assert {name: {*c.own_way} for name, c in CONVENTIONS.items() if c.own_way} == {k: {*v} for k, v in OWN_WAY.items()}
    for convention in CONVENTIONS.values():
        assert not {*convention.own_way} & {*convention.metrics}
        for name in (*convention.own_way, *dict(convention.other_way)):
            assert not REQUESTED[name].binned


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        pytest.param(CONFIDENCE, CORRECT, 0.146476, id="430 rows by a formula"),
        pytest.param([1.0] * 900 + [0.6] * 100, [1] * 900 + [0] * 100, 0.107467, id="an atom at 1 counts half"),
    ],
)
def test_smooth_errors_are_those_of_relplot(confidence, correct, expected):
    found = of(Predictions(confidence=confidence, correct=correct), "smece", "relplot")
    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.floor < found.floor_high < found.value


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the dump is not here")
def test_smooth_error_of_a_saturated_model():
    assert of(f"{FOLDER}/cifar10_vgg16_kumar.npz#test", "smece", "relplot").value == pytest.approx(0.050065, abs=1e-6)


@pytest.mark.parametrize("kind", [*RELPLOT])
def test_smooth_errors_at_a_width(kind):
    p, y = rows(kind)
    grid = SmoothGrid(p, np.ones(30))
    assert (grid.error(p - y), grid.at(p - y, 0.0043)) == pytest.approx(RELPLOT[kind], abs=1e-9)


def test_smooth_errors_by_cells_are_those_by_rows():
    p, y = np.array([0.2, 0.7]), np.array([[0, 1, 0, 0], [1, 0, 1, 1]])
    cells = SmoothGrid(p, np.array([4.0, 4.0])).error(4.0 * p - y.sum(axis=1))
    assert cells == pytest.approx(SmoothGrid(np.repeat(p, 4), np.ones(8)).error(np.repeat(p, 4) - y.ravel()))


def test_two_classes_are_the_probability_of_class_1():
    p, y = rows("uniform")
    found = of(Predictions(probs=p, labels=y.astype(int)), "smece", "relplot").value
    assert found == pytest.approx(RELPLOT["uniform"][0], abs=1e-9)


def test_floors_are_those_of_relplots_number():
    # Calibrated, saturated models: the floor is as inflated as the number.
    rng = np.random.default_rng(0)
    p = np.where(rng.random(1000) < 0.9, 1.0, 0.5 + 0.5 * rng.random(1000))
    right = rng.random((100, 1000)) < p
    numbers = np.array([SmoothGrid(p, np.ones(1000)).error(p - one) for one in right])
    found = of(Predictions(confidence=p, correct=right[0]), "smece", "relplot")
    own = of(Predictions(confidence=p, correct=right[0]), "smece", "calibeval")
    assert found.floor == pytest.approx(np.mean(numbers), rel=0.08)
    assert found.floor > 1.3 * own.floor
    assert (numbers < found.floor_high).sum() >= 90


def test_rows_that_do_not_fit_into_memory():
    convention, base = CONVENTIONS["relplot"], summarise(SATURATED, 10)
    for memory, known in ((8 * 1000, True), (8 * 1000 - 1, False)):
        tool = convention_sums(SATURATED, convention, 10, Resources(memory=memory))
        found = measured_as_tool("smece", base, tool, convention, None)
        assert (found.value is not None) == known
    assert found.reason.code == "over_max_memory"


def test_areas_are_trapezoids():
    # Errors of the most confident 1, 2, 3: 0, 1/2, 1/3; the trapezoids of width 1/3 are divided by 1 - 1/3.
    dump = Predictions(confidence=[0.9, 0.8, 0.7], correct=[1, 0, 1])
    expected = {"aurc": (1 / 4 + 5 / 12) / 3 / (2 / 3), "augrc": (1 / 6 + 1 / 3) / 3 / (2 / 3)}
    for name, value in expected.items():
        assert of(dump, name, "torch-uncertainty").value == pytest.approx(value)


def test_areas_of_430_rows():
    # torch-uncertainty 0.13.0 gives these; without its division by 1 - 1/430, they are 0.468772 and 0.265360.
    dump = Predictions(confidence=CONFIDENCE, correct=CORRECT)
    for name, value in {"aurc": 0.469865, "augrc": 0.265978}.items():
        found, own = of(dump, name, "torch-uncertainty"), of(dump, name, "calibeval")
        assert found.value == pytest.approx(value, abs=1e-6)
        assert found.low < found.value < found.high
        assert (found.low - own.low, found.high - own.high) == pytest.approx((0, 0), abs=2e-3)


def test_one_row_has_no_trapezoid():
    found = of(Predictions(confidence=[0.9], correct=[1]), "aurc", "torch-uncertainty")
    assert (found.value, str(found.reason)) == (None, "torch-uncertainty has no number for one row")


def test_another_kernel_is_told_and_not_replaced():
    found = of(SATURATED, "smece", "torch-uncertainty")
    expected = "torch-uncertainty smooths log-odds by default, which is not computed here"
    assert (found.value, found.reason.code, str(found.reason)) == (None, "not_in_convention", expected)


def test_equal_counts():
    # Five rows in two bins: three, then two. Gaps 0.1 + 0.2 - 0.3 and so on, by sums: |0.6 - 1|, |0.9 - 2|.
    dump = Predictions(confidence=[0.1, 0.2, 0.3, 0.4, 0.5], correct=[0, 1, 0, 1, 1])
    assert of(dump, "aece", "torch-uncertainty", bins=2).value == pytest.approx((0.4 + 1.1) / 5, abs=1e-7)


@pytest.mark.parametrize(("correct", "known"), [([0, 1, 1, 1], True), ([0, 0, 1, 1], False)])
def test_equal_counts_within_ties(correct, known):
    found = of(Predictions(confidence=[0.25, 0.5, 0.5, 0.75], correct=correct), "aece", "torch-uncertainty", bins=2)
    if known:
        assert found.value == pytest.approx((abs(0.75 - 1) + abs(1.25 - 2)) / 4)
    else:
        expected = (
            "torch-uncertainty ends a bin within a tie of right and wrong rows, so its number depends on their order"
        )
        assert (found.value, str(found.reason)) == (None, expected)


def test_equal_counts_of_two_classes_are_of_the_top_label():
    dump = Predictions(probs=[0.25, 0.375, 0.75, 0.875], labels=[1, 0, 1, 1])
    # Top labels 0.625 right, 0.75 wrong and right, 0.875 right; a bin of all four.
    assert of(dump, "aece", "torch-uncertainty", bins=1).value == pytest.approx(abs(3.0 - 3.0) / 4)
    assert of(dump, "ece", "torch-uncertainty", bins=1).value == pytest.approx(abs(2.25 - 3.0) / 4)


def test_equal_counts_of_fewer_rows_than_bins():
    found = of(Predictions(confidence=[0.25, 0.5], correct=[0, 1]), "aece", "torch-uncertainty", bins=3)
    assert (found.value, str(found.reason)) == (None, "torch-uncertainty has no number with fewer rows than bins")


@pytest.mark.parametrize("bins", [1, 3, 10, 15, 49, 100, 333])
def test_edges_are_where_the_quotient_is_whole(bins):
    edges = width_edges(CONVENTIONS["relplot"], bins, np.dtype(np.float64))
    below = np.nextafter(edges[1:], -1.0)
    step = 1.0 / bins
    assert (edges / step).astype(int).tolist() == list(range(bins + 1))
    assert (below / step).astype(int).tolist() == list(range(bins))
