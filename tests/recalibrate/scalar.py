"""The temperature once more: a float64 scalar search with scipy on the plain definition, no code of calibeval's."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp


def mean_nll(z, labels, temperature=1.0):
    z = np.asarray(z, np.float64)
    d = (z - z.max(axis=1, keepdims=True)) / temperature
    return float(np.mean(logsumexp(d, axis=1) - d[np.arange(len(labels)), labels]))


def best_temperature(z, labels, middle=0.0):
    """The temperature and its NLL; the log-temperature is within 6 of the middle."""
    found = minimize_scalar(
        lambda u: mean_nll(z, labels, np.exp(u)),
        bounds=(middle - 6, middle + 6),
        method="bounded",
        options={"xatol": 1e-12, "maxiter": 500},
    )
    # Values alone pin the place to half of the digits: bisection on the slope gives the rest.
    low, high = found.x - 1e-3, found.x + 1e-3
    for _ in range(60):
        centre = (low + high) / 2
        low, high = (low, centre) if _slope(z, labels, centre) > 0 else (centre, high)
    return float(np.exp(low)), mean_nll(z, labels, np.exp(low))


def _slope(z, labels, u):
    """The derivative of the NLL by log T, but for a positive factor."""
    z = np.asarray(z, np.float64)
    d = z - z.max(axis=1, keepdims=True)
    weights = np.exp(d / np.exp(u))
    p = weights / weights.sum(axis=1, keepdims=True)
    expected = np.where(p > 0, p * np.where(np.isfinite(d), d, 0.0), 0.0).sum(axis=1)
    return float(np.mean(d[np.arange(len(labels)), labels] - expected))
