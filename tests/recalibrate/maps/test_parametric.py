"""Platt, beta and vector scaling beside independent optimisers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from calibeval import Predictions, evaluate, read
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.scores import row_nll
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps import vector
from tests.conftest import ROOT
from tests.data import logits_and_labels

CASES = ROOT / "tests" / "cases"


def margins(n=500, slope=0.6, intercept=0.4, seed=0):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=n) * 3
    return s, (rng.random(n) < 1 / (1 + np.exp(-slope * s - intercept))).astype(int)


def test_platt_by_hand():
    # At s = -1 one of four labels is 1, at s = 1 three of four: log-odds -log 3 and log 3.
    found = fit(Predictions(logits=[-1.0] * 4 + [1.0] * 4, labels=[0, 0, 0, 1, 1, 1, 1, 0]), "platt")
    assert (found.slope, found.intercept) == pytest.approx((np.log(3), 0), abs=1e-12)


def test_platt_is_logistic_regression():
    s, y = margins()
    found = fit(Predictions(logits=s, labels=y), "platt")
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(s[:, None], y)
    assert found.slope == pytest.approx(other.coef_[0, 0], rel=1e-5)
    assert found.intercept == pytest.approx(other.intercept_[0], rel=1e-5)


def test_platt_at_margins_of_a_million():
    """Before, the search began on a plateau and gave the map that changes nothing: NLL 31,169.6."""
    found = fit(read(CASES / "platt_large_margins.npz"), "platt")
    assert found.fitted.nll_after == pytest.approx(0.18691, abs=5e-6)
    assert (found.slope, found.intercept) == pytest.approx((5.376e-6, 2.208), rel=2e-4)
    assert found.fitted.search.converged
    assert found.fitted.search.gradient < 1e-10


@pytest.mark.parametrize(("method", "nll"), [("platt", 0.33944), ("beta", 0.33941)])
def test_margins_of_2000(method, nll):
    dump = read(CASES / "beta_margins_2000.npz")
    found = fit(dump, method)
    assert found.fitted.nll_after == pytest.approx(nll, abs=5e-6)
    assert evaluate(found(dump), level=None)["accuracy"].value > 0.84


def test_beta_is_constrained_logistic_regression():
    for seed in range(5):
        s, y = margins(seed=seed, slope=0.3 * seed - 0.3)
        found = fit(Predictions(logits=s, labels=y), "beta")
        log_p, log_q = -np.logaddexp(0, -s), -np.logaddexp(0, s)

        def loss(w, log_p=log_p, log_q=log_q, y=y):
            v = w[0] * log_p - w[1] * log_q + w[2]
            return float(np.mean(np.logaddexp(0, v) - y * v))

        other = minimize(loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B", tol=1e-14)
        assert found.fitted.nll_after <= other.fun + 1e-10
        assert (found.a >= 0, found.b >= 0) == (True, True)


def test_separable_labels_take_the_targets_of_platt():
    for method in ("platt", "beta"):
        found = fit(Predictions(logits=[-2.0, -1.0, 1.0, 3.0], labels=[0, 0, 1, 1]), method)
        assert "separate the two labels" in found.fitted.note
        assert 0 < found.fitted.nll_after < np.log(2)
        alone = fit(Predictions(logits=[-2.0, 1.0], labels=[1, 1]), method)
        assert np.isfinite(alone.fitted.nll_after)


def test_certain_rows_stay_certain():
    s, y = margins()
    sure = np.concatenate([s, [np.inf]])
    logits = np.stack([np.where(np.isinf(sure), -np.inf, 0.0), np.where(np.isinf(sure), 0.0, sure)], axis=1)
    dump = Predictions(logits=logits, labels=np.append(y, 1))
    for method in ("platt", "beta"):
        plain, found = fit(Predictions(logits=s, labels=y), method), fit(dump, method)
        assert list(found.parameters().values()) == pytest.approx(list(plain.parameters().values()), rel=1e-9)
        assert np.asarray(found(dump).scores[500:501]).tolist() == [[-np.inf, 0.0]]


def test_certain_rows_against_a_falling_map_are_refused():
    s, y = margins(slope=-1.0)
    logits = np.stack([np.zeros(501), np.append(s, -np.inf)], axis=1)
    for method in ("platt", "beta"):
        with pytest.raises(InputError, match="Use clip=1e-12"):
            fit(Predictions(logits=logits, labels=np.append(y, 0)), method)
    with pytest.raises(InputError, match="nothing to fit"):
        fit(Predictions(probs=[0.0, 1.0], labels=[0, 1]), "platt")


def vector_parts(logits, labels):
    return list(vector._parts(Predictions(logits=logits, labels=labels), None))


def test_vector_against_another_optimiser():
    logits, labels = logits_and_labels(400, 3)
    labels = np.where((labels == 2) & (np.arange(400) % 2 == 0), 0, labels)
    parts, beta, prior = vector_parts(logits, labels), 0.7, vector.Prior(20.0, 5.0)
    found, note = vector.penalised(lambda: parts, 400, beta, prior, np.array([1.0] * 3 + [0.0] * 3), np.full(6, 10.0))

    def loss(w):
        v = logits * w[:3] * beta + w[3:]
        nll = np.sum(np.log(np.exp(v).sum(axis=1)) - v[np.arange(400), labels])
        return float(nll + 20 * ((w[:3] - 1) ** 2).sum() / 2 + 5 * (w[3:] ** 2).sum() / 2) / 400

    other = minimize(loss, [1, 1, 1, 0, 0, 0], method="BFGS", options={"gtol": 1e-7})
    assert note is None
    np.testing.assert_allclose(found, other.x, atol=1e-5)


@pytest.mark.parametrize("k", [3, 20])
def test_the_prior_of_greatest_evidence_from_second_differences(k):
    """The Hessian of each class's weight and bias by differences of the plain loss, and the update by hand."""
    logits, labels = logits_and_labels(200, k)
    values = np.concatenate([np.linspace(0.8, 1.3, k), np.linspace(-0.5, 0.4, k)])
    beta, prior = 0.6, vector.Prior(7.0, 3.0)

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
    curved = vector.curvatures(vector_parts(logits, labels), beta, values)
    assert vector.likeliest(curved, prior, values) == pytest.approx(expected, rel=1e-3)


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


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_scores_whose_squares_overflow_are_refused(method):
    logits = np.random.default_rng(0).normal(size=(40, 2))
    logits[::2] *= 3e307
    with pytest.raises(InputError, match="the scores are too large or too small for a temperature"):
        fit(Predictions(logits=logits, labels=np.arange(40) % 2), method)
