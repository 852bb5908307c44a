"""Cox's slope and intercept of two classes, against an independent regression, and the tests beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from calibeval import Predictions, evaluate
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import summarise
from tests import definitions


def drawn(n, slope=1.0, intercept=0.0, seed=0):
    """Stated P(class 1), and labels whose log-odds are intercept + slope x the stated ones."""
    rng = np.random.default_rng(seed)
    s = rng.normal(size=n) * 2
    return special.expit(s), (rng.random(n) < special.expit(intercept + slope * s)).astype(int)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, 0.4), (1.6, -0.8)])
def test_numbers_intervals_and_tests(slope, intercept):
    p, y = drawn(800, slope, intercept)
    report = evaluate(Predictions(probs=p, labels=y))
    expected = definitions.cox(np.stack([1 - p, p], axis=1), y)
    found = report["cox_intercept"], report["cox_slope"]
    assert [one.value for one in found] == pytest.approx(expected, rel=1e-7, abs=1e-9)
    x = np.stack([np.ones(800), special.logit(p)])
    fitted = special.expit(expected @ x)
    bread = np.linalg.inv((x * fitted * (1 - fitted)) @ x.T)
    covariance = bread @ ((x * (fitted - y) ** 2) @ x.T) @ bread
    for one, error in zip(found, np.sqrt(np.diag(covariance)), strict=True):
        assert (one.low, one.high) == pytest.approx((one.value - 1.959964 * error, one.value + 1.959964 * error))
    gradient, information = x @ (y - p), (x * p * (1 - p)) @ x.T
    assert (
        found[0].p
        == found[1].p
        == pytest.approx(max(stats.chi2.sf(gradient @ np.linalg.solve(information, gradient), 2), 1e-15))
    )
    ratio = 2 * (stats.bernoulli.logpmf(y, fitted).sum() - stats.bernoulli.logpmf(y, p).sum())
    assert found[0].lr == found[1].lr == pytest.approx(ratio, rel=1e-6)


def test_a_slope_alone_is_an_inverse_temperature_of_symmetric_rows():
    p, y = drawn(500, 0.7)
    both = Predictions(probs=np.concatenate([p, 1 - p]), labels=np.concatenate([y, 1 - y]))
    report = evaluate(both)
    assert report["cox_intercept"].value == pytest.approx(0.0, abs=1e-9)
    assert report["cox_slope"].value == pytest.approx(1 / report["temperature"].value, rel=1e-6)


def test_separated_labels_have_no_numbers_but_a_test():
    report = evaluate(Predictions(probs=[0.1] * 20 + [0.8] * 20, labels=[0] * 20 + [1] * 20))
    for name in ("cox_slope", "cox_intercept"):
        assert (report[name].value, report[name].reason.code) == (None, "no_optimum")
        assert 0 < report[name].p < 0.05
        assert report[name].lr is None


def test_equal_probabilities_have_no_slope():
    found = evaluate(Predictions(probs=[0.3] * 40, labels=[0] * 30 + [1] * 10))["cox_slope"]
    assert (found.value, found.p) == (None, None)
    assert "same probability" in found.reason


def test_labels_of_probability_0_and_added_sums_have_none():
    found = evaluate(Predictions(probs=[0.3, 0.7, 0.0] * 20, labels=[0, 1, 1] * 20))["cox_slope"]
    assert (found.value, found.p, found.reason.code) == (None, None, "infinite")
    p, y = drawn(100)
    half = summarise(Predictions(probs=p, labels=y))
    assert METRICS["cox_slope"].measured(half + half, 0.95).reason.code == "not_measured"


def test_certain_rows_that_are_right_change_nothing():
    p, y = drawn(300, 0.8)
    report = evaluate(Predictions(probs=p, labels=y))["cox_slope"]
    more = evaluate(Predictions(probs=np.append(p, [1.0] * 9), labels=np.append(y, [1] * 9)))["cox_slope"]
    assert (more.value, more.p) == pytest.approx((report.value, report.p), rel=1e-9)


def test_weights_are_copies_for_the_value():
    p, y = drawn(200, 0.7)
    weights = np.random.default_rng(3).integers(1, 4, 200)
    found = evaluate(Predictions(probs=p, labels=y, weights=weights))["cox_slope"]
    copies = evaluate(Predictions(probs=np.repeat(p, weights), labels=np.repeat(y, weights)))["cox_slope"]
    assert found.value == pytest.approx(copies.value, rel=1e-8)
    assert found.lr is None
    assert math.isfinite(found.p)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e150, 1e200, 1e300, 1e307])
def test_huge_log_odds_have_no_slope(size):
    logits = np.random.default_rng(1).normal(size=(40, 2))
    logits[0] = size, 0.0
    report = evaluate(Predictions(logits=logits, labels=np.array([1, 0] * 20)))
    for name in ("cox_slope", "cox_intercept"):
        assert report[name].value is None
        assert report[name].reason
    report.to_json()
