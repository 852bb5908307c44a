"""The temperature with the smallest NLL, its interval, and the score test, against plain and independent numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from calibeval import Predictions, compare, evaluate
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums import optimum, sample
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.score_test import normal_score, two_sided_p
from tests.data import logits_and_labels


def drawn(n, k, sharper=1.0, seed=0, spread=2.0):
    """Logits that are `sharper` times those from which the labels are drawn."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(n, k)) * spread
    labels = (true + rng.gumbel(size=(n, k))).argmax(axis=1)
    return true * sharper, labels


def nll_at(logits, labels, log_t):
    x = logits / math.exp(log_t)
    return special.logsumexp(x, axis=1) - x[np.arange(len(labels)), labels]


def measured(logits, labels, **more):
    return evaluate(Predictions(logits=logits, labels=labels, **more))["temperature"]


@pytest.mark.parametrize("k", [2, 5, 30])
@pytest.mark.parametrize("sharper", [0.6, 1.0, 1.7])
def test_value_and_interval_are_those_of_an_independent_optimum(k, sharper):
    logits, labels = drawn(600, k, sharper)
    found = measured(logits, labels)
    best = optimize.minimize_scalar(
        lambda log_t: nll_at(logits, labels, log_t).mean(), bounds=(-2, 2), options={"xatol": 1e-10}
    ).x
    assert found.value == pytest.approx(math.exp(best), rel=1e-6)
    step = 1e-4
    low, middle, high = (nll_at(logits, labels, best + d) for d in (-step, 0.0, step))
    slopes, curvature = (high - low) / (2 * step), ((high - 2 * middle + low) / step**2).sum()
    error = math.sqrt((slopes**2).sum()) / curvature
    assert found.low == pytest.approx(math.exp(best - 1.959964 * error), rel=1e-4)
    assert found.high == pytest.approx(math.exp(best + 1.959964 * error), rel=1e-4)


def test_the_optimum_by_hand():
    """Three of four right at odds of e^3: the best odds are 3, so T = 3 / ln 3."""
    found = measured([[3.0, 0.0]] * 40, [0] * 30 + [1] * 10)
    assert found.value == pytest.approx(3 / math.log(3), rel=1e-9)
    p = 1 / (1 + math.exp(-3.0))
    # Each error exceeds the expected NLL by 3 p, each right row stays 3 (1 - p) below it.
    assert found.z == pytest.approx((10 * 3 * p - 30 * 3 * (1 - p)) / math.sqrt(40 * 9 * p * (1 - p)))


@pytest.mark.parametrize(("sharper", "sign"), [(1.5, 1), (0.65, -1)])
def test_directions_agree(sharper, sign):
    logits, labels = drawn(2000, 4, sharper)
    report = evaluate(Predictions(logits=logits, labels=labels))
    found = report["temperature"]
    assert sign * found.z > 5
    assert found.p < 1e-6
    assert sign * (found.value - 1) > 0.2
    assert sign * report["gap"].value > 0


def test_logits_that_are_divided_by_their_temperature_have_the_temperature_1():
    logits, labels = drawn(500, 6, 1.8)
    first = measured(logits, labels)
    assert measured(logits / first.value, labels).value == pytest.approx(1.0, rel=1e-7)
    assert measured(logits * 3.0, labels).value == pytest.approx(3.0 * first.value, rel=1e-7)


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_probabilities_give_the_numbers_of_their_logits(kind):
    logits, labels = drawn(300, 5, 1.3)
    log_p = special.log_softmax(logits, axis=1)
    scores = np.exp(log_p) if kind == "probs" else log_p
    found = evaluate(Predictions(**{kind: scores}, labels=labels))["temperature"]
    expected = measured(logits, labels)
    for name in ("value", "low", "high", "z", "p"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9)


def test_without_errors_there_is_no_optimum_but_a_test():
    found = measured([[2.0, 0.0]] * 50, [0] * 50)
    assert (found.value, found.low) == (None, None)
    assert found.reason.code == "no_optimum"
    assert found.z == pytest.approx(-math.sqrt(50 * math.exp(-2)))
    assert found.p == pytest.approx(two_sided_p(found.z, found_skewness(2.0, 50)), rel=1e-9)


