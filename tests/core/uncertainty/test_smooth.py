import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from calibeval.core.sums.cells import cell_sums
from calibeval.core.uncertainty.smooth import MOST_CELLS, smoothed


def sample(n, seed=0, low=0.0, high=1.0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(low, high, n)
    return p, rng.random(n) < p


def test_few_different_probabilities_give_exactly_the_isotonic_regression_of_the_rows():
    rng = np.random.default_rng(1)
    p = rng.integers(0, 20, 2_000) / 20
    y = rng.random(2_000) < p**2
    order = np.argsort(p, kind="stable")
    by_row = isotonic_regression(y[order].astype(float))
    values, place = np.unique(p, return_inverse=True)
    # Rows of one probability share one value: that of their mean, weighted by their number.
    expected = isotonic_regression(np.bincount(place, weights=y) / np.bincount(place), weights=np.bincount(place)).x
    found = smoothed(cell_sums(p, y))
    np.testing.assert_allclose(found.p, values, atol=1e-12)
    np.testing.assert_allclose(found.frequency, expected, atol=1e-12)
    assert by_row.x.mean() == pytest.approx(expected @ np.bincount(place) / 2_000)


def test_many_rows_are_near_the_isotonic_regression_of_the_rows():
    p, y = sample(20_000)
    found = smoothed(cell_sums(p, y))
    assert len(found.p) <= MOST_CELLS
    order = np.argsort(p)
    by_row = np.interp(found.p, p[order], isotonic_regression(y[order].astype(float)).x)
    assert np.abs(found.frequency - by_row).mean() < 0.01


def test_the_band_holds_the_curve_of_calibrated_samples_in_nine_of_ten():
    inside = []
    for seed in range(60):
        found = smoothed(cell_sums(*sample(1_500, seed)))
        inside.append(((found.low <= found.frequency) & (found.frequency <= found.high)).mean())
    assert 0.86 < np.mean(inside) < 0.95


def test_the_band_narrows_with_the_cube_root_of_the_rows():
    # Isotonic curves converge with n to the power -1/3: 64 times the rows, a quarter of the width.
    few, many = (smoothed(cell_sums(*sample(n, 5))) for n in (1_000, 64_000))
    widths = [np.interp(0.5, one.p, one.high - one.low) for one in (few, many)]
    assert 2.5 < widths[0] / widths[1] < 6.5


def test_the_same_rows_give_the_same_band_in_any_order_and_in_parts():
    p, y = sample(3_000)
    one, other = smoothed(cell_sums(p, y)), smoothed(cell_sums(p[::-1].copy(), y[::-1].copy()))
    np.testing.assert_allclose(np.stack(one), np.stack(other), atol=1e-12)


def test_weights_of_two_move_nothing_but_a_few_heavy_rows_widen_the_band():
    p, y = sample(2_000)
    plain, even = smoothed(cell_sums(p, y)), smoothed(cell_sums(p, y, np.full(2_000, 2.0)))
    np.testing.assert_allclose(np.stack(plain), np.stack(even), atol=1e-12)
    heavy = smoothed(cell_sums(p, y, np.where(np.arange(2_000) % 10 == 0, 50.0, 0.01)))
    assert np.mean(heavy.high - heavy.low) > 1.5 * np.mean(plain.high - plain.low)


def test_one_row_has_a_curve():
    found = smoothed(cell_sums(np.array([1.0]), np.array([False])))
    assert [part.tolist() for part in found] == [[1.0], [0.0], [1.0], [1.0]]
