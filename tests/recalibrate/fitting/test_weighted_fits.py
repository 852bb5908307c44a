"""Maps fitted with weights: a row of weight 2 is the row twice, equal weights are none, optima are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from calibeval import Predictions, cross_fit, evaluate, fit
from calibeval.recalibrate.temperature import pieces
from tests.data import logits_and_labels
from tests.definitions import softmax

TIMES = np.random.default_rng(5).integers(1, 4, 900)


def twice(k, dtype=np.float64):
    """Predictions with whole weights, and the same with each row repeated as often."""
    logits, labels = logits_and_labels(900, k)
    logits = logits.astype(dtype)
    again = np.repeat(np.arange(900), TIMES)
    weighted = Predictions(logits=logits, labels=labels, weights=TIMES)
    return weighted, Predictions(logits=logits[again], labels=labels[again])


def weighted_nll(logits, labels, w):
    p = softmax(logits)[np.arange(len(labels)), labels]
    return -(w * np.log(p)).sum() / w.sum()


@pytest.mark.parametrize("objective", ["nll", "accuracy", "ece"])
@pytest.mark.parametrize("k", [2, 3, 70])
def test_a_temperature_of_whole_weights_is_that_of_repeated_rows(k, objective):
    weighted, repeated = twice(k)
    one, other = (fit(p, objective=objective) for p in (weighted, repeated))
    assert one.temperature == pytest.approx(other.temperature, rel=1e-7)
    assert one.fitted.nll_after == pytest.approx(other.fitted.nll_after, rel=1e-9)
    assert one.fitted.nll_before == pytest.approx(other.fitted.nll_before, rel=1e-9)
    assert one.fitted.n == 900


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_find_the_same_optimum(dtype, monkeypatch):
    weighted, repeated = twice(10, dtype)
    monkeypatch.setattr(pieces, "WHOLE_SCORES", 1000)
    monkeypatch.setattr(pieces, "SAMPLE_SCORES", 3000)
    assert fit(weighted).temperature == pytest.approx(fit(repeated).temperature, rel=1e-7)


def test_a_temperature_is_the_optimum_of_scipy():
    logits, labels = logits_and_labels(2000, 5)
    w = np.exp(np.random.default_rng(2).normal(size=2000))
    best = minimize_scalar(lambda u: weighted_nll(logits * np.exp(u), labels, w), (-1.0, 0.0), tol=1e-12)
    found = fit(Predictions(logits=logits, labels=labels, weights=w))
    assert found.temperature == pytest.approx(np.exp(-best.x), rel=1e-6)
    assert found.fitted.nll_after == pytest.approx(best.fun, rel=1e-10)
    unweighted = fit(Predictions(logits=logits, labels=labels))
    assert abs(found.temperature / unweighted.temperature - 1) > 1e-3


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_maps_of_two_classes_are_those_of_repeated_rows(method):
    one, other = (fit(p, method) for p in twice(2))
    for name, value in other.parameters().items():
        assert one.parameters()[name] == pytest.approx(value, rel=1e-6)
    assert one.fitted.nll_after == pytest.approx(other.fitted.nll_after, rel=1e-9)


def test_platt_is_the_optimum_of_scipy():
    logits, labels = logits_and_labels(1500, 2)
    s, w = logits[:, 1] - logits[:, 0], np.exp(np.random.default_rng(2).normal(size=1500))

    def loss(v):
        z = v[0] * s + v[1]
        return (w * (np.logaddexp(0, z) - labels * z)).sum()

    best = minimize(loss, [1.0, 0.0], method="BFGS", tol=1e-9)
    found = fit(Predictions(logits=logits, labels=labels, weights=w), "platt")
    assert [found.slope, found.intercept] == pytest.approx(best.x.tolist(), rel=1e-4)


@pytest.mark.parametrize("k", [2, 4])
def test_isotonic_levels_are_weighted_means(k):
    one, other = (fit(p, "isotonic") for p in twice(k))
    for mine, theirs in zip(one.curves, other.curves, strict=True):
        assert mine.x == pytest.approx(theirs.x)
        # Only levels of 0 and 1, which one more row bounds, know how many rows there are.
        inner = slice(2, -2)
        assert mine.y[inner] == pytest.approx(theirs.y[inner], abs=0.02)


def test_a_vector_fits_the_weighted_loss():
    logits, labels = logits_and_labels(3000, 3)
    w = np.where(labels == 0, 5.0, 1.0)
    plain, weighted = (fit(Predictions(logits=logits, labels=labels, weights=v), "vector") for v in (None, w))

    def of(mapping):
        return weighted_nll(logits * np.array(mapping.weights) + np.array(mapping.biases), labels, w)

    assert of(weighted) < of(plain) - 1e-3
    assert weighted.fitted.nll_after == pytest.approx(of(weighted), rel=1e-9)

    def loss(v):
        return weighted_nll(logits * v[:3] + v[3:], labels, w)

    best = minimize(loss, np.concatenate([np.ones(3), np.zeros(3)]), method="BFGS")
    assert of(weighted) == pytest.approx(best.fun, abs=1e-3)  # the priors keep it a little away


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic", "platt", "beta", "auto"])
def test_equal_weights_are_none(method):
    logits, labels = logits_and_labels(400, 2)
    plain, same = (fit(Predictions(logits=logits, labels=labels, weights=w), method) for w in (None, [3.0] * 400))
    assert plain.to_json() == same.to_json()


def test_auto_judges_by_the_weighted_loss():
    logits, labels = logits_and_labels(1200, 3)
    w = np.exp(np.random.default_rng(2).normal(size=1200))
    predictions = Predictions(logits=logits, labels=labels, weights=w)
    chosen = fit(predictions, "auto")
    row = next(one for one in chosen.fitted.selection if one.method == "temperature")
    out_of_fold = cross_fit(predictions, 5, "temperature").predictions
    assert row.nll == pytest.approx(evaluate(out_of_fold)["nll"].value, rel=1e-9)


def test_reports_before_and_after_are_weighted():
    logits, labels = logits_and_labels(1000, 3)
    w = np.exp(np.random.default_rng(2).normal(size=1000))
    predictions = Predictions(logits=logits, labels=labels, columns={"w": w, "half": np.arange(1000) % 2})
    crossed = evaluate(predictions, weights="w", cross_fit=4).dumps[0]
    expected = evaluate(cross_fit(Predictions(logits=logits, labels=labels, weights=w), 4).predictions)
    assert crossed.recalibrated.metrics["ece"] == expected["ece"]
    here, there = (predictions.select(np.arange(1000) % 2 == side) for side in (0, 1))
    again = evaluate(here, weights="w", fit_on=there).dumps[0].recalibrated
    own = w[np.arange(1000) % 2 == 1]
    odd = Predictions(logits=logits[1::2], labels=labels[1::2], weights=own)
    assert again.parameters["temperature"] == fit(odd).temperature
