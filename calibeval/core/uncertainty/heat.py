"""Smoothed calibration errors: residuals as heat on [0, 1], which spreads until it is as wide as what is left of it.

Heat is reflected at 0 and 1, so its cosine coefficients fall independently of each other, each by its own factor.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats

CELLS, BISECTIONS = 2**15, 60


def heat(place: Floats, residual: Floats, cells: int = CELLS) -> Floats:
    """Residuals on the centres of cells: each is divided between the two centres that are next to it.

    place: (m,) in [0, 1]. residual: (m,), or (d, m) for d samples. Returns (cells,) or (d, cells).

    >>> heat(np.array([0.0, 0.5]), np.array([1.0, 2.0]), cells=2).tolist()
    [2.0, 1.0]
    """
    every = np.atleast_2d(residual)
    x = np.clip(place * cells - 0.5, 0.0, cells - 1.0)
    left = np.minimum(x.astype(np.intp), max(cells - 2, 0))
    share = x - left
    found = np.empty((len(every), cells))
    for row, own in zip(found, every, strict=True):
        row[:] = np.bincount(left, weights=own * (1.0 - share), minlength=cells)
        row[1:] += np.bincount(left, weights=own * share, minlength=cells)[: cells - 1]
    return found.reshape(*np.shape(residual)[:-1], cells)


def smoothed_error(residuals: Floats, bisections: int = BISECTIONS) -> Floats:
    """The width s of the heat kernel at which the sum of the sizes of what is left is s itself.

    residuals: (cells,) or (d, cells), on the centres of cells of [0, 1]; the sum of their sizes is at most 1.
    Source: Blasiok & Nakkiran, ICLR 2024, with the exact kernel; coefficients by a fast cosine transform.

    >>> round(float(smoothed_error(heat(np.array([1.0, 0.6]), np.array([0.0, -0.06])))), 6)
    0.06
    """
    every = np.atleast_2d(residuals)
    cells = every.shape[1]
    k = np.arange(cells + 1)
    # The cosine transform of type II is a Fourier transform of the values and their mirror image.
    spectrum = np.fft.rfft(np.concatenate([every, every[:, ::-1]], axis=1), axis=1)
    decay = -0.5 * np.square(np.pi * k)
    low, high = np.zeros(len(every)), np.ones(len(every))
    for _ in range(bisections):
        middle = 0.5 * (low + high)
        with np.errstate(under="ignore"):
            spread = np.fft.irfft(spectrum * np.exp(np.square(middle)[:, None] * decay), axis=1)[:, :cells]
        more = np.abs(spread).sum(axis=1) > middle
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return (0.5 * (low + high)).reshape(np.shape(residuals)[:-1])


def near_error(residuals: Floats, near: float, steps: int = 6) -> Floats:
    """The smoothed errors of samples by the secant method, to about three digits.

    residuals: (d, cells), as for `smoothed_error`. near: about how large the errors are.

    >>> found = near_error(heat(np.array([1.0, 0.6]), np.array([[0.0, -0.06], [0.0, -0.05]]), cells=512), 0.055)
    >>> found.round(4).tolist()
    [0.06, 0.05]
    """
    cells = residuals.shape[1]
    spectrum = np.fft.rfft(np.concatenate([residuals, residuals[:, ::-1]], axis=1), axis=1)
    decay = -0.5 * np.square(np.pi * np.arange(cells + 1))

    def excess(width: Floats) -> Floats:
        with np.errstate(under="ignore"):
            spread = np.fft.irfft(spectrum * np.exp(np.square(width)[:, None] * decay), axis=1)[:, :cells]
        return np.asarray(width - np.abs(spread).sum(axis=1))

    one = np.full(len(residuals), near)
    beyond = excess(one)
    other = np.clip(one - beyond / 1.5, 0.0, 1.0)  # the slope is at least 1
    for _ in range(steps - 1):
        now = excess(other)
        run = now - beyond
        still = run == 0.0
        following = np.where(still, other, other - now * (other - one) / np.where(still, 1.0, run))
        one, beyond, other = other, now, np.clip(following, 0.0, 1.0)
    return other


def kept_sign(residuals: Floats, width: float) -> Floats:
    """How much a small residual at each cell adds to the sum of the sizes of what is left, (cells,); in [-1, 1].

    residuals: (cells,). width: of the kernel.

    >>> kept_sign(np.array([0.1, 0.0, -0.1, 0.0]), 0.0).tolist()
    [1.0, 0.0, -1.0, 0.0]
    """
    decay = np.square(width) * -0.5 * np.square(np.pi * np.arange(len(residuals) + 1))

    def spread(values: Floats) -> Floats:
        with np.errstate(under="ignore"):
            spectrum = np.fft.rfft(np.concatenate([values, values[::-1]])) * np.exp(decay)
        return np.asarray(np.fft.irfft(spectrum)[: len(values)])

    left = spread(residuals)
    return spread(np.sign(np.where(np.abs(left) > 1e-12, left, 0.0)))
