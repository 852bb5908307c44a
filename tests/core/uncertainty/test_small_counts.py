"""Intervals of models that are nearly always right: their coverage by the probability of every number of errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, chi2

from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.evaluate import evaluate
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.intervals import ece_interval, exact_interval, mce_interval, oe_interval
from calibeval.core.uncertainty.small_counts import error_of_mean, exact_ends, shift_of

CELLS = [(0.999, 0.999), (0.9999, 0.999), (0.996, 0.999), (0.97, 0.999), (0.99, 0.98)]


def one_bin(n, confidence, right):
    sums = n, n * confidence, n * confidence**2, right, right * confidence
    return BinSums(*(np.array([float(x)]) for x in sums))


def covered(truth, n, accuracy, interval):
    """The probability of all numbers of right rows under which the interval holds the truth."""
    first = int(binom.ppf(1e-9, n, accuracy))
    chances = ((right, float(binom.pmf(right, n, accuracy))) for right in range(first, n + 1))
    return sum(p for right, p in chances if interval(right)[0] - 1e-12 <= truth <= interval(right)[1] + 1e-12)


@pytest.mark.parametrize("n", [200, 1000, 5000])
@pytest.mark.parametrize(("confidence", "accuracy"), CELLS)
def test_accurate_models_are_covered(n, confidence, accuracy):
    gap = confidence - accuracy
    for truth, interval in (
        (abs(gap), lambda right: ece_interval(one_bin(n, confidence, right), n, 0.95)),
        (confidence * max(gap, 0.0), lambda right: oe_interval(one_bin(n, confidence, right), n, 0.95)),
        (abs(gap), lambda right: mce_interval(one_bin(n, confidence, right), 0.95)),
        (accuracy, lambda right: exact_interval(right, n, 0.95)),
    ):
        assert covered(truth, n, accuracy, interval) >= 0.93


@pytest.mark.parametrize(("confidence", "accuracy"), CELLS)
def test_the_gap_of_accurate_models_is_covered(confidence, accuracy):
    n = 1000

    def interval(right):
        told = evaluate(Predictions(confidence=np.full(n, confidence), correct=np.arange(n) < right))
        return told["confidence_gap"].low, told["confidence_gap"].high

    assert covered(confidence - accuracy, n, accuracy, interval) >= 0.93


def test_rows_without_an_error_show_no_tiny_error():
    # 300 right rows: up to an error rate of 1 - 0.025^(1/300) they would not be surprising.
    high = ece_interval(one_bin(300, 0.9999, 300), 300, 0.95).high
    assert high == pytest.approx(0.9999 - 0.025 ** (1 / 300))


def test_one_direction_in_many_bins_is_not_taken_for_noise():
    # 15 bins of 100 rows, each off by 4 points; alone, each of them could be noise.
    count, stated, right = np.full(15, 100.0), np.linspace(0.5, 0.9, 15), np.linspace(0.5, 0.9, 15) - 0.04
    sums = BinSums(count, 100 * stated, 100 * stated**2, 100 * right, 100 * right * stated)
    found = ece_interval(sums, 1500, 0.95)
    shift = shift_of(sums, 1500, 0.95)
    assert found.corrected == pytest.approx(0.04, abs=1e-3)
    assert found.low <= found.corrected <= shift.largest_gap <= found.high


def test_the_error_of_a_mean_by_its_definition():
    p = np.array([0.2, 0.9, 0.4])
    sums = BinSums(*(np.array([x, 0.0]) for x in (3.0, p.sum(), p @ p, 0.0, 0.0)))
    assert error_of_mean(sums) == pytest.approx([p.std() / np.sqrt(3), 0.0])


@pytest.mark.parametrize("right", [0.0, 1.0, 27.0, 24.999999999999986])
@pytest.mark.parametrize("n", [0.9e9, 1.1e9, 1e16, 1e30, 9.999999999999997e48])
def test_few_of_very_many_rows_are_a_poisson_count(right, n):
    low, high = exact_ends(right, n, 0.95)
    assert low * n == pytest.approx(chi2.ppf(0.025, 2 * right) / 2 if right else 0.0, rel=1e-5)
    assert high * n == pytest.approx(chi2.ppf(0.975, 2 * right + 2) / 2, rel=1e-5)
