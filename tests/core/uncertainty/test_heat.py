"""Heat on [0, 1]: against sums of mirrored Gaussian kernels, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from calibeval.core.uncertainty.heat import heat, smoothed_error


def by_kernels(place, residual):
    """The same with a sum of mirrored kernels in place of a transform, by quadrature and a root finder."""
    t = np.linspace(0.0, 1.0, 4001)
    mirrors = [sign * place + 2 * shift for shift in range(-3, 4) for sign in (1, -1)]

    def left(width):
        density = sum((residual * stats.norm.pdf(t[:, None], own, width)).sum(axis=1) for own in mirrors)
        return integrate.trapezoid(np.abs(density), t)

    return optimize.brentq(lambda width: left(width) - width, 1e-3, 1.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_width_of_mirrored_kernels(seed):
    rng = np.random.default_rng(seed)
    c = np.append(rng.random(30), [0.0, 1.0])
    residual = ((rng.random(32) < c**3) - c) / 32
    assert float(smoothed_error(heat(c, residual))) == pytest.approx(by_kernels(c, residual), rel=2e-4)


def test_residuals_of_one_sign_keep_their_sum():
    # 900 rows of 1 that are right have no residual; 100 rows of .6 that are wrong have -.06, whatever the width.
    assert float(smoothed_error(heat(np.array([1.0, 0.6]), np.array([0.0, -0.06])))) == pytest.approx(0.06, abs=1e-9)


def test_heat_is_kept_and_divided_by_distance():
    found = heat(np.array([0.375]), np.array([1.0]), cells=4)  # the centre of the second cell
    assert found.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert heat(np.array([0.5]), np.array([1.0]), cells=4).tolist() == [0.0, 0.5, 0.5, 0.0]
    assert heat(np.array([0.0, 1.0]), np.array([1.0, 2.0]), cells=4).tolist() == [1.0, 0.0, 0.0, 2.0]


def test_samples_are_smoothed_one_by_one():
    rng = np.random.default_rng(4)
    c, residuals = rng.random(50), rng.normal(size=(3, 50)) / 200
    every = smoothed_error(heat(c, residuals, 512))
    assert every.shape == (3,)
    assert every == pytest.approx([float(smoothed_error(heat(c, own, 512))) for own in residuals])


def test_no_residual_is_no_error():
    assert float(smoothed_error(heat(np.array([0.3]), np.array([0.0])))) == pytest.approx(0.0, abs=1e-12)
