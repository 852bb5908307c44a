"""Every metric once more, written from its definition in plain float64: slow, simple, and no code of calibeval's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import optimize, special


class Binned(NamedTuple):
    """One bin that is not empty: its number of rows, mean probability and share of outcomes."""

    rows: int
    mean: float
    share: float


def softmax(logits):
    """Rows of probabilities, in float64."""
    z = np.asarray(logits, np.float64)
    z = z - z.max(axis=1, keepdims=True)
    weights = np.exp(z)
    return weights / weights.sum(axis=1, keepdims=True)


def edges_for(bins, dtype=np.float64):
    """The quotients i / bins as the stored type can meet them, then in float64."""
    return [float(np.asarray(i / bins).astype(dtype)) for i in range(bins + 1)]


def bin_of(p, edges):
    """The first bin whose upper edge is not below p: bins are (lower, upper], 0 is in the first."""
    for number, upper in enumerate(edges[1:]):
        if p <= upper:
            return number
    return len(edges) - 2


def binned(p, y, edges):
    """The non-empty bins by number."""
    numbers = (np.asarray(p)[:, None] > np.asarray(edges)[None, 1:-1]).sum(axis=1)
    bins = {}
    for number in np.unique(numbers).tolist():
        inside = numbers == number
        bins[number] = Binned(int(inside.sum()), float(np.mean(p[inside])), float(np.mean(y[inside])))
    return bins


def mass_edges(confidence, bins):
    """Edges of equal-mass bins: order statistics at ceil(i n / bins) - 1, equal ones merged, from 0 to 1."""
    ordered = sorted(np.asarray(confidence, np.float64).tolist())
    n = len(ordered)
    inner = [ordered[math.ceil(i * n / bins) - 1] for i in range(1, bins)]
    return sorted({0.0, 1.0, *inner})


def weighted_gap(bins, n):
    """Sum over bins of (n_m / n) |share - mean|."""
    return sum(b.rows / n * abs(b.share - b.mean) for b in bins.values())


def metrics(probs, labels, *, bins=15, dtype=np.float64, order_by=None):
    """All metrics of probabilities (n, k) with labels (n,).

    dtype: stored type of the probabilities, for the edges. order_by: scores that decide the top label, if not probs.
    """
    probs = np.asarray(probs, np.float64)
    labels = np.asarray(labels)
    n, k = probs.shape
    top = np.argmax(probs if order_by is None else order_by, axis=1)
    confidence = np.array([probs[i, top[i]] for i in range(n)])
    correct = np.array([float(top[i] == labels[i]) for i in range(n)])
    hot = np.zeros((n, k))
    hot[np.arange(n), labels] = 1.0
    edges = edges_for(bins, dtype)
    result = top_label_metrics(confidence, correct, bins=bins, dtype=dtype)
    at_label = [probs[i, labels[i]] for i in range(n)]
    result["nll"] = math.fsum(-math.log(p) for p in at_label) / n if min(at_label) > 0 else None
    result["temperature"] = temperature(probs, labels)
    result["brier"] = math.fsum(float(((probs[i] - hot[i]) ** 2).sum()) for i in range(n)) / n
    per_class = [weighted_gap(binned(probs[:, j], hot[:, j], edges), n) for j in range(k)]
    result["cwce"] = math.fsum(per_class) / k
    if k == 2:
        result["gap_positive"] = math.fsum((probs[:, 1] - hot[:, 1]).tolist()) / n
        result["ece_positive"] = per_class[1]
        result["brier_positive"] = result["brier"] / 2  # that of one column, where both add up to 1
        result["cox_intercept"], result["cox_slope"] = cox(probs, labels)
    return result


def temperature(probs, labels):
    """The T with the smallest NLL of softmax(ln p / T), by bisection; None if the NLL has no minimum."""
    with np.errstate(divide="ignore"):
        x = np.log(probs) - np.log(probs.max(axis=1, keepdims=True))
    own = x[np.arange(len(labels)), labels]
    if np.isneginf(own).any() or not (own < 0).any():
        return None
    x = np.where(np.isneginf(x), -1e6, x)

    def slope(log_t):
        weights = np.exp(x / math.exp(log_t))
        return float((own - (weights * x).sum(axis=1) / weights.sum(axis=1)).sum())

    low, high = -12.0, 12.0
    if slope(low) >= 0 or slope(high) <= 0:
        return None
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return math.exp(low)


def cox(probs, labels):
    """Intercept and slope of the logistic regression of the label on the log-odds; None if labels are separated."""
    with np.errstate(divide="ignore"):
        s = np.log(probs[:, 1]) - np.log(probs[:, 0])
    y = (labels == 1).astype(float)
    if (np.where(y == 1, probs[:, 1], probs[:, 0]) == 0).any():
        return None, None
    s, y = s[np.isfinite(s)], y[np.isfinite(s)]
    ones, zeros = s[y == 1], s[y == 0]
    if not len(ones) or not len(zeros) or np.ptp(s) <= 1e-12 or zeros.max() <= ones.min() or ones.max() <= zeros.min():
        return None, None
    found = optimize.root(
        lambda at: [
            (special.expit(at[0] + at[1] * s) - y).sum(),
            ((special.expit(at[0] + at[1] * s) - y) * s).sum(),
        ],
        [0.0, 1.0],
        tol=1e-13,
    )
    return float(found.x[0]), float(found.x[1])


def top_label_metrics(confidence, correct, *, bins=15, dtype=np.float64):
    """The metrics that need the confidence and whether the prediction is right."""
    confidence = np.asarray(confidence, np.float64)
    correct = np.asarray(correct, np.float64)
    n = len(confidence)
    width = binned(confidence, correct, edges_for(bins, dtype))
    mass = binned(confidence, correct, mass_edges(confidence, bins))
    accuracy = math.fsum(correct.tolist()) / n
    return {
        "accuracy": accuracy,
        "confidence_gap": math.fsum(confidence.tolist()) / n - accuracy,
        "ece": weighted_gap(width, n),
        "mce": max((abs(b.share - b.mean) for b in width.values() if b.rows >= 30), default=None),
        "mce_all_bins": max(abs(b.share - b.mean) for b in width.values()),
        "aece": weighted_gap(mass, n),
        "rmsce": math.sqrt(sum(b.rows / n * (b.share - b.mean) ** 2 for b in width.values())),
        "oe": sum(b.rows / n * b.mean * max(b.mean - b.share, 0.0) for b in width.values()),
    }
