"""Edges and bin sums: hand arithmetic, edge values of every type, equal-mass edges against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.errors import InputError, UsageError
from calibeval.core.sums.binning import (
    BinSums,
    bin_index,
    bin_sums,
    equal_mass_edges,
    equal_mass_ranks,
    equal_width_edges,
)
from tests import definitions

FIELDS = ("count", "p", "pp", "y", "yp")


def test_sums_by_hand():
    # Bin (0, .5]: 0, .25, .5 with outcomes 0, 1, 1. Bin (.5, 1]: .75 and 1 with outcomes 1, 0.
    sums = bin_sums([0.0, 0.25, 0.5, 0.75, 1.0], [0, 1, 1, 1, 0], edges=[0.0, 0.5, 1.0])
    assert sums.count.tolist() == [3, 2]
    assert sums.p.tolist() == [0.0 + 0.25 + 0.5, 0.75 + 1.0]
    assert sums.pp.tolist() == [0.0 + 0.0625 + 0.25, 0.5625 + 1.0]
    assert sums.y.tolist() == [0 + 1 + 1, 1 + 0]
    assert sums.yp.tolist() == [0.25 + 0.5, 0.75]


def test_derived_sums_by_hand():
    # Rows (.25, 1), (.5, 0): gaps .75 and -.5, squared .5625 and .25, variances .1875 and .25.
    sums = bin_sums([0.25, 0.5], [1, 0], edges=[0.0, 1.0])
    assert sums.surplus.tolist() == [0.75 - 0.5]
    assert sums.surplus_squares.tolist() == [0.5625 + 0.25]
    assert sums.variance.tolist() == [0.1875 + 0.25]


def test_disjoint_rows_add_up():
    edges = equal_width_edges(3)
    p, y = np.array([0.1, 0.4, 0.5, 0.9]), np.array([1, 0, 1, 1])
    both, union = bin_sums(p[:2], y[:2], edges) + bin_sums(p[2:], y[2:], edges), bin_sums(p, y, edges)
    assert [getattr(both, f).tolist() for f in FIELDS] == [getattr(union, f).tolist() for f in FIELDS]


def test_row_is_one_class():
    sums = BinSums(*(np.array([[1.0, 2.0], [3.0, 4.0]]) + i for i in range(5)))
    assert [getattr(sums.row(1), f).tolist() for f in FIELDS] == [[3.0 + i, 4.0 + i] for i in range(5)]


@pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 15, 49, 100])
def test_equal_width_edges_are_the_quotients(bins):
    assert equal_width_edges(bins).tolist() == [i / bins for i in range(bins + 1)]


@pytest.mark.parametrize("bins", [0, -3])
def test_bins_must_be_positive(bins):
    with pytest.raises(UsageError, match=f"^bins is {bins}, but at least 1 bin is needed$"):
        equal_width_edges(bins)


def test_lengths_must_agree():
    with pytest.raises(InputError, match=r"p has shape \(2,\), but y has shape \(3,\)"):
        bin_sums([0.1, 0.2], [1, 0, 1], [0.0, 1.0])


@pytest.mark.parametrize("bins", [1, 2, 10, 15, 100])
def test_an_upper_edge_belongs_to_the_bin_below_it(bins):
    edges = equal_width_edges(bins)
    assert bin_index(edges, edges).tolist() == [0, *range(bins)]
    above = np.nextafter(edges[1:-1], 1.0)
    assert bin_index(above, edges).tolist() == list(range(1, bins))


@pytest.mark.parametrize("bins", [100, 101, 102, 128, 129, 130, 257, 1000])
def test_ties_with_edges_fall_below_however_many_edges_there_are(bins):
    edges = equal_width_edges(bins)
    ties = np.array([edges[:-1], edges[1:]])
    assert bin_index(ties, edges).tolist() == [[0, *range(bins - 1)], list(range(bins))]
    assert bin_index(np.nextafter(edges[:-1], 1.0), edges).tolist() == list(range(bins))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(95, 140))
def test_many_bins_are_the_first_that_reach_p_as_well(p, bins):
    edges = [i / bins for i in range(bins + 1)]
    expected = [definitions.bin_of(x, edges) for x in [*p, *edges]]
    assert bin_index(np.array([*p, *edges]), np.array(edges)).tolist() == expected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 30))
def test_bin_index_is_the_first_bin_that_reaches_p(p, bins):
    edges = [i / bins for i in range(bins + 1)]
    expected = [definitions.bin_of(x, edges) for x in p]
    assert bin_index(np.array(p), np.array(edges)).tolist() == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_sums_of_bins_are_sums_of_rows(rows, bins):
    p, y = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    sums = bin_sums(p, y, equal_width_edges(bins))
    assert sums.count.sum() == len(rows)
    assert sums.y.sum() == y.sum()
    assert sums.p.sum() == pytest.approx(p.sum(), abs=1e-12)
    assert sums.pp.sum() == pytest.approx((p * p).sum(), abs=1e-12)
    assert sums.yp.sum() == pytest.approx((p * y).sum(), abs=1e-12)


def test_equal_mass_ranks_by_hand():
    # n = 10, 4 bins: ceil(10/4) - 1 = 2, ceil(20/4) - 1 = 4, ceil(30/4) - 1 = 7.
    assert equal_mass_ranks(10, 4).tolist() == [2, 4, 7]
    # n = 2, 3 bins: ceil(2/3) - 1 = 0, ceil(4/3) - 1 = 1.
    assert equal_mass_ranks(2, 3).tolist() == [0, 1]
    assert equal_mass_ranks(5, 1).tolist() == []


def test_equal_mass_ranks_of_large_dumps_are_exact():
    n, bins = 10**12 + 7, 10_000
    assert equal_mass_ranks(n, bins).tolist() == [-(-i * n // bins) - 1 for i in range(1, bins)]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.9, 1.0]), min_size=1, max_size=40), st.integers(1, 20))
def test_equal_mass_edges_merge_ties(confidence, bins):
    ordered = np.sort(np.array(confidence))
    edges = equal_mass_edges(ordered[equal_mass_ranks(len(ordered), bins)])
    assert edges.tolist() == definitions.mass_edges(confidence, bins)
    assert len(edges) <= bins + 1
