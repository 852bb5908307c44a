"""How far each row moves Cox's intercept and slope, or calibration in the large: what their differences are made of.

Source: Huber, Proceedings of the Fifth Berkeley Symposium 1:221 (1967), for estimates of the largest likelihood.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.cox import Cox
from calibeval.core.sums.pairs import Pairs


def cox_influence(pairs: Pairs, fit: Cox) -> Floats:
    """The influence of each row on intercept and slope, (2, n): their mean over the rows is 0.

    Certain rows have none. Raises: NotComputable without a maximum.
    """
    if fit.intercept is None or fit.slope is None:
        raise NotComputable("no_optimum", str(fit.missing or "there is nothing to fit"))
    s, finite = _log_odds(pairs)
    p = 1.0 / (1.0 + np.exp(-(fit.intercept + fit.slope * s)))
    x = np.array([np.ones(len(s)), s])
    hessian = np.einsum("in,jn->ij", x * np.where(finite, p * (1.0 - p), 0.0), x)
    score = x * np.where(finite, pairs.correct - p, 0.0)
    (a, b), (_, d) = hessian
    inverse = np.array([[d, -b], [-b, a]]) / (a * d - b * b)
    return np.asarray(len(s) * np.einsum("ij,jn->in", inverse, score))


def large_influence(pairs: Pairs, intercept: float) -> Floats:
    """The influence of each row on the intercept if the slope is 1, (n,)."""
    s, finite = _log_odds(pairs)
    p = 1.0 / (1.0 + np.exp(-(intercept + s)))
    slope = float(np.add.reduce(np.where(finite, p * (1.0 - p), 0.0)))
    return np.asarray(len(s) * np.where(finite, pairs.correct - p, 0.0) / slope)


def _log_odds(pairs: Pairs) -> tuple[Floats, Floats]:
    """The log-odds, 0 where they are infinite, and where they are finite."""
    with np.errstate(divide="ignore"):
        s = np.log(pairs.confidence) - np.log(pairs.doubt)
    finite = np.isfinite(s)
    return np.where(finite, s, 0.0), finite
