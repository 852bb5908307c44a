"""Vector scaling beside independent optimisers, and its priors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from calibeval import Predictions
from calibeval.recalibrate.base.scores import row_nll
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps import by_class, vector
from calibeval.recalibrate.maps.newton import descend
from calibeval.recalibrate.maps.parts import Base, parts_of
from tests.data import logits_and_labels


def test_the_penalised_optimum_is_that_of_another_optimiser():
    logits, labels = logits_and_labels(400, 3)
    labels = np.where((labels == 2) & (np.arange(400) % 2 == 0), 0, labels)
    beta, prior = 0.7, by_class.Prior(20.0, 5.0)
    at = by_class.at_prior(parts_of(Predictions(logits=logits, labels=labels), None, Base(beta)), prior)
    found, search = descend(at, at(np.array([1.0] * 3 + [0.0] * 3)))

    def loss(w):
        v = logits * w[:3] * beta + w[3:]
        nll = np.sum(np.log(np.exp(v).sum(axis=1)) - v[np.arange(400), labels])
        return float(nll + 20 * ((w[:3] - 1) ** 2).sum() / 2 + 5 * (w[3:] ** 2).sum() / 2) / 400

    other = minimize(loss, [1, 1, 1, 0, 0, 0], method="BFGS", options={"gtol": 1e-7})
    assert search.converged
    assert search.gradient <= 1e-8
    np.testing.assert_allclose(found.values, other.x, atol=1e-5)


@pytest.mark.parametrize("k", [3, 20])
def test_the_prior_of_greatest_evidence_from_second_differences(k):
    """The Hessian of each class's weight and bias by differences of the plain loss, and the update by hand."""
    logits, labels = logits_and_labels(200, k)
    values = np.concatenate([np.linspace(0.8, 1.3, k), np.linspace(-0.5, 0.4, k)])
    beta, prior = 0.6, by_class.Prior(7.0, 3.0)

    def loss(w):
        v = logits * w[:k] * beta + w[k:]
        return float(np.sum(np.log(np.exp(v).sum(axis=1)) - v[np.arange(200), labels]))

    def second(i, j, h=1e-3):
        one, other = np.eye(2 * k)[i] * h, np.eye(2 * k)[j] * h
        corners = [loss(values + a * one + b * other) * a * b for a in (1, -1) for b in (1, -1)]
        return sum(corners) / (4 * h * h)

    determined = np.zeros(2)
    for c in range(k):
        block = [[second(i, j) for j in (c, c + k)] for i in (c, c + k)]
        spread = np.linalg.inv(np.array(block) + np.diag(prior))
        determined += 1 - np.array(prior) * np.diag(spread)
    expected = determined / [((values[:k] - 1) ** 2).sum(), (values[k:] ** 2).sum()]
    parts = parts_of(Predictions(logits=logits, labels=labels), None, Base(beta))
    bends = by_class.look(parts, values).bends
    assert by_class.likeliest(bends, prior, values) == pytest.approx(expected, rel=1e-3)


def test_vector_settles_at_its_own_prior():
    logits, labels = logits_and_labels(2000, 4)
    biases = np.array([0.0, 0.8, -0.5, 0.0])
    dump = Predictions(logits=logits - biases, labels=labels)
    weights, found = (np.array(part) for part in vector.fit_vector(dump, None).values)
    assert found - found.mean() == pytest.approx(
        (biases - biases.mean()) / fit(Predictions(logits=logits, labels=labels)).temperature, abs=0.15
    )
    assert np.ptp(weights) < 0.1


def test_vector_stays_at_the_temperature_where_the_rows_tell_no_more():
    logits, labels = logits_and_labels(450, 1000)
    dump = Predictions(logits=logits, labels=labels)
    found, plain = fit(dump, "vector"), fit(dump)
    np.testing.assert_allclose(np.array(found.weights) * plain.temperature, 1.0, atol=0.1)
    np.testing.assert_allclose(found.biases, 0.0, atol=0.1)
    logits, labels = logits_and_labels(450, 1000, seed=1)
    other = Predictions(logits=logits, labels=labels)
    assert row_nll(found(other)).mean() < row_nll(plain(other)).mean() + 0.005


def test_vector_is_never_worse_than_the_temperature():
    for k in (2, 5, 40):
        logits, labels = logits_and_labels(300, k, seed=3)
        dump = Predictions(logits=logits, labels=labels)
        assert fit(dump, "vector").fitted.nll_after <= fit(dump).fitted.nll_after + 1e-12


def test_vector_with_masked_classes_and_absent_ones():
    logits, labels = logits_and_labels(300, 5)
    labels = np.where(labels >= 3, 0, labels)
    logits[::2, 4] = -np.inf
    dump = Predictions(logits=logits, labels=labels)
    found = fit(dump, "vector")
    mapped = np.asarray(found(dump).scores[0:300])
    assert (np.isneginf(mapped) == np.isneginf(logits)).all()
    assert np.isfinite(found.biases).all()
    assert found.fitted.nll_after < found.fitted.nll_before
