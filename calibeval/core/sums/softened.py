"""Temperatures that are fitted out of fold, from the optimum of all rows, and the scores of rows under them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.gain import Losses
from calibeval.core.sums.lines import quiet_lines, row_sums
from calibeval.core.sums.optimum import CLOSE, slopes_at, solved
from calibeval.core.sums.root import halley
from calibeval.core.sums.sample import Sample

# Of ln T. The error of one of Halley's steps is of the order of its cube.
ONE_STEP = 0.02


def temperatures(sample: Sample, kind: Kind, folds: npt.NDArray[np.int16], count: int, log_t: float) -> Floats:
    """The logarithm of the temperature with the smallest NLL of the rows of the other folds, for each fold, (count,).

    All temperatures are found by one step from the optimum of all rows, ln T = log_t, unless a step is large.
    folds: (m,), of the rows of the sample.
    Raises: NotComputable if there is no such temperature.
    """
    at = slopes_at([sample], kind, -log_t)
    weights = 1.0 if at.weights is None else at.weights
    own = [
        np.bincount(folds, weights=weights * one, minlength=count)
        for one in (at.excess, at.excess + at.variance, at.excess + 3.0 * at.variance - at.third)
    ]
    others = [one.sum() - one for one in own]
    found = np.empty(count)
    for fold in range(count):
        step = halley(*(float(one[fold]) for one in others))
        if step is not None and abs(step) <= ONE_STEP:
            found[fold] = log_t - step
        else:
            found[fold] = -solved([sample.at(np.flatnonzero(folds != fold))], kind, -log_t, CLOSE)[0]
    return found


def losses_under(sample: Sample, kind: Kind, log_t: Floats) -> Losses:
    """The scores of rows whose logits are divided by temperatures. log_t: (m,), the logarithm of each row's."""
    nll, brier, start = np.empty(len(log_t)), np.empty(len(log_t)), 0
    with quiet_lines():
        for piece in sample.pieces(kind):
            z, axis, here = piece.d, piece.axis, slice(start, start + len(piece.t))
            products = "ij,ij->j" if axis == 0 else "ij,ij->i"
            beta = np.exp(-log_t[here])
            z *= np.expand_dims(beta, axis)
            np.exp(z, out=z)
            norm, label = row_sums(z, axis), beta * piece.t
            nll[here] = np.log(norm) - label
            brier[here] = 1.0 - 2.0 * np.exp(label) / norm + np.einsum(products, z, z) / (norm * norm)
            start = here.stop
    return Losses(nll, np.maximum(brier, 0.0))