def found_skewness(margin, n):
    p = 1 / (1 + math.exp(-margin))
    return (2 * p - 1) / math.sqrt(n * p * (1 - p))


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        ([[0.0, 0.0]] * 40, [0, 1] * 20, "same score|largest score"),
        ([[1.0, 0.0]] * 40, [1] * 30 + [0] * 10, "no information"),
    ],
)
def test_scores_that_a_temperature_cannot_improve(logits, labels, said):
    found = measured(logits, labels)
    assert found.value is None
    assert found.reason.code == "no_optimum"
    assert any(part in found.reason for part in said.split("|"))


def test_labels_of_probability_0_leave_nothing():
    found = evaluate(Predictions(probs=[[0.7, 0.3], [1.0, 0.0]] * 20, labels=[0, 1] * 20))["temperature"]
    assert (found.value, found.z, found.p, found.count, found.row) == (None, None, None, 20, 1)
    assert found.reason.code == "infinite"
    top = evaluate(Predictions(confidence=[0.7] * 40, correct=[0, 1] * 20))["temperature"]
    assert (top.value, top.z, top.reason.code) == (None, None, "top_label_only")


def test_of_few_errors_the_interval_holds_all_that_the_score_test_does_not_refute():
    logits = np.zeros((1000, 2))
    logits[:, 0] = 6.0
    labels = np.zeros(1000, int)
    labels[:3] = 1
    found = measured(logits, labels)
    assert found.value == pytest.approx(6.0 / math.log(997 / 3), rel=1e-6)
    for end in (found.low, found.high):
        q = 1 / (1 + math.exp(6.0 / end))
        z = (3 - 1000 * q) / math.sqrt(1000 * q * (1 - q))
        skew = (1 - 2 * q) / math.sqrt(1000 * q * (1 - q))
        assert abs(normal_score(z, skew)) >= 1.9  # between places of a table


def test_added_sums_give_a_series_near_1_and_say_so():
    logits, labels = drawn(4000, 4, 1.06)
    dump = Predictions(logits=logits, labels=labels)
    parts = [summarise(Predictions(logits=logits[i::2], labels=labels[i::2])) for i in (0, 1)]
    added, whole = METRICS["temperature"].measured(parts[0] + parts[1], 0.95), evaluate(dump)["temperature"]
    assert added.reason.code == "from_sums"
    assert added.value == pytest.approx(whole.value, abs=1e-3)
    assert (added.low, added.high) == pytest.approx((whole.low, whole.high), abs=0.01)
    assert (added.z, added.p) == pytest.approx((whole.z, whole.p), rel=1e-9)


def test_added_sums_of_a_temperature_far_from_1_have_none():
    logits, labels = drawn(400, 4, 2.5)
    half = summarise(Predictions(logits=logits, labels=labels))
    found = METRICS["temperature"].measured(half + half, 0.95)
    assert (found.value, found.reason.code) == (None, "far_from_one")
    assert found.z > 3


def test_many_rows_are_sampled_evenly_and_it_is_said(monkeypatch):
    monkeypatch.setattr(sample, "SAMPLE_SCORES", 4000)
    monkeypatch.setattr(sample, "SAMPLE_ROWS", 900)
    logits, labels = drawn(5000, 4, 1.3)
    chosen = sample.chosen(0, 5000, 5000, 1000)
    assert 990 <= len(chosen) <= 1010
    assert sorted(np.bincount(chosen % 7)) == pytest.approx([143] * 7, abs=6)
    found = measured(logits, labels)
    monkeypatch.undo()
    part = measured(logits[chosen], labels[chosen])
    assert (found.value, found.low, found.high) == (part.value, part.low, part.high)
    assert found.reason.code == "sampled"
    assert f"from {len(chosen):,} of 5,000 rows" in found.reason
    assert found.z != part.z  # of all rows


def test_a_large_sample_is_searched_from_a_part_of_it(monkeypatch):
    logits, labels = drawn(3000, 5, 1.4)
    whole = measured(logits, labels)
    monkeypatch.setattr(optimum, "MANY", 1000)
    assert measured(logits, labels).value == pytest.approx(whole.value, rel=1e-6)


