"""The gain of a dump's rows by recalibration: which rows, which folds, and which part of them."""

from __future__ import annotations

import numpy as np

from calibeval import Predictions
from calibeval.core.evaluation.with_gain import with_gain, with_same_gain
from calibeval.core.sums.engine import summarise
from tests.core.metrics.test_gain import gain_of, sharpened


def _gain(sums):
    return sums.gain


def test_without_rows_the_sums_stay_as_they_are():
    p = sharpened(200)
    sums = summarise(p)
    assert with_gain(sums, p) is sums


def test_another_model_gets_the_folds_of_the_same_rows():
    p, order = sharpened(400), np.random.default_rng(0).permutation(400)
    first = with_gain(summarise(p, keep_rows=True), p)
    shuffled = p.select(order)
    # Row i of the first model is row partners[i] of the other one.
    partners = np.argsort(order)
    other = with_same_gain(summarise(shuffled, keep_rows=True), shuffled, first, partners)
    own, gain = _gain(first), _gain(other)
    np.testing.assert_array_equal(gain.folds[partners], own.folds)
    np.testing.assert_allclose(gain.after["temperature"].nll[partners], own.after["temperature"].nll)


def test_without_a_gain_there_the_other_model_has_none():
    p = sharpened(200)
    sums = summarise(p, keep_rows=True)
    assert with_same_gain(sums, p, sums, None) is sums


def test_ignored_rows_are_left_out():
    p = sharpened(600)
    labels = p.labels.copy()
    labels[::7] = -1
    own = gain_of(Predictions(logits=p.scores[0:600], labels=labels, ignore_index=-1))
    kept = gain_of(p.select(labels >= 0))
    np.testing.assert_array_equal(own.folds, kept.folds)
    np.testing.assert_allclose(own.after["temperature"].nll, kept.after["temperature"].nll)


def test_some_rows_of_a_sample():
    gain = gain_of(sharpened(100))
    places = np.array([2, 5, 6, 50])
    sample = gain.of_rows(places, None)
    assert sample.n == 4
    sampled = type(gain)(gain.chosen, sample.before, sample.after, 100, places=places)
    part = sampled.of_rows(np.array([1, 5, 50, 60]), np.array([7, 3, 7, 3]))
    np.testing.assert_array_equal(part.before.nll, gain.before.nll[[5, 50]])
    assert part.places.tolist() == [1, 2]
    assert part.groups.tolist() == [0, 1]


def test_weights_count_as_rows_do():
    """Weights of 1 and 2, and rows once and twice in the same folds, have the same temperatures and scores."""
    p = sharpened(1200, 3)
    weighted = gain_of(Predictions(logits=p.scores[0:1200], labels=p.labels, weights=1.0 + (np.arange(1200) % 2)))
    again = np.repeat(np.arange(1200), 1 + np.arange(1200) % 2)
    twice = Predictions(logits=p.scores[0:1200][again], labels=p.labels[again])
    doubled = gain_of(twice, folds=weighted.folds[again])
    np.testing.assert_allclose(
        doubled.after["temperature"].nll, weighted.after["temperature"].nll[again], rtol=1e-9, atol=1e-12
    )
    mean = np.average(weighted.after["temperature"].brier, weights=weighted.weights)
    np.testing.assert_allclose(doubled.after["temperature"].brier.mean(), mean, rtol=1e-9)
