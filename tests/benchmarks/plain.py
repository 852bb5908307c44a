"""Every metric from its definition, in float64 over blocks of rows, with no code of calibeval's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats

BLOCK = 2**20
MCE_ROWS = 30  # of a bin that counts for the largest error


def metrics(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64], bins: int = 15) -> dict[str, float]:
    """The default metrics by name, but not temperature and Cox's numbers, which are fitted."""
    n, k = logits.shape
    edges = np.array([i / bins for i in range(bins + 1)])
    confidence, correct = np.empty(n), np.empty(n)
    promised, happened = np.zeros((k, bins)), np.zeros((k, bins))
    nll, brier, positive = [], [], []
    rows = max(1, BLOCK // k)
    for start in range(0, n, rows):
        y = labels[start : start + rows]
        here, row = slice(start, start + len(y)), np.arange(len(y))
        z = logits[here].astype(np.float64)
        z -= z.max(axis=1, keepdims=True)
        norm = np.exp(z).sum(axis=1, keepdims=True)
        p, hot = np.exp(z) / norm, np.zeros((len(y), k))
        hot[row, y] = 1.0
        confidence[here], correct[here] = p.max(axis=1), z.argmax(axis=1) == y
        nll.append(float(np.sum(np.log(norm[:, 0]) - z[row, y])))
        brier.append(float(np.sum((p - hot) ** 2)))
        positive.append(float(np.sum(p[:, 1] - hot[:, 1])))
        cell = (np.searchsorted(edges[1:-1], p, side="left") + bins * np.arange(k)).ravel()
        promised += np.bincount(cell, p.ravel(), k * bins).reshape(k, bins)
        happened += np.bincount(cell, hot.ravel(), k * bins).reshape(k, bins)
    per_class = np.abs(happened - promised).sum(axis=1) / n
    found = {
        **_top_label(confidence, correct, edges),
        "nll": math.fsum(nll) / n,
        "brier": math.fsum(brier) / n,
        "cwce": float(per_class.mean()),
    }
    if k > 2:
        return found
    gap = math.fsum(positive) / n
    return {**found, "ece_positive": float(per_class[1]), "gap_positive": gap, "brier_positive": found["brier"] / 2}


def _top_label(confidence: Floats, correct: Floats, edges: Floats) -> dict[str, float]:
    n, bins = len(confidence), len(edges) - 1
    count, p, y = _binned(confidence, correct, edges)
    ordered = np.sort(confidence)
    inner = [ordered[math.ceil(i * n / bins) - 1] for i in range(1, bins)]
    _, mass_p, mass_y = _binned(confidence, correct, np.unique([0.0, *inner, 1.0]))
    filled = np.maximum(count, 1)
    accuracy = float(correct.sum()) / n
    return {
        "accuracy": accuracy,
        "confidence_gap": math.fsum(confidence) / n - accuracy,
        "ece": float(np.abs(y - p).sum() / n),
        "mce": float((np.abs(y - p) / filled)[count >= MCE_ROWS].max(initial=0.0)),
        "mce_all_bins": float((np.abs(y - p) / filled).max()),
        "rmsce": math.sqrt(float(((y - p) ** 2 / filled).sum()) / n),
        "aece": float(np.abs(mass_y - mass_p).sum() / n),
        "oe": float((p / filled * np.maximum(p - y, 0.0)).sum() / n),
    }


def _binned(p: Floats, y: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Rows, sum of p and sum of y in every bin (lower, upper]; 0 is in the first."""
    bins = np.searchsorted(edges[1:-1], p, side="left")
    m = len(edges) - 1
    count, sum_p, sum_y = (np.bincount(bins, weights, m) for weights in (None, p, y))
    return count.astype(np.float64), sum_p, sum_y
