"""Structured vector and matrix scaling: the plain definition beside another optimiser, and what holds of both."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.scores import row_nll
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps import parts, sms
from tests.data import logits_and_labels

BOTH = pytest.mark.parametrize("method", ["svs", "sms"])


def confused(n, k, seed=0):
    """Logits whose classes are confused with their neighbours and shifted, so that a matrix helps."""
    logits, labels = logits_and_labels(n, k, seed=seed)
    return 2.0 * logits + 0.8 * np.roll(logits, 1, axis=1) + np.linspace(0.0, 1.0, k), labels


def log_softmax(z):
    return (
        z - np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)) - z.max(axis=1, keepdims=True)
    )


def first_scores(logits, temperature, n):
    p = np.exp(log_softmax(logits / temperature))
    return np.log(n / (n + 1) * p + 1 / (n + 1) / logits.shape[1])


@pytest.mark.parametrize("k", [2, 3])
def test_sms_is_the_optimum_of_its_definition(k):
    n = 200
    logits, labels = confused(n, k)
    dump = Predictions(logits=logits, labels=labels)
    found, z = fit(dump, "sms"), first_scores(logits, fit(dump).temperature, n)

    def loss(values):
        w, b = values[: k * k].reshape(k, k), values[k * k :]
        off = w - np.diag(np.diag(w))
        penalty = k * (b @ b) + k * (np.diag(w) ** 2).sum() + k * (k - 1) * (off**2).sum()
        return float(-log_softmax(z + z @ w.T + b)[np.arange(n), labels].mean() + penalty / n)

    other = minimize(loss, np.zeros(k * k + k), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(np.array(found.matrix).ravel(), np.eye(k).ravel() + other.x[: k * k], atol=1e-5)
    np.testing.assert_allclose(found.biases, other.x[k * k :], atol=1e-5)
    assert found.fitted.search.converged
    assert found.equal == 1 / (n + 1)
    w, b = np.array(found.matrix), np.array(found.biases)
    np.testing.assert_allclose(log_softmax(np.asarray(found(dump).scores[0:n])), log_softmax(z @ w.T + b), atol=1e-9)


@pytest.mark.parametrize("k", [2, 3, 17])
def test_svs_is_the_optimum_of_its_definition(k):
    n = 300
    logits, labels = confused(n, k)
    dump = Predictions(logits=logits, labels=labels)
    found, z = fit(dump, "svs"), first_scores(logits, fit(dump).temperature, n)

    def loss(values):
        v, b = values[:k], values[k:]
        nll = -log_softmax((1 + v) * z + b)[np.arange(n), labels].mean()
        return float(nll + k / n * (b @ b + v @ v))

    other = minimize(loss, np.zeros(2 * k), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(found.weights, 1 + other.x[:k], atol=1e-5)
    np.testing.assert_allclose(found.biases, other.x[k:], atol=1e-5)
    expected = log_softmax(np.array(found.weights) * z + np.array(found.biases))
    np.testing.assert_allclose(log_softmax(np.asarray(found(dump).scores[0:n])), expected, atol=1e-9)


def test_a_matrix_helps_where_classes_are_confused():
    logits, labels = confused(4000, 5)
    others, outcomes = confused(4000, 5, seed=1)
    val, test = Predictions(logits=logits, labels=labels), Predictions(logits=others, labels=outcomes)
    nll = {name: row_nll(fit(val, name)(test)).mean() for name in ("temperature", "svs", "sms")}
    assert nll["sms"] < nll["svs"] - 0.05 < nll["temperature"] - 0.05


@BOTH
def test_the_order_of_the_classes_does_not_matter(method):
    logits, labels = confused(400, 6)
    order = np.array([3, 0, 5, 1, 4, 2])
    dump = Predictions(logits=logits, labels=labels)
    turned = Predictions(logits=logits[:, order], labels=np.argsort(order)[labels])
    one, other = fit(dump, method)(dump), fit(turned, method)(turned)
    p, q = (np.exp(log_softmax(np.asarray(found.scores[0:400]))) for found in (one, other))
    np.testing.assert_allclose(q, p[:, order], atol=1e-6)


@BOTH
@pytest.mark.parametrize("k", [2, 4, 20])
def test_logits_and_probabilities_give_one_map(method, k):
    logits, labels = confused(300, k)
    p = np.exp(log_softmax(logits))
    one = fit(Predictions(logits=logits + 7.0, labels=labels), method)
    other = fit(Predictions(probs=p, labels=labels), method)
    np.testing.assert_allclose(one.biases, other.biases, atol=1e-7)
    rows = np.exp(log_softmax(np.asarray(one(logits + 7.0))))
    np.testing.assert_allclose(rows, other(p, kind="probs"), atol=1e-7)


@BOTH
@pytest.mark.parametrize("k", [2, 3, 10, 30])
def test_never_worse_than_the_temperature(method, k):
    for seed in range(3):
        logits, labels = logits_and_labels(12 * k, k, seed=seed)
        dump = Predictions(logits=logits * 1e4, labels=labels)
        found, plain = fit(dump, method), fit(dump)
        assert found.fitted.nll_after <= plain.fitted.nll_after + 1e-12


@BOTH
def test_separable_rows_keep_some_doubt(method):
    logits, _ = logits_and_labels(60, 3)
    dump = Predictions(logits=logits, labels=logits.argmax(axis=1))
    found = fit(dump, method)
    assert found.fitted.note == (
        "no temperature is the best: the smaller, the smaller the NLL; on the fitted rows, a temperature near 0 has a "
        f"smaller NLL than this map, {found.fitted.nll_after:.5g}"
    )
    assert found.fitted.search.converged
    assert 0 < found.fitted.nll_after < 0.02  # equal probabilities have a share of 1 / 61


@BOTH
def test_the_temperature_itself_is_such_a_map(method):
    logits, labels = logits_and_labels(60, 3)
    dump = Predictions(logits=logits, labels=labels)
    found, plain = fit(dump, method), fit(dump)
    values = type(found).of_temperature(plain.temperature, 3)
    found = type(found)(3, None, found.fitted, *values)
    found.check()
    for rows in (logits * 1000, np.where(logits == logits.min(axis=1, keepdims=True), -np.inf, logits)):
        np.testing.assert_allclose(log_softmax(found(rows)), log_softmax(plain(rows)), atol=1e-9)


@BOTH
def test_impossible_classes_stay_so_and_absent_ones_stay_possible(method):
    logits, labels = confused(300, 5)
    labels = np.where(labels >= 3, 0, labels)
    logits[::2, 4] = -np.inf
    dump = Predictions(logits=logits, labels=labels)
    found = fit(dump, method)
    mapped = np.asarray(found(dump).scores[0:300])
    assert (np.isneginf(mapped) == np.isneginf(logits)).all()
    assert found.fitted.nll_after < fit(dump).fitted.nll_after
    assert found.fitted.search.converged
    low = fit(Predictions(logits=np.where(np.isneginf(logits), -60.0, logits), labels=labels), method)
    assert low.fitted.nll_after == pytest.approx(found.fitted.nll_after, abs=3e-4)  # about 1 / (300 x 5), not 0


@BOTH
@pytest.mark.parametrize("k", [2, 7, 77])
def test_a_row_is_mapped_alike_whatever_is_beside_it(method, k):
    logits, labels = confused(12 * k, k)
    found = fit(Predictions(logits=logits, labels=labels), method)
    whole = found(logits)
    for rows in (1, 2, 5, 13):
        parts_of_it = [found(logits[start : start + rows]) for start in range(0, 12 * k, rows)]
        assert (np.concatenate(parts_of_it) == whole).all()


@BOTH
def test_weights_count_as_repeated_rows(method):
    logits, labels = confused(300, 4)
    times = 1 + np.arange(300) % 3
    # Weights are scaled to their effective number of rows, so the penalties of 600 rows are weaker.
    weighted = fit(Predictions(logits=logits, labels=labels, weights=times.astype(float)), method)
    repeated = fit(Predictions(logits=np.repeat(logits, times, axis=0), labels=np.repeat(labels, times)), method)
    assert weighted.fitted.nll_after == pytest.approx(repeated.fitted.nll_after, abs=0.02)
    same = fit(Predictions(logits=logits, labels=labels, weights=np.full(300, 3.0)), method)
    assert same.to_json() == fit(Predictions(logits=logits, labels=labels), method).to_json()


@BOTH
def test_rows_that_are_read_again_give_the_same_map(method, monkeypatch):
    logits, labels = confused(500, 6)
    dump = Predictions(logits=logits, labels=labels, weights=1.0 + np.arange(500) % 2)
    kept = fit(dump, method)
    monkeypatch.setattr(parts, "KEPT_SCORES", 100)
    assert fit(dump, method).to_json() == kept.to_json()


@BOTH
def test_a_clip_makes_impossible_labels_possible(method):
    logits, labels = confused(300, 3)
    logits[0, labels[0]] = -np.inf
    dump = Predictions(logits=logits, labels=labels)
    with pytest.raises(InputError, match="assigns probability 0 to the label"):
        fit(dump, method)
    found = fit(dump, method, clip=1e-9)
    assert np.isfinite(found.fitted.nll_after)
    assert from_json(found.to_json()).to_json() == found.to_json()


@BOTH
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_scale_of_the_logits_does_not_matter(method, scale):
    logits, labels = confused(300, 4)
    plain = fit(Predictions(logits=logits, labels=labels), method)
    found = fit(Predictions(logits=logits * scale, labels=labels), method)
    assert found.temperature == pytest.approx(plain.temperature * scale, rel=1e-9)
    np.testing.assert_allclose(found.biases, plain.biases, atol=1e-6)


def test_too_many_classes_are_refused_and_few_rows_are_said(monkeypatch):
    monkeypatch.setattr(sms, "MOST_CLASSES", 8)
    logits, labels = logits_and_labels(30, 9)
    with pytest.raises(InputError, match="sms is for at most 8 classes, since it fits a matrix of k x k numbers, but"):
        fit(Predictions(logits=logits, labels=labels), "sms")
    for rows, few in ((79, True), (80, False)):
        logits, labels = confused(rows, 8)
        note = fit(Predictions(logits=logits, labels=labels), "sms").fitted.note
        assert note == ("79 rows are few for a matrix of 8 x 8: vector may be better" if few else None)


def test_the_files_hold_the_parameters_and_are_checked():
    logits, labels = confused(90, 3)
    dump = Predictions(logits=logits, labels=labels)
    for method, names in (("svs", {"weights", "biases"}), ("sms", {"matrix", "biases"})):
        text = fit(dump, method).to_json()
        assert from_json(text).to_json() == text
        assert set(json.loads(text)["parameters"]) == {"temperature", "equal"} | names


@pytest.mark.parametrize(
    ("method", "name", "value", "message"),
    [
        ("svs", "temperature", 0.0, 'parameter "temperature" is 0, but it must be positive'),
        ("sms", "equal", 1.0, 'parameter "equal" is 1, but it must be at least 0 and below 1'),
        ("sms", "equal", -0.1, 'parameter "equal" is -0.1, but it must be at least 0'),
        ("svs", "weights", [1.0, 1.0], 'parameter "weights" has 2 numbers, but 3 are needed'),
        ("svs", "biases", [1.0] * 4, 'parameter "biases" has 4 numbers, but 3 are needed'),
        ("sms", "biases", [1.0], 'parameter "biases" has 1 numbers, but 3 are needed'),
        ("sms", "matrix", [[1.0] * 3] * 2, 'parameter "matrix" has 2 rows of 3 numbers, but 3 rows of 3 are needed'),
        ("sms", "matrix", [[1.0] * 3, [1.0] * 2, [1.0] * 3], 'parameter "matrix" has 3 rows of 2 or 3 numbers, but'),
        ("sms", "matrix", [], 'parameter "matrix" has 0 rows, but 3 rows of 3 are needed'),
        ("sms", "matrix", [[1.0, 1.0, "a"]] * 3, "matrix"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(method, name, value, message):
    logits, labels = confused(90, 3)
    document = json.loads(fit(Predictions(logits=logits, labels=labels), method).to_json())
    document["parameters"][name] = value
    with pytest.raises(InputError) as refused:
        from_json(json.dumps(document))
    assert message in str(refused.value)


@pytest.mark.parametrize("method", ["vector", "svs", "sms"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_scores_that_point_away_from_the_labels_are_turned_round(method, scale):
    """The larger the temperature, the smaller its NLL; weights below 0 reach about that of the right scores.

    With fixed penalties and the share of equal probabilities, a few thousandths of a nat remain of the 1.1 of a guess.
    """
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1500, 3)) * 2
    labels = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    right = fit(Predictions(logits=z, labels=labels))
    found = fit(Predictions(logits=-3 * scale * z, labels=labels), method)
    assert fit(Predictions(logits=-3 * scale * z, labels=labels)).fitted.bound == "high"
    assert found.fitted.nll_after <= right.fitted.nll_after + 5e-3
    assert found.fitted.search.converged
