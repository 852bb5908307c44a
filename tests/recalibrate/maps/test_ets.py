"""Ensemble temperature scaling: weights by hand, beside an independent optimiser, and at the edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import softmax

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps.ets import mixture
from tests.data import logits_and_labels


def test_two_parts_by_hand():
    # Two rows have likelihoods .9 and .5, one has .1 and .5. With w = (1 - v, v): d/dv of 2 log(.9 - .4 v) +
    # log(.1 + .4 v) is 0 where 2 (.1 + .4 v) = .9 - .4 v, at v = 7/12.
    found, search = mixture(np.log([[0.9, 0.5], [0.9, 0.5], [0.1, 0.5]]), None)
    assert found.tolist() == pytest.approx([5 / 12, 7 / 12], abs=1e-9)
    assert (search.converged, search.gradient < 1e-9, search.iterations > 0) == (True, True, True)
    weighted, _ = mixture(np.log([[0.9, 0.5], [0.1, 0.5]]), np.array([2.0, 1.0]))
    assert weighted.tolist() == pytest.approx(found.tolist(), abs=1e-9)


def test_a_part_that_is_better_in_every_row_gets_all_the_weight():
    found, search = mixture(np.log([[0.9, 0.5, 0.2], [0.6, 0.5, 0.2]]), None)
    assert (found.tolist(), search.converged) == ([1.0, 0.0, 0.0], True)


def test_a_likelihood_that_float64_cannot_hold_keeps_the_uniform_part():
    found, search = mixture(np.array([[-0.1, -0.1, -1.0]] * 99 + [[-2000.0, -3000.0, -1.0]]), None)
    assert found[2] > 0
    assert search.converged


def likelihoods(z, labels, temperature):
    rows = np.arange(len(labels))
    parts = softmax(z / temperature, axis=1), softmax(z, axis=1), np.full(z.shape, 1 / z.shape[1])
    return np.stack([part[rows, labels] for part in parts], axis=1)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_another_optimiser(k, seed):
    z, labels = logits_and_labels(400, k, scale=3.0, seed=seed)
    labels = np.where(np.random.default_rng(seed).random(400) < 0.1, 0, labels)
    found = fit(Predictions(logits=z, labels=labels), "ets")
    parts = likelihoods(z, labels, found.temperature)
    other = minimize(
        lambda w: -np.log(parts @ w).mean(),
        [0.6, 0.2, 0.2],
        jac=lambda w: -(parts / (parts @ w)[:, None]).mean(axis=0),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert found.fitted.nll_after == pytest.approx(-np.log(parts @ np.array(found.weights)).mean(), abs=1e-12)
    assert found.fitted.nll_after <= other.fun + 1e-12
    assert found.fitted.search.converged


@given(st.integers(2, 40), st.integers(2, 5), st.integers(0, 10_000), st.sampled_from([1e-6, 0.1, 1.0, 30.0, 1e6]))
def test_never_worse_than_a_temperature_and_the_predicted_class_stays(n, k, seed, scale):
    rng = np.random.default_rng(seed)
    p = Predictions(logits=rng.normal(size=(n, k)) * scale, labels=rng.integers(0, k, n))
    found, temperature = fit(p, "ets"), fit(p)
    assert found.fitted.nll_after <= temperature.fitted.nll_after + 1e-12
    assert found.temperature == temperature.temperature
    assert min(found.weights) >= 0
    assert sum(found.weights) == pytest.approx(1, abs=1e-12)
    mapped = np.asarray(found(p).scores[0:n])
    assert (mapped.argmax(axis=1) == np.asarray(p.scores).argmax(axis=1)).all()
    assert np.exp(mapped).sum(axis=1) == pytest.approx(np.ones(n))


def test_labels_that_are_noise_use_the_uniform_part():
    """Sharp scores, of which one row in five is labelled at random: a temperature does not repair them."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 3000)
    z = rng.normal(size=(3000, 4)) + 12.0 * np.eye(4)[truth]
    labels = np.where(rng.random(3000) < 0.2, rng.integers(0, 4, 3000), truth)
    p = Predictions(logits=z, labels=labels)
    found, temperature = fit(p, "ets"), fit(p)
    assert found.weights[2] == pytest.approx(0.2, abs=0.03)
    assert found.fitted.nll_after < temperature.fitted.nll_after - 0.005


def test_the_weights_of_a_file_are_checked():
    z, labels = logits_and_labels(100, 3)
    document = json.loads(fit(Predictions(logits=z, labels=labels), "ets").to_json())
    for name, value, message in (
        ("weights", [0.5, 0.4, 0.2], "3 numbers of at least 0 with the sum 1"),
        ("weights", [0.5, 0.5], "3 numbers of at least 0 with the sum 1"),
        ("weights", [1.5, -0.5, 0.0], "3 numbers of at least 0 with the sum 1"),
        ("temperature", -1.0, '"temperature" is -1, but it must be positive'),
    ):
        changed = {**document, "parameters": {**document["parameters"], name: value}}
        with pytest.raises(InputError, match=message):
            from_json(json.dumps(changed))
