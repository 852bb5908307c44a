"""Seeded predictions of every kind that the suite needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibeval import Predictions, evaluate
from tests.definitions import softmax


def logits_and_labels(n, k, *, scale=2.0, seed=0):
    """Over-confident logits (n, k) in float64, and labels drawn from a tempered softmax."""
    rng = np.random.default_rng([seed, n, k])
    logits = rng.normal(size=(n, k)) * scale
    logits[np.arange(n), rng.integers(0, k, n)] += np.log(k) * scale
    chances = softmax(logits / 1.7).cumsum(axis=1)
    labels = (rng.random((n, 1)) > chances).sum(axis=1).clip(0, k - 1)
    return logits, labels.astype(np.int64)


def values(predictions, **settings):
    """The metrics' values by name; no intervals unless asked for."""
    report = evaluate(predictions, **{"level": None, **settings})
    return {name: metric.value for name, metric in report.dumps[0].metrics.items()}


def from_logits(logits, labels, **settings):
    return values(Predictions(logits=logits, labels=labels), **settings)


def pooled(report):
    """The report without what is measured image by image, of which sums know nothing."""
    dumps = tuple(
        replace(dump, per_image=None, per_class=tuple(replace(one, dice=None, iou=None) for one in dump.per_class))
        for dump in report.dumps
    )
    return replace(report, dumps=dumps)


def from_probs(probs, labels, **settings):
    return values(Predictions(probs=probs, labels=labels), **settings)
