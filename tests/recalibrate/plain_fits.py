"""Platt's and the beta map once more: scipy on standardised features, from several starts, no code of calibeval's."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize


def features_of(s, method):
    """The features whose weights are the parameters of the method, (m, n), without the intercept."""
    if method == "platt":
        return s[None]
    log_p, minus_log_q = -np.logaddexp(0.0, -s), np.logaddexp(0.0, s)
    return np.stack([np.where(log_p > -(2.0**-53), 0.0, log_p), np.where(minus_log_q < 2.0**-53, 0.0, minus_log_q)])


def smallest_nll(s, target, weights, method):
    """The smallest mean NLL that scipy finds, of targets in [0, 1]; slopes of the beta map are not negative."""
    w = np.ones(len(s)) / len(s) if weights is None else weights / weights.sum()
    x = features_of(s, method)
    x = x - (x @ w)[:, None]
    size = np.abs(x) @ w
    x = x / np.where(size > 0, size, 1.0)[:, None]
    x = np.vstack([x, np.ones(len(s))])
    limits = [(0, None) if method == "beta" else (None, None)] * (len(x) - 1) + [(None, None)]

    def loss(v):
        at = v @ x
        p = 1 / (1 + np.exp(-np.clip(at, -700, 700)))
        return float(w @ (np.logaddexp(0.0, at) - target * at)), x @ (w * (p - target))

    base = np.zeros(len(x))
    share = np.clip(w @ target, 1e-12, 1 - 1e-12)
    base[-1] = np.log(share / (1 - share))
    settings = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 2000, "maxfun": 4000, "maxls": 60}
    ends = []
    for slope in (0.0, 1.0, 30.0):
        start = base.copy()
        start[:-1] = slope
        for _ in range(2):  # again from its end: a line search that gave up starts anew
            found = minimize(loss, start, jac=True, bounds=limits, method="L-BFGS-B", options=settings)
            start = found.x
        ends.append(found.fun)
    return min(ends)


def nll_of(s, target, weights, method, values):
    """The mean NLL of a map's parameters."""
    w = np.ones(len(s)) / len(s) if weights is None else weights / weights.sum()
    v = np.asarray(values[:-1]) @ features_of(s, method) + values[-1]
    return float(w @ (np.logaddexp(0.0, v) - target * v))
