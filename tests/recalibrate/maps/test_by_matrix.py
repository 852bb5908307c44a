"""Derivatives of the NLL with a matrix, and the rough solutions that steps start from."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.recalibrate.maps import by_matrix, parts
from tests.data import logits_and_labels


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_derivatives_are_differences_of_the_plain_loss(k, weighted, masked):
    rng, n, h = np.random.default_rng(k), 150, 1e-6
    logits, labels = logits_and_labels(n, k)
    if masked:
        logits[::3, -1] = np.where(labels[::3] == k - 1, logits[::3, -1], -np.inf)
    weights = {"weights": rng.integers(1, 4, n).astype(float)} if weighted else {}
    dump = Predictions(logits=logits, labels=labels, **weights)
    counts = dump.weights.values if weighted else np.ones(n)
    rows, strength = parts.parts_of(dump, None, parts.Base(0.8, 0.01, classes_first=True)), by_matrix.strengths(k)
    values = rng.normal(size=k * (k + 1)) * 0.2
    p = np.exp(0.8 * logits)
    z = np.log(0.99 * p / p.sum(axis=1, keepdims=True) + 0.01 / k)

    def plain(values):
        w = values.reshape(k, k + 1)
        v = np.where(np.isneginf(logits), -np.inf, z + z @ w[:, :k].T + w[:, k])
        nll = counts @ (np.log(np.exp(v).sum(axis=1)) - v[np.arange(n), labels])
        diagonal, off = np.diag(w), w[:, :k] - np.diag(np.diag(w))
        return float(nll + k * (diagonal**2).sum() + k * (k - 1) * (off**2).sum() + k * (w[:, k] ** 2).sum())

    seen = by_matrix.view(rows, values, strength)
    assert seen.loss == pytest.approx(plain(values), rel=1e-12)
    units = np.eye(len(values)) * h
    slopes = [(plain(values + u) - plain(values - u)) / (2 * h) for u in units]
    np.testing.assert_allclose(seen.gradient, slopes, atol=1e-4)
    one = rng.normal(size=len(values))
    ends = [by_matrix.view(rows, values + step * one, strength).gradient for step in (h, -h)]
    bend = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(seen.times(one), bend, atol=1e-5 * np.abs(bend).max())  # in single precision


@pytest.mark.parametrize("k", [2, 3, 8])
def test_rough_solutions_solve_one_class_at_a_time(k):
    rng = np.random.default_rng(k)
    root = rng.normal(size=(k + 1, k + 1))
    seconds, bends, strength = root @ root.T, rng.random(k), by_matrix.strengths(k)
    given = rng.normal(size=(k, k + 1))
    found = by_matrix._Rough.of(bends, seconds, strength).solve(given)
    for c in range(k):
        np.testing.assert_allclose((bends[c] * seconds + np.diag(strength[c])) @ found[c], given[c], atol=1e-10)


def test_the_seconds_are_means_over_uncertain_rows():
    logits, labels = logits_and_labels(50, 3)
    rows = parts.parts_of(Predictions(logits=logits, labels=labels), None, parts.Base(1.0, 0.01, classes_first=True))
    seen = by_matrix.view(rows, np.zeros(12), by_matrix.strengths(3))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = 0.99 * p / p.sum(axis=1, keepdims=True) + 0.01 / 3
    unsure, ones = 1 - (p**2).sum(axis=1), np.concatenate([np.log(p), np.ones((50, 1))], axis=1)
    np.testing.assert_allclose(seen.seconds, (ones * unsure[:, None]).T @ ones / unsure.sum(), rtol=1e-10)
    np.testing.assert_allclose(seen.bends, (p * (1 - p)).sum(axis=0), rtol=1e-10)
