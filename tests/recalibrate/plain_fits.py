"""Maps of two classes once more: scipy on standardised features, from several starts, no code of calibeval's."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

BOUNDED = {"platt": 0, "beta": 2, "quadratic": 0}  # how many coefficients are not negative


def features_of(s, method):
    """The features of log-odds s, (m, n), without the intercept."""
    if method == "platt":
        return s[None]
    if method == "beta":
        minus = np.stack([np.logaddexp(0.0, -s), np.logaddexp(0.0, s)])  # -log(p) and -log(1 - p)
        minus[minus < 2.0**-53] = 0.0  # where p or 1 - p is 1 in float64
        return minus * [[-1.0], [1.0]]
    t = s - s.mean()
    return np.stack([(t / max(np.abs(t).max(), 1e-300)) ** 2, t])


def targets_of(y, weights):
    """Platt's targets instead of 0 and 1, with weights that add up to the effective number of rows."""
    w = np.ones(len(y)) if weights is None else weights * (weights.sum() / (weights @ weights))
    ones, zeros = w @ y, w @ (1 - y)
    return np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))


def smallest_nll(s, target, weights, method):
    """The smallest mean NLL that scipy finds, of targets in [0, 1]."""
    w = np.ones(len(s)) / len(s) if weights is None else weights / weights.sum()
    x = features_of(s, method)
    x = x - (x @ w)[:, None]
    size = np.abs(x) @ w
    x = np.vstack([x / np.where(size > 0, size, 1.0)[:, None], np.ones(len(s))])
    limits = [(0, None) if i < BOUNDED[method] else (None, None) for i in range(len(x))]

    def loss(v):
        at = v @ x
        p = 1 / (1 + np.exp(-np.clip(at, -700, 700)))
        return float(w @ (np.logaddexp(0.0, at) - target * at)), x @ (w * (p - target))

    share = np.clip(w @ target, 1e-12, 1 - 1e-12)
    settings = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 2000, "maxfun": 4000, "maxls": 60}
    ends = []
    for slope in (0.0, 1.0, 30.0):
        start = np.append(np.full(len(x) - 1, slope), np.log(share / (1 - share)))
        for _ in range(2):  # again from its end: a line search that gave up starts anew
            found = minimize(loss, start, jac=True, bounds=limits, method="L-BFGS-B", options=settings)
            start = found.x
        ends.append(found.fun)
    return min(ends)


def nll_of(v, target, weights):
    """The mean NLL of log-odds v."""
    w = np.ones(len(v)) / len(v) if weights is None else weights / weights.sum()
    return float(w @ (np.logaddexp(0.0, v) - target * v))
