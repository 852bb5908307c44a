"""What rounding must not decide: variances that are nothing else, and quantiles of counts that are reached exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.sums import kernel
from calibeval.core.sums.risk import decided_by_few
from calibeval.core.uncertainty.intervals import mean_interval, spread_of

KERNELS = ["numpy", *(f"native:{one.name}" for one in kernel.available())]


@pytest.fixture(params=KERNELS)
def each_kernel(request, monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, request.param)


@pytest.mark.parametrize("rounding", [-1e-15, 0.0, 1e-15, 1e-14])
def test_a_variance_that_is_rounding_of_its_parts_is_none(rounding):
    n, value = 1000, 0.1
    low, high, _ = mean_interval(n * value, n * value * value * (1.0 + rounding), n, 0.95)
    assert (low, high) == (pytest.approx(value, rel=1e-15), pytest.approx(value, rel=1e-15))
    assert spread_of(3.0, 5.0, 2) == 0.25


def test_squares_beyond_float64_stay_so():
    assert math.isinf(spread_of(1e300, math.inf, 2))
    assert mean_interval(1e300, math.inf, 2, 0.95) is None


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2.0, 65)])
@pytest.mark.parametrize("k", [3, 57, 1000])
def test_equal_rows_have_no_score_test(each_kernel, k, weights):
    found = evaluate(probs=np.full((65, k), 1 / k), labels=np.arange(65) % k, weights=weights)["temperature"]
    assert (found.z, found.p) == (None, None)


@pytest.mark.parametrize("k", [3, 10, 200])
def test_equal_losses_of_rows_have_intervals_of_one_number(each_kernel, k):
    rng = np.random.default_rng(k)
    report = evaluate(logits=1e-310 * rng.normal(size=(900, k)), labels=rng.integers(0, k, 900))
    for name, value in (("nll", math.log(k)), ("brier", 1.0 - 1.0 / k)):
        found = report[name]
        assert (found.low, found.high) == (pytest.approx(value, rel=1e-13), pytest.approx(value, rel=1e-13)), name


@pytest.mark.parametrize("factor", [1 / 3, 3.0, 1000.0])
def test_the_scale_of_weights_does_not_matter(each_kernel, factor):
    """Few rows of many classes: the gap of many of them hardly varies but for the class itself."""
    rng = np.random.default_rng(0)
    logits, weights = 3.0 * rng.normal(size=(65, 200)), rng.random(65)
    labels = rng.integers(0, 200, 65)
    plain, scaled = (
        evaluate(logits=logits, labels=labels, weights=w, bins=2).dumps[0].per_class
        for w in (weights, weights * factor)
    )
    for field in ("calibration_error", "floor", "floor_high"):
        wanted = [getattr(one, field) for one in plain]
        assert [getattr(one, field) for one in scaled] == pytest.approx(wanted, rel=1e-9), field


def test_the_floor_of_a_class_that_hardly_varies_is_at_least_the_gap_of_its_rows(each_kernel):
    """The effective rows expect a rare class so seldom that its gap has no variance; but one row of it may come."""
    rng = np.random.default_rng(0)
    logits, weights = 3.0 * rng.normal(size=(65, 200)), rng.random(65)
    labels = rng.integers(0, 200, 65)
    found = evaluate(logits=logits, labels=labels, weights=weights, bins=2).dumps[0].per_class
    assert all(one.floor_high > 1.5 * one.floor for one in found)


def test_30_errors_of_equal_weights_are_30():
    for weight in (0.1, 0.3, 1.0 / 7.0):
        right = float(np.add.accumulate(np.full(30, weight))[-1]) / weight
        assert not decided_by_few(right, 100.0)
    assert decided_by_few(29.99, 100.0)


@pytest.mark.parametrize("scale", [1e300, 1.7e308])
def test_logits_near_the_end_of_float64_end_without_warnings(each_kernel, scale):
    rng = np.random.default_rng(1)
    logits = np.clip(scale * rng.uniform(-1.0, 1.0, size=(50, 4)), -1.7e308, 1.7e308)
    report = evaluate(logits=logits, labels=rng.integers(0, 4, 50))
    assert report["temperature"].value is None or math.isfinite(report["temperature"].value)
    assert not {"Infinity", "NaN"} & set(report.to_json().replace(",", " ").split())
