import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from calibeval.core.uncertainty.debiased import bias_left, debiased_size, expansion, spread

HERMITE = (lambda z: z, lambda z: z * z - 1, lambda z: z**3 - 3 * z, lambda z: z**4 - 6 * z * z + 3)
MEANS = [0.0, 0.3, -0.7, 1.2, 2.5, -3.3, 5.0, 7.0]


def psi(x):
    return float(debiased_size(np.array([abs(x)]))[0])


def expected(function, mean):
    """The expectation over a standard normal z, by quadrature between the bends of psi(|mean + z|)."""
    bends = [0.25 * i - mean for i in range(-12, 13)]
    ends = [-9.5, *(z for z in bends if abs(z) < 9.5), 9.5]
    return sum(quad(lambda z: function(z) * norm.pdf(z), low, high)[0] for low, high in pairwise(ends))


def test_psi_at_and_between_its_knots_and_beyond():
    sizes = np.array([[0.0, 0.25, 0.5], [2.875, 3.0, 7.5]])
    np.testing.assert_allclose(debiased_size(sizes), [[-0.65, -0.492, -0.274], [2.96, 3.0, 7.5]])


@pytest.mark.parametrize("mean", MEANS)
def test_coefficients_by_quadrature(mean):
    found = expansion(np.array([mean]))[:, 0]
    for order, hermite in enumerate(HERMITE):
        by_quadrature = expected(lambda z, own=hermite: psi(mean + z) * own(z), mean)
        assert found[order] == pytest.approx(by_quadrature, abs=1e-9)


@pytest.mark.parametrize("mean", MEANS)
def test_variance_by_quadrature(mean):
    first = expected(lambda z: psi(mean + z), mean)
    second = expected(lambda z: psi(mean + z) ** 2, mean)
    assert spread(np.array([mean]))[0] == pytest.approx(second - first**2, abs=1e-9)


def test_far_from_zero_the_size_is_known_like_the_gap():
    assert expansion(np.array([-40.0])).ravel() == pytest.approx([-1.0, 0.0, 0.0, 0.0], abs=1e-15)
    assert spread(np.array([[40.0]])).shape == (1, 1)
    assert spread(np.array([-40.0]))[0] == pytest.approx(1.0, abs=1e-12)


def test_many_cells_are_the_same_as_single_ones():
    means = np.linspace(-8, 8, 9001).reshape(1, 9001)
    assert expansion(means).shape == (4, 1, 9001)
    for place in (0, 4095, 4096, 9000):
        one = means[0, place : place + 1]
        np.testing.assert_array_equal(expansion(means)[:, 0, place], expansion(one)[:, 0])
        np.testing.assert_array_equal(spread(means)[0, place], spread(one)[0])


@pytest.mark.parametrize("tau", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_what_is_left_of_the_noise_is_the_bias_for_normal_gaps(tau):
    """|gap + Z| is then half-normal."""
    scale = math.hypot(1.0, tau)
    bends = [0.25 * i for i in range(13)]
    pieces = zip(bends, [*bends[1:], 20.0], strict=True)
    mean = 2 * sum(quad(lambda x: psi(x) * norm.pdf(x, scale=scale), low, high)[0] for low, high in pieces)
    assert bias_left(tau) == pytest.approx(mean - tau * math.sqrt(2 / math.pi), abs=1e-3)


def test_no_bias_is_left_where_true_gaps_are_large():
    assert bias_left(1.1) == bias_left(9.0) == 0.0
    assert bias_left(0.05) == pytest.approx((0.313 + 0.239) / 2)