def test_copies_in_groups_say_no_more_than_one_of_them():
    logits, labels = drawn(400, 3, 1.2)
    one = measured(logits, labels)
    codes = np.repeat(np.arange(400), 5)
    many = evaluate(Predictions(logits=logits[codes], labels=labels[codes], columns={"video": codes}), group="video")[
        "temperature"
    ]
    assert many.value == pytest.approx(one.value, rel=1e-9)
    assert math.log(many.high / many.low) == pytest.approx(math.log(one.high / one.low), rel=0.02)
    assert many.z == pytest.approx(one.z, rel=0.02)
    assert many.p >= 0.9 * one.p


def test_weights_are_copies_for_the_value():
    logits, labels = drawn(300, 3, 1.2)
    weights = np.random.default_rng(1).integers(1, 4, 300)
    found = measured(logits, labels, weights=weights)
    copies = measured(np.repeat(logits, weights, axis=0), np.repeat(labels, weights))
    assert found.value == pytest.approx(copies.value, rel=1e-8)
    assert found.high - found.low > copies.high - copies.low
    assert measured(logits, labels, weights=np.ones(300)).to_dict() == measured(logits, labels).to_dict()


def test_paired_differences_are_those_of_the_linear_parts_of_both():
    logits, labels = drawn(800, 4, 1.0)
    other = logits * 1.3 + np.random.default_rng(2).normal(size=logits.shape) * 0.2
    dumps = [Predictions(logits=z, labels=labels) for z in (logits, other)]
    found = compare(dumps[0], dumps[1])["temperature"]
    ends = []
    for z in (logits, other):
        log_t, step = math.log(measured(z, labels).value), 1e-4
        low, middle, high = (nll_at(z, labels, log_t + d) for d in (-step, 0.0, step))
        curvature = ((high - 2 * middle + low) / step**2).sum()
        ends.append((math.exp(log_t), -math.exp(log_t) * (high - low) / (2 * step) / curvature))
    difference = ends[1][0] - ends[0][0]
    error = math.sqrt(((ends[1][1] - ends[0][1]) ** 2).sum())
    assert found.difference == pytest.approx(difference, rel=1e-6)
    assert (found.low, found.high) == pytest.approx(
        (difference - 1.959964 * error, difference + 1.959964 * error), rel=1e-2
    )


def test_the_normal_score_of_a_gamma_variable():
    """Wilson and Hilferty's cube root: within a hundredth of the exact tail's quantile at moderate skewness."""
    for skew in (0.1, 0.5, 1.0):
        gamma = stats.pearson3(skew)
        for z in (-1.5, 0.9, 2.0, 3.0):
            assert normal_score(z, skew) == pytest.approx(-stats.norm.isf(gamma.cdf(z)), abs=0.03)
            assert normal_score(-z, -skew) == -normal_score(z, skew)


@pytest.mark.parametrize("expected", [0.01, 0.1, 1.0, 5.0])
def test_the_exact_size_of_the_test_for_errors_of_equal_weight(expected):
    """All rows alike: the number of errors is binomial, so the chance of each p is known without drawing."""
    n = 2000
    q = expected / n
    counts = np.arange(30)
    z = (counts - n * q) / math.sqrt(n * q * (1 - q))
    skew = (1 - 2 * q) / math.sqrt(n * q * (1 - q))
    p = np.array([two_sided_p(one, skew) for one in z])
    chance = stats.binom.pmf(counts, n, q)
    assert chance[p < 0.05].sum() <= 0.08  # of few whole numbers
    assert chance[p < 0.001].sum() <= 0.002


def test_any_logits_have_an_optimum_or_a_reason():
    for seed in range(20):
        logits, labels = logits_and_labels(30, 3, seed=seed, scale=10.0 ** (seed % 7 - 3))
        found = measured(logits, labels)
        assert (found.value is None) == (found.reason is not None)
        if found.value is not None:
            assert 0 < found.low <= found.value <= found.high < math.inf


def test_an_interval_without_an_upper_end_is_null_with_the_reason():
    logits = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)
    found = evaluate(Predictions(logits=logits, labels=np.arange(40) % 3))["temperature"]
    assert (found.low, found.high, found.reason.code) == (None, None, "no_upper_end")
    assert found.value > 2.0
