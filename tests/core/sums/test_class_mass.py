"""Class-wise sums in bins of equally many rows: sorted as for the top label, or counted in cells."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.sums.class_mass import CountedClasses, SortedClasses
from calibeval.core.sums.equal_mass import confidence_keys, from_keys

PARTS = ("count", "p", "pp", "y", "yp")


def rows(n=900, k=4, tied=False):
    rng = np.random.default_rng(n + k)
    p = rng.dirichlet(np.full(k, 0.3), n)
    p = np.round(p, 1) if tied else p
    return np.ascontiguousarray(p.T), rng.integers(0, k, n)


def summed(sums, p, labels, weights=None, step=250):
    for start in range(0, len(labels), step):
        here = slice(start, start + step)
        sums.add(p[:, here], labels[here], None if weights is None else weights[here])
    return sums.result(15)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("slack", [0.0, 2.0**-45])
def test_each_class_is_cut_like_the_confidence(tied, slack):
    p, labels = rows(tied=tied)
    found = summed(SortedClasses(4, 900, slack, weighted=False), p, labels)
    for j in range(4):
        expected, _ = from_keys(confidence_keys(p[j] + 0.0, labels == j), 15, slack=slack)
        filled = np.flatnonzero(expected.count)
        for part in PARTS:
            own = getattr(found, part)[j]
            assert own[: len(filled)] == pytest.approx(getattr(expected, part)[filled], abs=1e-12), part
            assert not own[len(filled) :].any()


@pytest.mark.parametrize("weighted", [False, True])
def test_cells_lose_no_row(weighted):
    p, labels = rows(5000)
    weights = np.random.default_rng(0).random(5000) if weighted else None
    found = summed(CountedClasses(4, weighted=weighted), p, labels, weights)
    w = np.ones(5000) if weights is None else weights
    assert found.count.sum(axis=1) == pytest.approx(np.full(4, w.sum()))
    assert found.p.sum(axis=1) == pytest.approx(p @ w)
    assert found.y.sum(axis=1) == pytest.approx(np.bincount(labels, w))
    # Squares are of cell means, and cells are 1/256 of their p wide.
    assert found.pp.sum(axis=1) == pytest.approx(p**2 @ w, rel=1e-5)
    if found.squared is not None:
        assert found.squared.p.sum(axis=1) == pytest.approx(p @ w**2)
        assert found.rows.sum(axis=1).tolist() == [5000] * 4
    # About equally many rows.
    assert found.count[:, :14].min() > 0.8 * w.sum() / 15


def test_the_ends_have_cells():
    p = np.array([[0.0, 1.0, 1.0 - 2.0**-53, 2.0**-60, 0.5, np.nextafter(0.5, 1)]])
    found = summed(CountedClasses(1, weighted=False), p, np.zeros(6, np.intp), step=6)
    assert (found.count.sum(), found.y.sum(), found.p.sum()) == (6.0, 6.0, pytest.approx(3.0))


def test_blocks_change_nothing():
    p, labels = rows(3000, 3)
    for make in (lambda: SortedClasses(3, 3000, 0.0, weighted=False), lambda: CountedClasses(3, weighted=False)):
        one, other = (summed(make(), p, labels, step=step) for step in (7, 3000))
        assert np.array_equal(one.count, other.count)
        assert one.p == pytest.approx(other.p, rel=1e-12)
