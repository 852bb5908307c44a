"""Means, squared gaps and the calibration of one class where few rows are wrong: what a few more errors would do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from calibeval import Predictions, evaluate
from calibeval.core.sums.binning import BinSums, bin_sums, equal_width_edges
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.intervals import ece_interval
from calibeval.core.uncertainty.small_counts import class_reach_of, shift_of
from calibeval.core.uncertainty.squares import rms_interval

CELLS = [(0.999, 0.999), (0.9999, 0.999), (0.996, 0.999), (0.99, 0.98)]


def two_classes(n, confidence, wrong):
    """Rows of one confidence, half of them for each class; the first ones are wrong."""
    guess = np.arange(n) % 2
    p = np.where(guess == 1, confidence, 1.0 - confidence)
    return Predictions(probs=p, labels=np.where(np.arange(n) < wrong, 1 - guess, guess))


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize(("confidence", "accuracy"), CELLS)
def test_means_of_accurate_models_are_covered(n, confidence, accuracy):
    right, wrong = -math.log(confidence), -math.log(1 - confidence)
    truths = {
        "nll": accuracy * right + (1 - accuracy) * wrong,
        "brier": 2 * (accuracy * (1 - confidence) ** 2 + (1 - accuracy) * confidence**2),
        "rmsce": abs(confidence - accuracy),
        "ece_positive": abs(confidence - accuracy),
    }
    held = dict.fromkeys(truths, 0.0)
    for errors in range(int(binom.ppf(1 - 1e-6, n, 1 - accuracy)) + 1):
        report = evaluate(two_classes(n, confidence, errors), metrics=[*truths])
        for name, truth in truths.items():
            inside = report[name].low - 1e-9 <= truth <= report[name].high + 1e-9
            held[name] += inside * binom.pmf(errors, n, 1 - accuracy)
    assert min(held.values()) >= 0.93


@pytest.mark.parametrize(("errors", "few"), [(0, True), (29, True), (30, False), (970, False), (971, True)])
def test_the_extension_by_hand_on_either_side_of_30_errors(errors, few):
    n, c = 1000, 0.999
    report = evaluate(two_classes(n, c, errors))
    exact = binomtest(errors, n).proportion_ci(0.95, "exact")
    share = errors / n
    costs = {"nll": (-math.log(c), -math.log(1 - c)), "brier": (2 * (1 - c) ** 2, 2 * c**2)}
    for name, (right, wrong) in costs.items():
        mean = right + share * (wrong - right)
        reach = 1.959963984540054 * (wrong - right) * math.sqrt(share * (1 - share) / (n - 1))
        low, high = max(mean - reach, 0.0), mean + reach
        if few:
            low = min(low, mean - (share - exact.low) * (wrong - right))
            high = max(high, mean + (exact.high - share) * (wrong - right))
        assert report[name].value == pytest.approx(mean)
        assert (report[name].low, report[name].high) == (pytest.approx(low), pytest.approx(high))


def test_the_cost_of_a_wrong_row_by_its_definition():
    # Of a wrong row, the label is drawn from the other classes by their probabilities; its mean probability counts.
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.3), 50)
    labels = np.where(np.arange(50) < 25, p.argmax(axis=1), rng.integers(0, 5, 50))
    expected = []
    for row in p:
        others = np.delete(row, row.argmax())
        expected.append(math.log(row.max()) - math.log(np.sum(others * others) / others.sum()))
    sums = summarise(Predictions(probs=p, labels=labels), keep_rows=True)
    assert sums.rows.risk == pytest.approx(expected, rel=1e-6)
    assert sums.risk == pytest.approx(np.sum(expected), rel=1e-6)


@pytest.mark.parametrize("gap", [20.0, 40.0, 300.0])
def test_a_row_that_is_nearly_sure_has_the_cost_of_its_logits(gap):
    # 1 - confidence is 0 in float64 from 37 on.
    sums = summarise(Predictions(logits=[[0.0, gap]] * 3, labels=[1, 1, 1]))
    assert sums.risk / 3 == pytest.approx(gap, rel=1e-3)


def test_where_an_error_would_be_infinite_there_is_no_upper_end():
    probs = np.array([[1.0, 0.0]] + [[0.9, 0.1]] * 299)
    report = evaluate(Predictions(probs=probs, labels=np.zeros(300, int)))
    assert report["nll"].value == pytest.approx(-299 / 300 * math.log(0.9))
    assert (report["nll"].low, report["nll"].high) == (None, None)
    assert report["nll"].reason.code == "no_upper_end"
    assert report["brier"].high is not None
    many = evaluate(Predictions(probs=probs, labels=np.arange(300) % 2 * (np.arange(300) > 200)))
    assert many["nll"].low < many["nll"].value < many["nll"].high


@pytest.mark.parametrize(("errors", "known"), [(29, True), (30, False)])
def test_costs_are_added_up_only_where_they_are_needed(errors, known, monkeypatch):
    monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 100)
    predictions = two_classes(100, 0.9, errors)
    assert (summarise(predictions).risk is not None) == known
    assert summarise(predictions, keep_rows=True).risk is not None
    twice = Predictions(probs=np.tile(predictions.scores[0:100], (2, 1)), labels=np.tile(predictions.labels, 2))
    assert (summarise(twice).risk is not None) == known  # 58 errors, but no block of rows has 30


def test_the_squared_error_of_few_errors_is_that_of_all_rows_at_least():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.9999, 1.0, 500)
    sums = bin_sums(p, np.ones(500), equal_width_edges(15))
    found, shift = rms_interval(sums, 500, 0.95), shift_of(sums, 500, 0.95)
    assert found.low == 0.0
    assert shift.largest_gap == pytest.approx(p.mean() - 0.025 ** (1 / 500))
    assert shift.largest_gap <= found.high == pytest.approx(shift.largest_gap, rel=1e-3)


def test_both_signs_of_the_gap_of_a_class():
    # 40 rows for each class, at .2 and .8: errors where it is likely raise mean p - frequency, others lower it.
    count, p = np.array([40.0, 40.0]), np.array([8.0, 32.0])
    for y, gap in (([8.0, 24.0], 0.1), ([16.0, 32.0], -0.1)):
        sums = BinSums(count, p, p * p / 40, np.array(y), np.array(y) * p / 40)
        one, other = (binomtest(wrong, 80).proportion_ci(0.95, "exact") for wrong in (int(y[0]), int(40 - y[1])))
        highest = gap + other.high - (40 - y[1]) / 80 + y[0] / 80 - one.low
        lowest = gap - ((40 - y[1]) / 80 - other.low) - (one.high - y[0] / 80)
        assert class_reach_of(sums, 80, 0.95).largest_gap == pytest.approx(max(highest, -lowest))


def test_a_sure_class_is_as_certain_as_its_errors_not_as_its_frequency():
    # Whether half of the rows are of class 1 is a matter of chance; whether 2 of 2000 sure rows are wrong is not.
    p = np.tile([0.001, 0.999], 1000)
    y = np.tile([0.0, 1.0], 1000)
    y[:2] = 1.0 - y[:2]
    sums = bin_sums(p, y, equal_width_edges(15))
    found = ece_interval(sums, 2000, 0.95, of_class=True)
    assert found.high < 0.006 < ece_interval(sums, 2000, 0.95).high
