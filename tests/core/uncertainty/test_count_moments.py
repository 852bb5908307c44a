"""Moments of gaps where few outcomes are expected: exact enumeration, and the two sides of a count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.count_moments import (
    RareOutcomes,
    folded_moments,
    largest_rare_square,
    over_moments,
    rare_total,
)
from calibeval.core.uncertainty.floors import gap_floor, gap_p_value, mean_absolute_gap, oe_floor


def equal(n: int, confidence: float, right: float = 0.0) -> BinSums:
    """One bin of n rows with this confidence."""
    values = (n, n * confidence, n * confidence**2, right, right * confidence)
    return BinSums(*(np.array([float(x)]) for x in values))


def binomial(n: int, p: float) -> np.ndarray:
    return np.array([math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)])


def central(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = float(weights @ values)
    return float(weights @ (values - mean) ** 2), float(weights @ (values - mean) ** 3)


@pytest.mark.parametrize(("n", "risk"), [(1, 0.1), (10, 0.02), (10, 0.98), (40, 0.1), (40, 0.15), (20, 0.35)])
def test_both_sides_are_those_of_the_exact_count(n: int, risk: float) -> None:
    errors, weights = np.arange(n + 1.0), binomial(n, risk)
    sums = equal(n, 1.0 - risk)
    means = mean_absolute_gap(sums)
    folded = folded_moments(sums, means)
    assert (folded.variance[0], folded.third[0]) == pytest.approx(central(np.abs(errors - n * risk), weights), rel=1e-6)
    over = over_moments(sums, 0.5 * means)
    exact = central(np.maximum(errors - n * risk, 0.0), weights)
    assert (over.variance[0], over.third[0]) == pytest.approx((exact[0], max(exact[1], 0.0)), rel=1e-6, abs=1e-12)


def test_many_expected_outcomes_are_normal() -> None:
    sums = equal(10_000, 0.9)
    means = mean_absolute_gap(sums)
    assert folded_moments(sums, means).variance[0] == pytest.approx(900 * (1 - 2 / math.pi), rel=1e-3)
    assert over_moments(sums, 0.5 * means).variance[0] == pytest.approx(900 * (0.5 - 0.5 / math.pi), rel=1e-3)


@pytest.mark.parametrize(("n", "risk"), [(100, 0.001), (300, 0.001), (1000, 0.001), (1000, 0.003), (200, 0.02)])
def test_quantiles_of_accurate_models_are_exceeded_as_rarely_as_they_say(n: int, risk: float) -> None:
    """A perfect model in one bin: its ECE is |errors - n risk| / n, its OE nearly the positive part."""
    errors, weights = np.arange(n + 1.0), binomial(n, risk)
    sums = equal(n, 1.0 - risk)
    for floor, values in (
        (gap_floor(sums, n), np.abs(errors - n * risk) / n),
        (oe_floor(sums, n), (1.0 - risk) * np.maximum(errors - n * risk, 0.0) / n),
    ):
        assert weights @ (values > floor.high + 1e-9) <= 0.07
        assert weights @ (values > floor.certain + 1e-9) <= 0.0015


@pytest.mark.parametrize(("wrong", "least"), [(0, 0.9), (1, 0.09), (2, 0.004), (3, 0.0001)])
def test_the_p_of_a_few_errors_is_at_least_their_probability(wrong: int, least: float) -> None:
    n, risk = 100, 0.001
    exact = float(binomial(n, risk)[wrong:].sum())
    assert exact > least
    p = gap_p_value(equal(n, 1.0 - risk, right=n - wrong), n)
    assert p >= 0.99 * exact if wrong else p > 0.3


def test_more_rare_outcomes_than_rows_are_impossible() -> None:
    assert rare_total(0.5, 0.25, 1e-9) == 1  # one row
    assert rare_total(1.0, 0.5, 1e-9) == 2  # two rows
    assert RareOutcomes.of(np.array([9.0]), np.array([8.0])) is None
    assert RareOutcomes.of(np.array([0.0]), np.array([0.0])) is None


def test_two_classes_share_their_outcomes() -> None:
    """An error raises the gaps of two classes at once: its number, not twice its number, is random."""
    one = RareOutcomes.of(np.array([0.1, 0.1]), np.array([0.1, 0.1]), together=2)
    assert one is not None
    assert one.total == pytest.approx(0.1)
    assert one.value(1) == pytest.approx(2.0 - 0.2 + 0.0)
    assert one.quantile(0.05) == one.value(1)  # P(X >= 1) is 9.5 %


def test_the_largest_square_is_that_of_the_decisive_bin() -> None:
    sums = BinSums(*(np.array(x) for x in ([10.0, 1000.0], [9.99, 999.0], [9.98, 998.0], [0.0, 0.0], [0.0, 0.0])))
    few, many = (rare_total(mean, variance, 0.001) for mean, variance in zip([0.01, 1.0], sums.variance, strict=True))
    squares = ((few - 0.01) ** 2 / 10.0, (many - 1.0) ** 2 / 1000.0)
    assert largest_rare_square(sums, 1010, 0.001) == pytest.approx(max(squares) / 1010, rel=1e-6)


@pytest.mark.parametrize("moved", [1.0, 1.0 - 1e-13, 1.0 + 1e-13])
def test_a_quantile_that_is_reached_exactly_is_reached_whatever_the_rounding(moved: float) -> None:
    # One row that is wrong with probability 0.05 = 1 - 0.95 exceeds 0 with exactly that probability.
    assert rare_total(0.05 * moved, 0.05 * 0.95 * moved, 1.0 - 0.95) == 0
    assert rare_total(0.0501, 0.0501 * 0.9499, 1.0 - 0.95) == 1


def test_a_gap_that_is_always_the_same_has_no_moments() -> None:
    # Of one row of probability 1/2, or of one of weight 0.1, the gap is half of it with either outcome.
    for w in (1.0, 0.1, 3.0):
        squared = BinSums(*(np.array([x * w * w]) for x in (1.0, 0.5, 0.25, 1.0, 0.5)))
        one = BinSums(*(np.array([x * w]) for x in (1.0, 0.5, 0.25, 1.0, 0.5)), squared=squared)
        moments = folded_moments(one, mean_absolute_gap(one))
        assert (moments.variance.tolist(), moments.third.tolist()) == ([0.0], [0.0])
