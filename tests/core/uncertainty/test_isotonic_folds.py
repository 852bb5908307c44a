"""Isotonic regression out of fold, against scipy's on the rows of the other folds, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression

from calibeval.core.uncertainty import isotonic_folds
from calibeval.core.uncertainty.isotonic_folds import out_of_fold


def plain(x, hit, folds, k, weights=None):
    """Every fold by itself, from all distinct x of the others."""
    found = np.empty(len(x))
    for fold in np.unique(folds):
        own = folds != fold
        w = np.ones(own.sum()) if weights is None else weights[own]
        values = np.unique(x[own])
        size = np.array([w[x[own] == value].sum() for value in values])
        hits = np.array([(w * hit[own])[x[own] == value].sum() for value in values])
        fitted = isotonic_regression(np.minimum(hits / size, 1.0), weights=size)
        level = fitted.x
        rows = np.repeat(np.add.reduceat(size, fitted.blocks[:-1]), np.diff(fitted.blocks))
        above, below = level[level > 0.0].min(initial=1.0), level[level < 1.0].max(initial=0.0)
        inner = np.where(level <= 0.0, np.minimum(1.0 / k / (rows + 1.0), above), level)
        inner = np.where(level >= 1.0, np.maximum((rows + 1.0 / k) / (rows + 1.0), below), inner)
        found[~own] = np.interp(x[~own], values, inner)
    return found


@pytest.mark.parametrize("n", [20, 150, 1500])
@pytest.mark.parametrize("digits", [16, 2, 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_as_scipy_fits_it(n, digits, weighted):
    rng = np.random.default_rng(n + digits)
    x = rng.random(n).round(digits)
    hit, folds = rng.random(n) < x**1.5, rng.permutation(np.arange(n) % 5)
    weights = rng.random(n) + 0.1 if weighted else None
    np.testing.assert_allclose(
        out_of_fold(x, hit, folds, 5, 4, weights).level, plain(x, hit, folds, 4, weights), atol=1e-12
    )


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(5)
    x = rng.random(400).round(2)
    hit, folds, order = rng.random(400) < x, np.arange(400) % 5, rng.permutation(400)
    found = out_of_fold(x, hit, folds, 5, 3).level
    np.testing.assert_array_equal(out_of_fold(x[order], hit[order], folds[order], 5, 3).level, found[order])


def test_rows_of_the_own_fold_do_not_count():
    rng = np.random.default_rng(6)
    x, folds = rng.random(300), np.arange(300) % 3
    hit = rng.random(300) < x
    found = out_of_fold(x, hit, folds, 3, 2).level
    changed = out_of_fold(x, np.where(folds == 1, ~hit, hit), folds, 3, 2).level
    np.testing.assert_array_equal(found[folds == 1], changed[folds == 1])
    assert (found[folds != 1] != changed[folds != 1]).any()


@pytest.mark.parametrize("digits", [16, 3])
def test_cells_of_many_rows_change_little(monkeypatch, digits):
    """With one row more than the limit, neighbours share a cell; equal x always do."""
    rng = np.random.default_rng(7)
    x = rng.random(9000).round(digits)
    hit, folds = rng.random(9000) < x**2, rng.integers(0, 5, 9000)
    monkeypatch.setattr(isotonic_folds, "EXACT", 9000)
    exact = out_of_fold(x, hit, folds, 5, 2).level
    monkeypatch.setattr(isotonic_folds, "EXACT", 8999)
    monkeypatch.setattr(isotonic_folds, "CELLS", 500)
    cells = out_of_fold(x, hit, folds, 5, 2).level
    assert (exact != cells).any()
    assert abs(np.square(exact - hit).mean() - np.square(cells - hit).mean()) < 1e-4


def test_as_scikit_learn_fits_it_between_the_ends():
    """Where its curve is not near 0 or 1, which it does not keep away from."""
    rng = np.random.default_rng(8)
    x, folds = rng.random(3000), rng.permutation(np.arange(3000) % 5)
    hit = rng.random(3000) < 0.1 + 0.8 * x
    found, checked = out_of_fold(x, hit, folds, 5, 2).level, 0
    for fold in range(5):
        own = folds != fold
        fitted = IsotonicRegression(out_of_bounds="clip").fit(x[own], hit[own])
        expected = fitted.predict(x[~own])
        inner = np.unique(fitted.y_thresholds_[(fitted.y_thresholds_ > 0.0) & (fitted.y_thresholds_ < 1.0)])
        inside = (expected >= inner[0]) & (expected <= inner[-1])
        np.testing.assert_allclose(found[~own][inside], expected[inside], atol=1e-7)  # it fits in float32 at times
        checked += inside.sum()
    assert checked > 2500
