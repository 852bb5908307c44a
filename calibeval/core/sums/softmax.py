"""Probabilities of mapped scores and the NLL of each row, by the compiled kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.kernel import chosen

DONE = 0
LEAST_CLASSES = 8  # of rows that lie one after another


def fused_softmax(
    scores: Floats,
    labels: npt.NDArray[np.integer[Any]],
    axis: int,
    out: Floats,
    slopes: Floats | None = None,
    biases: Floats | None = None,
) -> Floats | None:
    """The NLL of each row, (b,), with the probabilities in `out`; None where numpy must: then `out` is undefined.

    scores: float64, (b, k) on axis 1 or (k, b) on axis 0, and `out` alike; both may be one array only if they have no
    slopes and biases, (k,), that the scores are multiplied by and increased by first. They are not changed otherwise.
    """
    kernel, (b, k) = chosen(), scores.shape if axis == 1 else scores.shape[::-1]
    if kernel is None or not b or k < (LEAST_CLASSES if axis == 1 else 2):
        return None
    if not (_is_plain(scores) and _is_plain(out)):
        return None
    own = [None if one is None else np.ascontiguousarray(one, np.float64) for one in (slopes, biases)]
    nll = np.empty(b)
    flag = kernel.module.softmax(
        kernel.which, k, axis == 0, scores, np.ascontiguousarray(labels, np.int64), *own, out, nll
    )
    return nll if flag == DONE else None


def _is_plain(values: Floats) -> bool:
    return values.dtype == np.float64 and values.dtype.isnative and values.flags.c_contiguous
