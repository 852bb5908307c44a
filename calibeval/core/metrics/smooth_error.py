"""The smooth calibration error: no bins, and a width that follows from the error itself."""

from __future__ import annotations

import functools
import math
from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.along_path import AlongPath, Influence
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.drawn_paths import Numbers, Samples
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.heat import CELLS, heat, kept_sign, smoothed_error
from calibeval.core.uncertainty.isotonic_pairs import Drawn, drawn_floor

# Cells and accuracy for drawn outcomes: fewer than for the value, since a floor needs three digits. With more rows,
# floors are smaller, and so must be the cells.
FEW_CELLS, MANY_CELLS, MANY_ROWS, ACCURACY = 2**11, 2**12, 50_000, 1e-7
DRAWS, STEPS = 100, 8
# Cells for samples along a path: at least so many in the width of the kernel, within these limits.
# Their accuracy is that share of the measured value.
IN_WIDTH, LEAST_CELLS, MOST_CELLS, PRECISE = 3.0, 64, 2**11, 1e-4


class SmoothError(AlongPath):
    """The integral of |residuals smoothed over the confidence|, by a kernel as wide as the integral itself."""

    __slots__ = ()

    above_gap: ClassVar[bool] = True

    def of_pairs(self, pairs: Pairs) -> float:
        """The error."""
        if "smooth error" not in pairs.cache:
            pairs.cache["smooth error"] = float(smoothed_error(heat(pairs.confidence, pairs.surplus / pairs.total)))
        return float(pairs.cache["smooth error"])

    def numbers_of(self, pairs: Pairs) -> Numbers:
        """The error of every sample, in cells that are narrow for the measured one."""
        value = max(self.of_pairs(pairs), 1e-9)
        wanted = 2 ** math.ceil(math.log2(IN_WIDTH / value))
        return functools.partial(_of_samples, cells=min(max(wanted, LEAST_CELLS), MOST_CELLS), accuracy=PRECISE * value)

    def influence(self, pairs: Pairs) -> Influence:
        """The surplus of rows, with the smoothed sign of the smoothed residual at their confidence."""
        signs = kept_sign(heat(pairs.confidence, pairs.surplus / pairs.total), self.of_pairs(pairs))
        confidence = pairs.runs[1]
        own = np.interp(confidence, (np.arange(len(signs)) + 0.5) / len(signs), signs)
        return Influence(own * (1.0 - confidence), -own * confidence)

    def cell_error(self, pairs: Pairs) -> float:
        """From how far residuals and their kernels are from those at the means of entries, to second order.

        Within an entry, confidences have a variance v of at most a quarter of the squared width. Residuals have the
        same sum, a first moment of n v, and a second one of |sum| v; the first and the second derivative of the kernel
        have integrals of 0.8 / s and 0.97 / s^2. The width s, at which both curves meet, moves by no more than this.
        """
        width = np.square(pairs.width + 1.0 / CELLS)
        moved = 0.25 * pairs.mean(width)
        second = 0.125 * pairs.mean(np.abs(pairs.correct - pairs.confidence) * width)
        s = self.of_pairs(pairs)
        error = 0.0
        for _ in range(STEPS):
            least = s - error
            if least <= 0.0:
                return math.inf
            error = 0.8 * moved / least + 0.97 * second / least**2
        return error

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes."""
        cells = MANY_CELLS if pairs.rows > MANY_ROWS else FEW_CELLS
        return drawn_floor(pairs, lambda one: _of_drawn(one, cells))


def _of_drawn(drawn: Drawn, cells: int) -> Floats:
    residual = drawn.rows * (drawn.share[:DRAWS] - drawn.confidence) / drawn.rows.sum()
    return smoothed_error(heat(drawn.confidence, residual, cells), ACCURACY)


def _of_samples(samples: Samples, cells: int, accuracy: float) -> Floats:
    return smoothed_error(heat(samples.confidence, samples.surplus, cells), accuracy)
