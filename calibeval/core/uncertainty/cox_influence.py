"""How far each row moves Cox's intercept and slope, or calibration in the large: what their differences are made of.

Source: Huber, Proceedings of the Fifth Berkeley Symposium 1:221 (1967), for estimates of the largest likelihood.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.cox import Cox, sigmoid


def cox_influence(stated: Floats, happened: npt.NDArray[np.bool_], fit: Cox) -> Floats:
    """The influence of each row on intercept and slope, (2, n): their mean over the rows is 0.

    stated: (n,) log-odds; rows where they are infinite have no influence. happened: (n,) whether the outcome is 1.

    Raises: NotComputable without a maximum.
    """
    if fit.intercept is None or fit.slope is None:
        raise NotComputable("no_optimum", str(fit.missing or "there is nothing to fit"))
    finite = np.isfinite(stated)
    s = np.where(finite, stated, 0.0)
    p = sigmoid(fit.intercept + fit.slope * s)
    x = np.array([np.ones(len(s)), s])
    hessian = np.einsum("in,jn->ij", x * np.where(finite, p * (1.0 - p), 0.0), x)
    score = x * np.where(finite, happened - p, 0.0)
    (a, b), (_, d) = hessian
    inverse = np.array([[d, -b], [-b, a]]) / (a * d - b * b)
    return np.asarray(len(s) * np.einsum("ij,jn->in", inverse, score))


def large_influence(stated: Floats, happened: npt.NDArray[np.bool_], intercept: float) -> Floats:
    """The influence of each row on the intercept if the slope is 1, (n,); arguments as for `cox_influence`."""
    finite = np.isfinite(stated)
    p = sigmoid(intercept + stated)
    slope = float(np.add.reduce(np.where(finite, p * (1.0 - p), 0.0)))
    return np.asarray(len(p) * np.where(finite, happened - p, 0.0) / slope)
