"""With groups, no interval of an error contradicts that of the gap of all rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta, t

from calibeval import Predictions, evaluate
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.all_rows import error_of_sum, in_one_bin, reach_by_groups
from calibeval.core.uncertainty.intervals import ece_interval, oe_interval
from calibeval.core.uncertainty.paths import Joint
from calibeval.core.uncertainty.squares import rms_interval

ERRORS = ("ece", "aece", "rmsce")


def report(shift, bins, *, groups=50, n=2000, seed=0, weighted=False):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.55, 0.95, n)
    correct, weights = rng.random(n) < p - shift, rng.uniform(0.2, 3.0, n) if weighted else None
    columns = {"g": np.arange(n) % groups}
    dump = Predictions(confidence=p, correct=correct, columns=columns, weights=weights)
    return evaluate(dump, group="g", bins=bins, metrics=["confidence_gap", "oe", *ERRORS])


def far_end(gap):
    return max(gap.high, -gap.low)


@pytest.mark.parametrize("bins", [1, 2, 5, 15, 30, 100])
@pytest.mark.parametrize("shift", [-0.04, 0.0, 0.03, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_reach_as_far_as_the_gap_by_groups(bins, shift, weighted):
    found = report(shift, bins, seed=bins, weighted=weighted)
    gap, single = found["confidence_gap"], report(shift, 1, seed=bins, weighted=weighted)
    for name in ERRORS:
        assert found[name].high >= far_end(gap) - 1e-12
        assert found[name].low <= found[name].value
        # The noise of bins is taken away from the value, but no more than from that of a single bin.
        assert found[name].corrected >= single[name].corrected - 2e-3
        assert found[name].low <= found[name].corrected <= found[name].high


@pytest.mark.parametrize("seed", range(6))
def test_corrected_values_of_many_bins_keep_the_gap(seed):
    found = report(0.03, 30, seed=seed)
    for name in ERRORS:
        assert found[name].corrected >= abs(found["confidence_gap"].value) - 0.003


@pytest.mark.parametrize("seed", range(4))
def test_the_error_of_a_class_reaches_as_far_as_its_frequency(seed):
    rng, n, groups = np.random.default_rng(seed), 2000, 50
    z = rng.normal(0, 1.5, n)
    p, true = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(0.2 - z))
    labels, codes = (rng.random(n) < true).astype(int), np.arange(n) % groups
    dump = Predictions(probs=np.column_stack([1 - p, p]), labels=labels, columns={"g": codes})
    found = evaluate(dump, group="g", bins=30, metrics=["ece_positive", "cwce"])
    own = np.bincount(codes, weights=p - labels)
    error = np.sqrt(groups / (groups - 1) * np.sum((own - own.mean()) ** 2)) / n
    end = abs(own.sum()) / n + t.ppf(0.975, groups - 1) * error
    for name in ("ece_positive", "cwce"):
        assert found[name].high >= end - 1e-12


def two_bins(right):
    """Two bins of 50 rows of confidence 0.8."""
    p = np.repeat([0.8, 0.8], 50)
    y = np.concatenate([np.arange(50) < count for count in right]).astype(float)
    parts = [(p[own], y[own]) for own in (slice(50), slice(50, 100))]
    sums = [(50.0, p.sum(), (p * p).sum(), y.sum(), (y * p).sum()) for p, y in parts]
    return BinSums(*np.array(sums).T)


def test_the_error_of_a_sum_by_hand():
    sums, among = two_bins([35, 30]), np.array([[0.0, 0.25], [0.25, 0.0]])
    joint = Joint(np.array([6.0, 8.0]), among, 20.0)
    # 36 + 64 + 2 x 0.25 x 48; with weights 0.5 and -1: 9 + 64 - 2 x 0.25 x 24.
    assert error_of_sum(sums, joint, np.ones(2)) == pytest.approx(math.sqrt(124))
    assert error_of_sum(sums, joint, np.array([0.5, -1.0])) == pytest.approx(math.sqrt(61))
    one = in_one_bin(sums, joint)
    assert (one.error.tolist(), one.correlation.tolist(), one.freedom) == ([math.sqrt(124)], [[0.0]], 20.0)
    # 65 of 100 rows are right at a confidence of 0.8.
    reach = reach_by_groups(sums, 100, joint, 0.95)
    assert reach.largest_gap == pytest.approx(0.15 + t.ppf(0.975, 20) * math.sqrt(124) / 100)
    assert reach.slack == pytest.approx(0.15)


def test_groups_that_cancel_tell_no_more_than_independent_rows():
    sums, among = two_bins([35, 30]), np.array([[0.0, -0.99], [-0.99, 0.0]])
    # The sum of squares around the mean: 100 x 0.65 x 0.35.
    assert error_of_sum(sums, Joint(np.array([4.0, 4.0]), among, 20.0), np.ones(2)) == pytest.approx(math.sqrt(22.75))


def test_dependence_between_bins_widens_every_error():
    sums = two_bins([35, 30])
    for interval in (ece_interval, oe_interval, rms_interval):
        apart, together = (
            interval(sums, 100, 0.95, Joint(np.array([4.0, 4.0]), among, 30.0))
            for among in (np.zeros((2, 2)), np.array([[0.0, 0.9], [0.9, 0.0]]))
        )
        assert together.high > apart.high


def test_overconfidence_reaches_as_far_as_its_signed_sum():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        p, codes = rng.uniform(0.55, 0.95, 2000), np.arange(2000) % 50
        correct = rng.random(2000) < p - 0.03
        dump = Predictions(confidence=p, correct=correct, columns={"g": codes})
        found = evaluate(dump, group="g", bins=100, metrics=["oe"])["oe"]
        places = np.ceil(p * 100).astype(int)
        mean = (np.bincount(places, weights=p) / np.maximum(np.bincount(places), 1))[places]
        own = np.bincount(codes, weights=mean * (p - correct))
        error = np.sqrt(50 / 49 * np.sum((own - own.mean()) ** 2)) / 2000
        assert found.high >= own.sum() / 2000 + t.ppf(0.975, 49) * error - 1e-12


def accuracy(errors, groups=200, size=5):
    """The accuracy by groups, of which each of the first ones has a wrong row."""
    correct = np.ones(groups * size, bool)
    correct[: errors * size : size] = False
    columns = {"g": np.repeat(np.arange(groups), size)}
    dump = Predictions(confidence=np.full(groups * size, 0.99), correct=correct, columns=columns)
    return evaluate(dump, group="g", metrics=["accuracy"])["accuracy"]


@pytest.mark.parametrize(("errors", "exact"), [(2, True), (3, True), (29, True), (30, False)])
def test_the_accuracy_with_few_errors_contains_the_exact_interval(errors, exact):
    found = accuracy(errors)
    # Groups with at most one error each vary no more than independent rows.
    ends = beta.ppf([0.025, 0.975], [1000 - errors, 1001 - errors], [errors + 1, errors])
    assert found.low <= ends[0] + 1e-9 or not exact
    assert (found.high >= ends[1] - 1e-9) == exact


def test_the_accuracy_without_an_error_counts_groups():
    found = accuracy(0)
    assert found.high == 1.0
    assert found.low <= 0.025 ** (1 / 200)
