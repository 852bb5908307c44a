"""Tails of Brownian motion, against numbers of 50 digits and against random walks."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.uncertainty import brownian

# From the alternating series of normal tails with mpmath 1.3, 50 digits; the series converges for every x above 0.
RANGE_TAILS = [
    (0.8, 0.99403633480789433),
    (1.5, 0.51294075423024825),
    (2.0, 0.18149433939418731),
    (2.5, 0.049672736181824828),
    (7.318906340010956328, 1e-12),
    (7.574, 1.4476176543261437e-13),
    (20.4392, 2.9983107984289353e-92),
]
LARGEST_TAILS = [
    (0.8, 0.81475809273337788),
    (1.5, 0.26721521438306098),
    (2.0, 0.091000523846366249),
    (2.5, 0.024838661302976905),
    (7.2252991359750341035, 1e-12),
    (7.574, 7.2380882716307183e-14),
    (20.4392, 1.4991553992144676e-92),
]


@pytest.mark.parametrize(("x", "expected"), RANGE_TAILS)
def test_tails_of_the_range_are_exact(x, expected):
    assert brownian.range_tail(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("x", "expected"), LARGEST_TAILS)
def test_tails_of_the_largest_distance_are_exact(x, expected):
    assert brownian.largest_tail(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("tail", "limit"), [(brownian.range_tail, 2.0), (brownian.largest_tail, 1.0)])
def test_both_series_meet(tail, limit):
    assert tail(limit) == pytest.approx(tail(np.nextafter(limit, 9.0)), rel=1e-13)


@pytest.mark.parametrize("tail", [brownian.range_tail, brownian.largest_tail])
def test_tails_fall_from_1_and_never_reach_0(tail):
    values = [tail(x) for x in (-1.0, 0.0, 0.05, 0.3, 1.0, 1.9, 2.1, 5.0, 30.0, 50.0, 1e9)]
    assert values == sorted(values, reverse=True)
    assert values[0] == values[1] == 1.0
    assert values[-1] == brownian.LEAST > 0.0


@pytest.mark.parametrize(
    ("tail", "quantiles"), [(brownian.range_tail, brownian.RANGE), (brownian.largest_tail, brownian.LARGEST)]
)
def test_quantiles_belong_to_the_tails(tail, quantiles):
    assert [tail(x) for x in quantiles[1:]] == pytest.approx([0.05, 0.001], rel=1e-5)


def test_expectations_are_those_of_random_walks():
    steps = np.random.default_rng(0).normal(size=(2000, 1000)) / np.sqrt(1000)
    walks = np.concatenate([np.zeros((2000, 1)), np.cumsum(steps, axis=1)], axis=1)
    ranges, largest = np.ptp(walks, axis=1), np.abs(walks).max(axis=1)
    # A walk of 1,000 steps misses the ends of the motion by about 0.58 / sqrt(1000) on either side.
    assert ranges.mean() + 2 * 0.5826 / np.sqrt(1000) == pytest.approx(brownian.RANGE[0], abs=0.03)
    assert largest.mean() + 0.5826 / np.sqrt(1000) == pytest.approx(brownian.LARGEST[0], abs=0.03)
