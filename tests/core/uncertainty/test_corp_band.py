"""The smooth curve of diagrams against a second computation: rows drawn one by one, violators pooled by a stack."""

import numpy as np
import pytest

from calibeval.core.sums.cells import cell_sums
from calibeval.core.uncertainty.smooth import smoothed

VALUES, ROWS = np.linspace(0.3, 0.99, 24), 40


def pooled(means, weights):
    """Pooling adjacent violators with a stack, value by value."""
    stack = []
    for mean, weight in zip(means, weights, strict=True):
        block = [mean, weight, 1]
        while stack and stack[-1][0] >= block[0]:
            other = stack.pop()
            total = other[1] + block[1]
            block = [(other[0] * other[1] + block[0] * block[1]) / total, total, other[2] + block[2]]
        stack.append(block)
    return np.repeat([one[0] for one in stack], [one[2] for one in stack])


def drawn(draws, seed):
    """Curves of samples in which every confidence is true; each row is drawn by itself."""
    rng = np.random.default_rng(seed)
    rows = rng.random((draws, len(VALUES), ROWS)) < VALUES[:, None]
    return np.array([pooled(one, np.full(len(VALUES), ROWS)) for one in rows.mean(axis=2)])


def test_the_curve_is_the_pooled_one():
    p = np.repeat(VALUES, ROWS)
    y = np.random.default_rng(3).random(len(p)) < p**3
    found = smoothed(cell_sums(p, y))
    np.testing.assert_allclose(found.p, VALUES, atol=1e-12)
    np.testing.assert_allclose(found.frequency, pooled(y.reshape(-1, ROWS).mean(axis=1), np.full(24, ROWS)), atol=1e-12)


def test_at_each_point_the_band_leaves_a_twentieth_of_calibrated_samples_on_either_side():
    p = np.repeat(VALUES, ROWS)
    found = smoothed(cell_sums(p, np.random.default_rng(0).random(len(p)) < p))
    samples = drawn(2_000, 1)
    # Its ends are quantiles of 100 draws, of which 5 ± 2.2 lie beyond each.
    for beyond in ((samples < found.low).mean(axis=0), (samples > found.high).mean(axis=0)):
        assert beyond.mean() == pytest.approx(0.05, abs=0.012)
        assert (beyond < 0.05 + 4 * 0.022).all()


def test_the_drawn_curve_is_the_regression_behind_mcb():
    # 430 rows: confidences (k + 1) / 431 in another order, right where 91 i mod 430 is below 0.7 times 430 c.
    i = np.arange(430)
    c = ((37 * i) % 430 + 1) / 431
    y = (91 * i) % 430 < 0.7 * 430 * c
    found = smoothed(cell_sums(c, y))
    fitted = np.interp(c, found.p, found.frequency)
    # Another implementation of the decomposition gives .032605. The curve has 256 points for 430 confidences, most of
    # two rows, so it explains a little less, never more.
    assert 0.95 * 0.032605 < np.mean((c - y) ** 2) - np.mean((fitted - y) ** 2) <= 0.032605
