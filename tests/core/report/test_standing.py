"""Where a metric stands against its noise floor: each rule on either side of its limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, ClassResult, GroupCount
from calibeval.core.report.standing import (
    Standing,
    bin_judge,
    bin_stands_out,
    class_stands_out,
    standing_in,
    standing_of,
    with_floor,
)
from tests.render.hand_made import bins, over_confident, with_metric


def ece(value, floor, floor_high, low=None, high=None):
    return MetricResult("ece", value, low=low, high=high, floor=floor, floor_high=floor_high)


@pytest.mark.parametrize(
    ("metric", "n", "expected"),
    [
        (ece(0.0129, 0.010, 0.013), 5000, Standing.NOISE),
        (ece(0.0130, 0.010, 0.013), 5000, Standing.NOISE),
        (ece(0.0131, 0.010, 0.013), 5000, Standing.LIKELY),
        (ece(0.0159, 0.010, 0.013), 5000, Standing.LIKELY),
        (ece(0.0161, 0.010, 0.013), 5000, Standing.CERTAIN),
        (ece(0.0161, 0.010, 0.013, low=0.0, high=0.03), 5000, Standing.LIKELY),
        (ece(0.0161, 0.010, 0.013, low=0.001, high=0.03), 5000, Standing.CERTAIN),
        (ece(0.5, 0.010, 0.013), 29, Standing.LIKELY),
        (ece(0.5, 0.010, 0.013), 30, Standing.CERTAIN),
        (ece(0.5, 0.010, 0.013), None, Standing.CERTAIN),
        (ece(0.01, 0.02, 0.030), 900, Standing.NOISE),
        (ece(0.01, 0.02, 0.031), 900, Standing.UNRESOLVED),
        (ece(0.0, 0.0, 0.0), 900, Standing.NOISE),
        (ece(1e-12, 0.0, 0.0), 900, Standing.NOISE),
        (ece(None, 0.02, 0.031), 900, None),
        (MetricResult("nll", 0.5), 900, None),
    ],
)
def test_standing_changes_where_the_rules_say(metric, n, expected):
    assert standing_of(metric, n=n) is expected


def test_a_negative_gap_counts_by_its_size_and_by_the_end_of_its_interval_near_zero():
    gap = MetricResult("confidence_gap", -0.05, low=-0.07, high=-0.03, floor=0.004, floor_high=0.01)
    assert standing_of(gap) is Standing.CERTAIN
    assert standing_of(replace(gap, high=0.001)) is Standing.LIKELY
    assert standing_of(replace(gap, high=0.0)) is Standing.LIKELY


@pytest.mark.parametrize(
    ("k", "floor_high", "expected"),
    [
        (10, 0.006, Standing.NOISE),  # its limit is 0.06 / k
        (10, 0.0061, Standing.UNRESOLVED),
        (100, 0.0006, Standing.NOISE),
        (100, 0.0007, Standing.UNRESOLVED),
        (None, 0.03, Standing.NOISE),
        (None, 0.031, Standing.UNRESOLVED),
    ],
)
def test_cwce_is_coarse_by_its_own_scale(k, floor_high, expected):
    assert standing_of(MetricResult("cwce", 0.0001, floor=0.0001, floor_high=floor_high), n=900, k=k) is expected


def test_the_floor_of_the_mean_gap_is_that_of_one_binomial_count():
    # 400 rows that say 0.9: 400 * |mean - 0.9| = |X - 360| with X ~ Binomial(400, 0.9).
    dump = over_confident(n=400, equal_width=bins((0, None, None), (400, 0.9, 0.88)))
    gap = with_floor(dump, "confidence_gap")
    counts = np.abs(np.random.default_rng(0).binomial(400, 0.9, 200_000) - 360) / 400
    assert gap.floor == pytest.approx(counts.mean(), rel=0.01)
    assert gap.floor_high == pytest.approx(np.quantile(counts, 0.95), abs=1e-9)


def test_a_floor_that_the_report_has_is_kept_and_other_metrics_get_none():
    dump = with_metric(over_confident(), "confidence_gap", floor=0.5, floor_high=0.6)
    assert with_floor(dump, "confidence_gap") is dump["confidence_gap"]
    assert with_floor(dump, "accuracy").floor is None
    assert with_floor(dump, "oe").value is None


def test_a_bin_stands_out_by_its_rows():
    # P(at least 1 of 3 wrong | 0.97) = 0.087 > 0.05, P(at least 2) = 0.0026 < 0.05.
    assert not bin_stands_out(Bin(0.9, 1.0, 3, 0.97, 2 / 3, 0.97 - 2 / 3))
    assert bin_stands_out(Bin(0.9, 1.0, 3, 0.97, 1 / 3, 0.97 - 1 / 3))
    assert not bin_stands_out(Bin(0.9, 1.0, 0, None, None, None))


def test_by_groups_the_mean_gap_gets_no_floor_of_single_rows():
    assert with_floor(over_confident(), "confidence_gap").floor is not None
    assert with_floor(over_confident(groups=GroupCount("video", 50)), "confidence_gap").floor is None


def test_what_one_of_twenty_calibrated_bins_would_show_does_not_stand_out():
    # One row that says 0.9 is wrong, and its gap then 0.9, in one of ten samples: the largest gap there is.
    assert not bin_stands_out(Bin(0.8, 1.0, 1, 0.9, 0.0, 0.9))
    # That says 0.96: in one of 25.
    assert bin_stands_out(Bin(0.8, 1.0, 1, 0.96, 0.0, 0.96))


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0299, Standing.LIKELY), (0.03, Standing.LIKELY), (0.0301, Standing.CERTAIN)]
)
def test_certain_is_above_the_last_quantile(value, expected):
    """Twice as far above the expectation as the 95 % quantile, 0.015, would be certain too early."""
    metric = MetricResult("oe", value, low=0.001, high=0.04, floor=0.005, floor_high=0.01, floor_certain=0.03)
    assert standing_of(metric, n=1000) is expected
    earlier = replace(metric, floor_certain=None)  # a report that does not know it
    assert standing_of(earlier, n=1000) is Standing.CERTAIN


def test_an_interval_without_zero_is_at_least_likely():
    """An MCE of 32.6 % with an interval from 17.6 % cannot be noise, whatever a bin of a few rows may show."""
    mce = MetricResult("mce", 0.326, low=0.176, high=0.361, floor=0.2, floor_high=0.4, floor_certain=0.6)
    assert standing_of(mce, n=500) is Standing.LIKELY
    assert standing_of(replace(mce, low=0.0), n=500) is Standing.UNRESOLVED
    gap = MetricResult("confidence_gap", -0.01, low=-0.02, high=-0.001, floor=0.01, floor_high=0.02)
    assert standing_of(gap, n=500) is Standing.LIKELY
    assert standing_of(replace(gap, high=0.001), n=500) is Standing.NOISE
    assert standing_of(replace(gap, low=None, high=None), n=500) is Standing.NOISE


def temperature(p, low=None, high=None, z=2.5):
    return MetricResult("temperature", 1.1, low=low, high=high, z=z, p=p)


@pytest.mark.parametrize(
    ("metric", "n", "expected"),
    [
        (temperature(0.05), 900, Standing.UNRESOLVED),
        (temperature(0.0499), 900, Standing.LIKELY),
        (temperature(0.001), 900, Standing.LIKELY),
        (temperature(0.00099), 900, Standing.CERTAIN),
        (temperature(0.00099), 29, Standing.LIKELY),
        (temperature(0.5, low=0.81, high=1.24), 900, Standing.NOISE),
        (temperature(0.5, low=0.79, high=1.24), 900, Standing.UNRESOLVED),
        (temperature(0.5, low=0.81, high=1.26), 900, Standing.UNRESOLVED),
        (MetricResult("temperature", 1.1), 900, None),
    ],
)
def test_a_temperature_stands_by_its_test(metric, n, expected):
    assert standing_of(metric, n=n) is expected


@pytest.mark.parametrize("name", ["cox_slope", "cox_intercept"])
def test_one_test_of_two_numbers_says_nothing_about_each(name):
    assert standing_of(MetricResult(name, 0.03, low=-0.03, high=0.09, p=1e-9, lr=40.0), n=900) is None


def test_a_class_stands_out_above_its_floor_only():
    assert class_stands_out(ClassResult("a", 9, 0.0301, 0.0, 0.01, 0.03))
    assert class_stands_out(ClassResult("a", 9, 0.03, 0.0, 0.01, 0.03)) is False
    assert class_stands_out(ClassResult("a", 9, 0.9, 0.0)) is None


def grouped(floor):
    """Grouped rows whose independent floor is that of 800 rows of 0.95 and 200 of 0.6."""
    dump = replace(over_confident(), groups=GroupCount("video", 40))
    return with_metric(dump, "ece", floor=floor, floor_high=None if floor is None else 2 * floor)


def test_bins_of_grouped_rows_have_the_noise_of_the_ece_or_are_not_judged():
    row = Bin(0.9, 1.0, 800, 0.95, 0.93, 0.02)
    assert bin_judge(over_confident())(row)
    # Alone: sqrt(2 / pi) * (sqrt(800 * 0.0475) + sqrt(200 * 0.24)) / 1000 = 0.0104; 0.02 is 2.6 standard errors.
    assert bin_judge(grouped(0.0104))(row)
    assert bin_judge(grouped(0.0208))(row) is False
    assert bin_judge(grouped(None))(row) is None


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.04, 0.001, 0.079, Standing.LIKELY),
        (0.07, 0.03, 0.11, Standing.CERTAIN),  # 0.07 / 0.04 is 1.75 half-widths, and 1.679 are enough
        (0.066, 0.026, 0.106, Standing.LIKELY),
        (-0.07, -0.11, -0.03, Standing.CERTAIN),
        (0.01, -0.01, 0.03, Standing.NOISE),
        (0.02, -0.01, 0.05, Standing.UNRESOLVED),
        (0.02, None, None, None),
    ],
)
def test_the_gap_of_grouped_rows_stands_by_its_interval(value, low, high, expected):
    dump = with_metric(grouped(None), "confidence_gap", value=value, low=low, high=high)
    assert standing_in(dump, "confidence_gap") is expected
