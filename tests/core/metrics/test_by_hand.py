"""ECE, MCE, OE, class-wise errors from sums: hand arithmetic and ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.errors import InputError
from calibeval.core.metrics.folded import classwise_errors, cwce, ece
from calibeval.core.metrics.largest import WorstBin, mce
from calibeval.core.metrics.overconfidence import oe
from calibeval.core.sums.binning import BinSums, bin_sums, equal_width_edges
from calibeval.core.uncertainty.squares import mean_square
from tests import definitions

EDGES = [0.0, 0.5, 1.0]
# Bin (0, .5]: .2 and .4, one of two right, mean .3. Bin (.5, 1]: .6, .9, .9, one of three right, mean .8.
P, Y = [0.2, 0.4, 0.6, 0.9, 0.9], [1, 0, 1, 0, 0]


def test_ece_by_hand():
    expected = 2 / 5 * abs(1 / 2 - 0.3) + 3 / 5 * abs(1 / 3 - 0.8)
    assert ece(bin_sums(P, Y, EDGES)) == pytest.approx(expected, abs=1e-15)


def test_mce_by_hand():
    worst = mce(bin_sums(P, Y, EDGES))
    assert worst.gap == pytest.approx(0.8 - 1 / 3, abs=1e-15)
    assert worst[1:] == (1, 3)


def test_oe_by_hand():
    # Only the second bin promises too much.
    assert oe(bin_sums(P, Y, EDGES)) == pytest.approx(3 / 5 * 0.8 * (0.8 - 1 / 3), abs=1e-15)


def test_classwise_by_hand():
    # Class 0: .75 right, .25 wrong. Class 1: .25 wrong, .75 right. Gaps per bin .25, in two bins of one row each.
    probs, labels = np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([0, 1])
    rows = [bin_sums(probs[:, k], labels == k, EDGES) for k in range(2)]
    both = BinSums(*(np.stack([getattr(r, f) for r in rows]) for f in ("count", "p", "pp", "y", "yp")))
    assert classwise_errors(both).tolist() == [1 / 2 * 0.25 + 1 / 2 * 0.25] * 2
    assert cwce(both) == 0.25


def test_empty_bins_weigh_nothing():
    sums = bin_sums([0.95], [1], equal_width_edges(10))
    assert ece(sums) == pytest.approx(0.05)
    assert mce(sums) == WorstBin(pytest.approx(0.05), 9, 1)


def test_first_of_equally_bad_bins_is_the_worst():
    assert mce(bin_sums([0.25, 0.75], [0, 1], EDGES)) == WorstBin(0.25, 0, 1)


def test_perfect_confidence():
    sums = bin_sums([1.0, 1.0, 0.0], [1, 1, 0], EDGES)
    assert (ece(sums), mce(sums).gap, oe(sums)) == (0.0, 0.0, 0.0)


def test_utter_overconfidence():
    sums = bin_sums([1.0, 1.0], [0, 0], EDGES)
    assert (ece(sums), mce(sums), oe(sums)) == (1.0, WorstBin(1.0, 1, 2), 1.0)


def test_underconfidence_is_no_overconfidence():
    assert oe(bin_sums([0.6, 0.7], [1, 1], EDGES)) == 0.0


@pytest.mark.parametrize("measure", [ece, mce, oe])
def test_no_rows_is_an_error(measure):
    with pytest.raises(InputError, match=r"^there are no rows to measure$"):
        measure(bin_sums([], [], EDGES))


def test_no_rows_is_an_error_class_wise():
    with pytest.raises(InputError, match=r"^there are no rows to measure$"):
        classwise_errors(BinSums(*(np.zeros((2, 3)) for _ in range(5))))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), st.integers(1, 20))
def test_against_the_definition_and_in_range(rows, bins):
    p, y = [r[0] for r in rows], [float(r[1]) for r in rows]
    sums = bin_sums(p, y, equal_width_edges(bins))
    expected = definitions.top_label_metrics(p, y, bins=bins)
    assert ece(sums) == pytest.approx(expected["ece"], abs=1e-12)
    assert mce(sums).gap == pytest.approx(expected["mce_all_bins"], abs=1e-12)
    assert mean_square(sums) == pytest.approx(expected["rmsce"] ** 2, abs=1e-12)
    assert ece(sums) ** 2 <= mean_square(sums) + 1e-12
    assert oe(sums) == pytest.approx(expected["oe"], abs=1e-12)
    assert 0 <= oe(sums) <= ece(sums) + 1e-12
    assert ece(sums) <= mce(sums).gap + 1e-12 <= 1 + 2e-12
