"""Consistency ranges: hand arithmetic, exact binomial sums, scipy's quantiles, and seeded simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from calibeval.core.errors import InputError, UsageError
from calibeval.core.uncertainty.consistency import consistency_range


def test_two_rows_by_hand() -> None:
    # 0, 1 or 2 rows are correct with probabilities 0.01, 0.18 and 0.81: 0.01 may be left out below, nothing above.
    assert consistency_range(2, 0.9) == (0.5, 1.0)


def test_one_row_is_right_for_sure_only_beyond_the_tail() -> None:
    assert consistency_range(1, 0.97) == (0.0, 1.0)
    assert consistency_range(1, 0.98) == (1.0, 1.0)
    assert consistency_range(1, 0.02) == (0.0, 0.0)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_certain_rows_leave_one_point(confidence: float) -> None:
    assert consistency_range(7, confidence) == (confidence, confidence)


def test_a_tail_that_is_hit_exactly_is_left_out_on_both_sides() -> None:
    # All three of three even chances have probability 1/8, which is all that a level of 3/4 may leave out.
    assert consistency_range(3, 0.5, level=0.75) == (1 / 3, 2 / 3)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 57])
@pytest.mark.parametrize("percent", [1, 20, 33, 50, 90, 99])
def test_small_counts_are_exact(count: int, percent: int) -> None:
    chance, tail = Fraction(percent, 100), Fraction(1, 40)
    weights = [math.comb(count, h) * chance**h * (1 - chance) ** (count - h) for h in range(count + 1)]
    below = [sum(weights[: h + 1]) for h in range(count + 1)]
    low = next(h for h in range(count + 1) if below[h] > tail)
    high = next(h for h in range(count + 1) if below[h] >= 1 - tail)
    assert consistency_range(count, percent / 100) == (low / count, high / count)


@pytest.mark.parametrize("count", [100, 5_000, 39_000, 1_000_000, 2_000_000_000])
@pytest.mark.parametrize("confidence", [1e-6, 0.003, 0.31, 0.5, 0.95, 0.9999])
def test_large_counts_agree_with_scipy_to_one_row(count: int, confidence: float) -> None:
    low, high = consistency_range(count, confidence)
    slack = 1 if count * confidence * (1 - confidence) > 1e4 else 0
    assert abs(round(low * count) - binom.ppf(0.025, count, confidence)) <= slack
    assert abs(round(high * count) - binom.ppf(0.975, count, confidence)) <= slack


@pytest.mark.parametrize(
    ("count", "confidence", "level"),
    [
        (40_000, 0.5, 0.932),  # a variance of 10,000: the last one that is summed
        (39_999, 0.5, 0.932),
        (207_458, 0.05078125, 0.999),  # 9,999.997
        (40_466, 0.446, 0.99),  # 9,998.5
        (58_453, 0.219, 0.95),  # 9,997.7
    ],
)
def test_up_to_a_variance_of_ten_thousand_ranges_are_exact(count: int, confidence: float, level: float) -> None:
    # In each case the normal approximation is off by a row.
    expected = [binom.ppf(0.5 * (1.0 + side * level), count, confidence) / count for side in (-1.0, 1.0)]
    assert consistency_range(count, confidence, level) == tuple(expected)


def test_a_calibrated_bin_falls_inside_as_often_as_promised() -> None:
    rng = np.random.default_rng(7)
    confidences = rng.uniform(0.8, 0.9, 400)
    low, high = consistency_range(400, float(confidences.mean()))
    accuracy = (rng.random((20_000, 400)) < confidences).mean(axis=1)
    assert 0.95 <= np.mean((accuracy >= low) & (accuracy <= high)) < 0.97


@given(st.integers(1, 3_000), st.floats(0.0, 1.0), st.floats(0.01, 0.999))
def test_the_range_is_ordered_symmetric_and_wide_enough(count: int, confidence: float, level: float) -> None:
    low, high = consistency_range(count, confidence, level)
    assert 0.0 <= low <= high <= 1.0
    assert low <= confidence + 1.0 / count
    assert high >= confidence - 1.0 / count
    hits = (round(low * count), round(high * count))
    assert binom.cdf(hits[1], count, confidence) - binom.cdf(hits[0] - 1, count, confidence) >= level - 1e-9


@given(st.integers(1, 500), st.integers(0, 64))
def test_right_and_wrong_may_swap_roles(count: int, part: int) -> None:
    low, high = consistency_range(count, part / 64)
    mirrored = consistency_range(count, 1 - part / 64)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_a_mean_that_rounding_took_past_one_is_one() -> None:
    assert consistency_range(3, 1.0000000000000002) == (1.0, 1.0)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="count is 0"):
        consistency_range(0, 0.5)
    with pytest.raises(InputError, match=r"confidence is 1\.1"):
        consistency_range(3, 1.1)
    with pytest.raises(InputError, match="confidence is nan"):
        consistency_range(3, math.nan)
    with pytest.raises(UsageError, match="level is 95"):
        consistency_range(3, 0.5, level=95)
