"""Temperatures of folds by one step from the optimum of all rows, and scores under the temperature of each row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from calibeval.core.sums.optimum import optimum_of
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.softened import losses_under, temperatures
from tests.data import logits_and_labels
from tests.definitions import softmax


def sample(n, k, *, seed=0, weighted=False):
    logits, labels = logits_and_labels(n, k, seed=seed)
    weights = np.random.default_rng(seed).random(n) + 0.1 if weighted else None
    return Sample(logits, labels, np.arange(n), weights)


def searched(one, rows):
    """The logarithm of the best temperature of some rows, by a plain search."""
    weights = np.ones(len(rows)) if one.weights is None else one.weights[rows]

    def loss(log_t):
        p = softmax(one.scores[rows] / math.exp(log_t))
        return -np.average(np.log(p[np.arange(len(rows)), one.labels[rows]]), weights=weights)

    return minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "k"), [(60, 3), (400, 3), (3000, 20)])
def test_each_fold_has_the_temperature_of_the_others(n, k, weighted):
    one, folds = sample(n, k, weighted=weighted), (np.arange(n) % 5).astype(np.int16)
    found = temperatures(one, "logits", folds, 5, optimum_of([one], "logits").log_t)
    expected = [searched(one, np.flatnonzero(folds != fold)) for fold in range(5)]
    np.testing.assert_allclose(found, expected, atol=1e-5)  # 0.02 cubed, of the longest single step


@pytest.mark.parametrize("k", [2, 5, 40])
def test_scores_under_the_temperature_of_each_row(k):
    one = sample(300, k)
    log_t = np.random.default_rng(1).normal(size=300)
    found = losses_under(one, "logits", log_t)
    p = softmax(one.scores / np.exp(log_t)[:, None])
    own = p[np.arange(300), one.labels]
    np.testing.assert_allclose(found.nll, -np.log(own), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found.brier, 1.0 - 2.0 * own + np.square(p).sum(axis=1), rtol=1e-10, atol=1e-14)


def test_probabilities_of_zero_stay_zero():
    one = Sample(np.array([[0.0, 0.25, 0.75]]), np.array([1]), np.arange(1))
    found = losses_under(one, "probs", np.array([math.log(2.0)]))
    right = 0.5 / (0.5 + math.sqrt(0.75))
    assert found.nll[0] == pytest.approx(-math.log(right))
    assert found.brier[0] == pytest.approx(2.0 * (1.0 - right) ** 2)
