"""Tails of walks of normal steps: against exact numbers, drawn walks, and the motion that they become."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from calibeval.core.uncertainty.brownian import largest_tail, range_tail
from calibeval.core.uncertainty.walks import walk_largest_tail, walk_range_tail

TAILS = [(walk_range_tail, range_tail), (walk_largest_tail, largest_tail)]


@pytest.mark.parametrize("tail", [walk_range_tail, walk_largest_tail])
@pytest.mark.parametrize("x", [0.5, 1.96, 3.0])
def test_of_one_step_both_are_the_size_of_a_normal_variable(tail, x):
    assert tail(x, np.ones(1)) == pytest.approx(2 * stats.norm.sf(x), rel=2e-3)


def test_of_two_steps_the_range_is_an_integral():
    # Range below x: both positions and 0 lie within x. Integrated on a fine grid of the first step.
    x, first = 2.0, np.linspace(-2.0, 2.0, 40_001)
    root = np.sqrt(0.5)
    low, high = np.maximum(first, 0.0) - x, np.minimum(first, 0.0) + x
    inside = stats.norm.cdf((high - first) / root) - stats.norm.cdf((low - first) / root)
    expected = 1 - np.trapezoid(inside * stats.norm.pdf(first, scale=root), first)
    assert walk_range_tail(x, np.full(2, 0.5)) == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize("steps", [np.full(20, 0.05), np.array([1e-4, 0.4, 0.1, 0.2, 0.2999]), np.full(80, 1 / 80)])
def test_of_few_steps_as_drawn_walks(steps):
    draws = 100_000
    sums = np.cumsum(np.random.default_rng(0).normal(size=(draws, len(steps))) * np.sqrt(steps), axis=1)
    low, high = np.minimum(sums.min(axis=1), 0.0), np.maximum(sums.max(axis=1), 0.0)
    for tail, drawn in ((walk_range_tail, high - low), (walk_largest_tail, np.maximum(high, -low))):
        for x in (1.0, 2.0, 2.5):
            seen = np.mean(drawn > x)
            assert abs(tail(x, steps) - seen) <= 4 * np.sqrt(seen * (1 - seen) / draws) + 0.002, (tail, x)


@pytest.mark.parametrize(("tail", "motion"), TAILS)
def test_of_many_steps_it_is_the_motion(tail, motion):
    assert tail(2.5, np.full(10**6, 1e-6)) == pytest.approx(motion(2.5), rel=0.02)


@pytest.mark.parametrize(("tail", "motion"), TAILS)
@pytest.mark.parametrize("m", [1, 3, 400])
def test_beyond_five_deviations_it_is_the_motion(tail, motion, m):
    steps = np.full(m, 1 / m)
    assert [tail(x, steps) for x in (5.0, 7.574, 30.0)] == [motion(x) for x in (5.0, 7.574, 30.0)]
    assert tail(np.nextafter(5.0, 0.0), steps) == pytest.approx(motion(5.0), rel=1e-6)


@pytest.mark.parametrize(("tail", "motion"), TAILS)
@pytest.mark.parametrize("m", [1, 2, 3, 5, 10, 40, 60, 5000])
def test_tails_fall(tail, motion, m):
    at = np.concatenate([np.linspace(0.0, 4.0, 27), np.arange(4.0, 5.0, 0.02), np.linspace(5.0, 6.0, 7)])
    values = [tail(x, np.full(m, 1 / m)) for x in at]
    assert values[0] == 1.0
    assert all(one >= other for one, other in itertools.pairwise(values))
    # As far as the last position of the walk at least, and at most as the motion.
    assert all(2 * stats.norm.sf(x) * (1 - 1e-9) <= one <= motion(x) for x, one in zip(at, values, strict=True))
