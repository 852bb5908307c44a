"""Derivatives of the NLL with a weight and a bias for each class, and the search for its optimum."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps import by_class, newton, parts
from tests.data import logits_and_labels


def dump_of(k, *, weighted=False, masked=False, n=120):
    rng = np.random.default_rng(k)
    logits, labels = logits_and_labels(n, k)
    if masked:
        logits[::3, -1] = np.where(labels[::3] == k - 1, logits[::3, -1], -np.inf)
    weights = {"weights": rng.integers(1, 4, n).astype(float)} if weighted else {}
    return Predictions(logits=logits, labels=labels, **weights)


def plain_loss(dump, values, beta):
    """The summed NLL by its definition."""
    k, z = dump.k, np.asarray(dump.scores[0 : dump.rows])
    counts = np.ones(dump.rows) if dump.weights is None else dump.weights.values
    with np.errstate(invalid="ignore"):
        v = np.where(np.isneginf(z), -np.inf, z * beta * values[:k] + values[k:])
    return float(counts @ (np.log(np.exp(v).sum(axis=1)) - v[np.arange(len(v)), dump.labels]))


@pytest.mark.parametrize("k", [2, 3, 10, 20])
@pytest.mark.parametrize("what", [{}, {"weighted": True}, {"masked": True}, {"weighted": True, "masked": True}])
def test_derivatives_are_differences_of_the_plain_loss(k, what):
    dump, beta, h = dump_of(k, **what), 0.7, 1e-6
    values = np.concatenate([np.linspace(0.8, 1.3, k), np.linspace(-0.5, 0.4, k)])
    rows = parts.parts_of(dump, None, parts.Base(beta))
    seen = by_class.look(rows, values)
    assert seen.nll == pytest.approx(plain_loss(dump, values, beta), rel=1e-12)
    units = np.eye(2 * k) * h
    slopes = [(plain_loss(dump, values + u, beta) - plain_loss(dump, values - u, beta)) / (2 * h) for u in units]
    np.testing.assert_allclose(seen.gradient, slopes, atol=1e-5)
    one = np.random.default_rng(0).normal(size=2 * k)
    bends = (by_class.look(rows, values + h * one).gradient - by_class.look(rows, values - h * one).gradient) / (2 * h)
    np.testing.assert_allclose(seen.times(one), bends, atol=1e-5)


def test_rows_that_are_read_again_give_the_same_map(monkeypatch):
    dump = dump_of(20, weighted=True, masked=True, n=3000)
    kept = fit(dump, "vector")
    monkeypatch.setattr(parts, "KEPT_SCORES", 100)
    monkeypatch.setattr(parts, "PART_SCORES", 20_000)
    read = fit(dump, "vector")
    np.testing.assert_allclose(read.weights, kept.weights, atol=1e-6)
    np.testing.assert_allclose(read.biases, kept.biases, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e4, 1e8])
def test_the_search_ends_at_every_scale_of_the_logits(scale):
    logits, labels = logits_and_labels(300, 4)
    found = fit(Predictions(logits=logits * scale, labels=labels), "vector")
    plain = fit(Predictions(logits=logits, labels=labels), "vector")
    assert found.fitted.search.converged
    assert found.fitted.search.gradient <= 1e-6
    assert found.fitted.note is None
    np.testing.assert_allclose(np.array(found.weights) * scale, plain.weights, rtol=1e-6)


def test_a_search_that_ends_early_is_said(monkeypatch):
    monkeypatch.setattr(newton, "MOST_STEPS", 0)
    monkeypatch.setattr(by_class, "MOST_UPDATES", 1)
    logits, labels = logits_and_labels(300, 4)
    found = fit(Predictions(logits=logits, labels=labels), "vector")
    assert not found.fitted.search.converged
    assert found.fitted.search.iterations == 1
    assert found.fitted.note == (
        f"the search did not converge: after 1 step, the gradient is still {found.fitted.search.gradient:.1e}"
    )
    assert found.fitted.nll_after <= fit(Predictions(logits=logits, labels=labels)).fitted.nll_after


def test_the_sum_of_the_biases_is_0():
    logits, labels = logits_and_labels(500, 10)
    found = fit(Predictions(logits=logits + np.linspace(0.0, 2.0, 10), labels=labels), "vector")
    assert sum(found.biases) == pytest.approx(0.0, abs=1e-12)
    assert max(found.biases) > 0.01


class Quartic:
    """The sum of c (x - 1)^4 + (x - 1)^2 / 2 over coordinates, far from a quadratic at the start."""

    def __init__(self, values, c):
        self.values, self.c = values, c
        away = values - 1.0
        self.loss = float(np.sum(c * away**4 + away**2 / 2))
        self.gradient = 4 * c * away**3 + away
        self.bend = 12 * c * away**2 + 1
        self.steepness = float(np.abs(self.gradient).max())

    def times(self, direction):
        return self.bend * direction

    def solve(self, direction):
        return direction


def test_newton_reaches_the_minimum_of_a_quartic():
    c = np.array([1e-3, 1.0, 1e3])
    point, search = newton.descend(lambda values: Quartic(values, c), Quartic(np.array([50.0, -50.0, 50.0]), c))
    np.testing.assert_allclose(point.values, 1.0, atol=1e-7)
    assert search.converged
    assert search.gradient <= newton.ENOUGH
    assert 5 < search.iterations < 60


def test_a_step_uphill_is_not_taken():
    c = np.ones(1)
    point = Quartic(np.array([2.0]), c)
    assert newton.lower(lambda values: Quartic(values, c), point, np.array([1.0])) is None
    lower = newton.lower(lambda values: Quartic(values, c), point, np.array([-8.0]))
    assert lower is not None
    assert lower.values[0] == 1.0  # the eighth of the step: the first that gains enough
