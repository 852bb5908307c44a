"""The smooth calibration error as relplot computes it: smoothed on a grid, and averaged over the density of rows.

A row in the middle counts on its node and on the mirror image of it, but there is only one node at 0 and one at 1. So
rows there have half of their weight, in the residuals and in the density, which is why the number differs from the
exact one where confidences are saturated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices

Spectrum = npt.NDArray[np.complex128]

STEPS, LEAST_WIDTH = 10, 1e-3
LEAST_NODES, NODES_PER_WIDTH = 2000, 20.0
LEAST_POINTS, POINTS_PER_WIDTH = 200, 10.0
EXTRA_DENSITY = 1e-4


@dataclass(frozen=True, eq=False)
class SmoothGrid:
    """Rows at their confidences, of which several kinds of residuals are smoothed.

    confidence: (m,) in [0, 1]. rows: (m,), the rows at each. nodes: of the grids that were needed, where rows lie
    between them. kernels: of the widths that were needed, their Fourier transform and the sum of the density.

    >>> grid = SmoothGrid(np.array([1.0, 0.6]), np.array([900.0, 100.0]))
    >>> round(grid.error(np.array([0.0, 60.0])), 6)  # the exact one is 0.06
    0.107467
    """

    confidence: Floats
    rows: Floats
    nodes: dict[int, tuple[Indices, Floats]] = field(default_factory=dict)
    kernels: dict[float, tuple[Spectrum, float]] = field(default_factory=dict)

    def error(self, residual: Floats) -> float:
        """The error at the width that 10 bisections of [0, 1] leave: the least one that was found to exceed its error.

        residual: (m,), confidence - correct added up over the rows at each confidence.
        """
        high, low = 1.0, 0.0
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            if middle < LEAST_WIDTH or middle < self.at(residual, middle):
                low = middle
            else:
                high = middle
        return self.at(residual, high)

    def at(self, residual: Floats, width: float) -> float:
        """The error at one width of the kernel: sum of |smoothed residuals|, divided by the sum of the density."""
        if width not in self.kernels:
            nodes = max(LEAST_NODES, round(NODES_PER_WIDTH / width)) // 2 + 1
            # Of an even number of nodes, none is in the middle of the kernel: it is half a node too far.
            kernel = np.zeros(2 * (nodes - 1))
            away = np.arange(nodes) / (nodes - 1) - 0.5
            with np.errstate(under="ignore"):
                values = np.exp(-0.5 * np.square(away / width)) / (math.sqrt(2.0 * math.pi) * width)
            kernel[np.arange(nodes) - nodes // 2] = values
            self.kernels[width] = (np.fft.rfft(kernel), 0.0)
            density = self._smoothed(self.rows, width) + EXTRA_DENSITY
            self.kernels[width] = (self.kernels[width][0], float(density.sum()))
        return float(np.abs(self._smoothed(residual, width)).sum()) / self.kernels[width][1]

    def _smoothed(self, values: Floats, width: float) -> Floats:
        """Values at their confidences, smoothed, at the points where they are added up."""
        spectrum = self.kernels[width][0]
        nodes = len(spectrum)
        if nodes not in self.nodes:
            place = self.confidence * (nodes - 1)
            left = np.clip(place.astype(np.intp), 0, nodes - 2)
            self.nodes[nodes] = (left, place - left)
        left, share = self.nodes[nodes]
        grid = np.bincount(left, weights=values * (1.0 - share), minlength=nodes)
        grid += np.bincount(left + 1, weights=values * share, minlength=nodes)
        mirrored = np.concatenate((grid, grid[-2:0:-1]))
        spread = np.fft.irfft(np.fft.rfft(mirrored) * spectrum, len(mirrored))[:nodes]
        points = max(round(POINTS_PER_WIDTH / width), LEAST_POINTS)
        return np.interp(np.linspace(0.0, 1.0, points), np.linspace(0.0, 1.0, nodes), spread)
