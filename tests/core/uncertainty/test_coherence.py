"""A calibration error is never smaller than |gap| of all rows, and so say its intervals, with any number of bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.evaluate import evaluate
from tests.definitions import softmax

SEEDS = st.integers(0, 10_000)


def exact(right, n):
    """Clopper and Pearson's interval, from the quantiles of the beta distribution."""
    low = 0.0 if right == 0 else float(beta.ppf(0.025, right, n - right + 1))
    return low, 1.0 if right == n else float(beta.ppf(0.975, right + 1, n - right))


def drawn(seed, n, k, gap):
    """Rows of k classes whose accuracy is their confidence minus a gap, about."""
    rng = np.random.default_rng(seed)
    probs = softmax(rng.uniform(0.5, 4.0) * rng.normal(size=(n, k)))
    top = probs.argmax(axis=1)
    right = rng.random(n) < probs.max(axis=1) - gap
    labels = np.where(right, top, (top + 1) % k)
    return Predictions(probs=probs, labels=labels), probs.max(axis=1), right


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(60, 400),
    bins=st.sampled_from([1, 2, 5, 15, 30, 31, 100, 1000]),
    gap=st.sampled_from([-0.2, -0.03, 0.0, 0.03, 0.2]),
)
def test_with_any_number_of_bins(seed, n, bins, gap):
    predictions, confidence, right = drawn(seed, n, 3, gap)
    found = evaluate(predictions, bins=bins).dumps[0].metrics
    low, high = exact(int(right.sum()), n)
    stated = confidence.mean()
    largest, table = max(high - stated, stated - low), evaluate(predictions, bins=bins).dumps[0].equal_width
    signed = sum(row.count * row.confidence * row.gap for row in table if row.count) / n
    if min(right.sum(), n - right.sum()) < 30:
        signed += stated * (right.mean() - low)
    for name, least in (("ece", largest), ("aece", largest), ("oe", signed)):
        one = found[name]
        if one.low is None:  # bins are too thin
            continue
        assert one.high >= min(least, 1.0) - 1e-9
        assert one.low <= one.corrected <= one.high
    if found["ece"].low is not None:
        measured = abs(stated - right.mean())
        assert found["ece"].low <= max(found["ece"].value - measured, found["ece"].value)
        assert found["aece"].corrected >= _of_one_bin(predictions) - 1e-9
        assert found["ece"].corrected >= _of_one_bin(predictions) - 1e-9


def _of_one_bin(predictions):
    """The corrected value of all rows in one bin."""
    return evaluate(predictions, bins=1).dumps[0].metrics["ece"].corrected


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, bins=st.sampled_from([1, 5, 15, 30, 100]), shift=st.sampled_from([-1.0, -0.2, 0.2, 1.0]))
def test_of_the_probability_of_one_class(seed, bins, shift):
    rng = np.random.default_rng(seed)
    logit = 1.5 * rng.normal(size=500)
    p, y = 1.0 / (1.0 + np.exp(-logit)), rng.random(500) < 1.0 / (1.0 + np.exp(shift - logit))
    found = evaluate(Predictions(probs=p, labels=y.astype(int)), bins=bins).dumps[0].metrics["ece_positive"]
    gaps = p - y
    largest = abs(gaps.mean()) + 1.959 * gaps.std() / np.sqrt(500)
    assert found.high >= largest - 1e-9
    assert found.low <= found.corrected <= found.high


# hle leaves out the most confident hundred rows, so that the gap of all rows bounds nothing.
@pytest.mark.parametrize("convention", [name for name in CONVENTIONS if name not in ("calibeval", "hle")])
@pytest.mark.parametrize("bins", [5, 15, 100])
@pytest.mark.parametrize("gap", [-0.03, 0.2])
def test_in_the_bins_of_other_tools(convention, bins, gap):
    predictions, confidence, right = drawn(1, 600, 3, gap)
    found = evaluate(predictions, bins=bins, convention=convention).dumps[0].metrics
    low, high = exact(int(right.sum()), 600)
    least = max(high - confidence.mean(), confidence.mean() - low)
    held = {name: found[name] for name in ("ece", "aece") if found[name].low is not None}
    assert "ece" in held
    assert held["ece"].high >= least - 1e-9
    if "aece" in held:  # equal-mass bins of some tools leave out the row with the lowest confidence
        assert held["aece"].high >= least - 2.0 / 600
