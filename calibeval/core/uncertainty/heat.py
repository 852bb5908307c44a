"""Smoothed calibration errors: residuals as heat on [0, 1], which spreads until it is as wide as what is left of it.

Heat is reflected at 0 and 1, so its cosine coefficients fall independently of each other, each by its own factor.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats

CELLS, MOST_STEPS = 2**15, 100


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


def smoothed_error(residuals: Floats, accuracy: float = 1e-14) -> Floats:
    """The width s of the heat kernel at which the sum of the sizes of what is left is s itself.

    The sum falls with the width, so the line through both ends of a bracket finds it, where the weight of an end that
    stays is halved.

    residuals: (cells,) or (d, cells), on the centres of cells of [0, 1]; the sum of their sizes is at most 1.
    accuracy: of the width.
    Source: Blasiok & Nakkiran, ICLR 2024, with the exact kernel; coefficients by a fast cosine transform. Root: the
    Illinois method, Dowell & Jarratt, BIT 11:168 (1971).

    >>> round(float(smoothed_error(heat(np.array([1.0, 0.6]), np.array([0.0, -0.06])))), 6)
    0.06
    """
    every = np.atleast_2d(residuals)
    cells = every.shape[1]
    # The cosine transform of type II is a Fourier transform of the values and their mirror image.
    spectrum = np.fft.rfft(np.concatenate([every, every[:, ::-1]], axis=1), axis=1)
    decay = -0.5 * np.square(np.pi * np.arange(cells + 1))

    def beyond(width: Floats) -> Floats:
        with np.errstate(under="ignore"):
            spread = np.fft.irfft(spectrum * np.exp(np.square(width)[:, None] * decay), axis=1)[:, :cells]
        return np.asarray(np.abs(spread).sum(axis=1) - width)

    low, high = np.zeros(len(every)), np.ones(len(every))
    above, below = np.abs(every).sum(axis=1), np.minimum(beyond(high), 0.0)
    last = np.zeros(len(every))
    for _ in range(MOST_STEPS):
        middle = np.where(below < above, low + (high - low) * (above / np.maximum(above - below, 1e-300)), low)
        found = beyond(middle)
        up = found > 0.0
        above = np.where(up, found, np.where(last < 0.0, 0.5 * above, above))
        below = np.where(up, np.where(last > 0.0, 0.5 * below, below), found)
        low, high, last = np.where(up, middle, low), np.where(up, high, middle), np.where(up, 1.0, -1.0)
        if (np.minimum(np.abs(found), high - low) <= accuracy).all():
            break
    return middle.reshape(np.shape(residuals)[:-1])


def kept_sign(residuals: Floats, width: float) -> Floats:
    """How much a small residual at each cell adds to the sum of the sizes of what is left, (cells,); in [-1, 1].

    residuals: (cells,). width: of the kernel.

    >>> (kept_sign(np.array([0.1, 0.0, -0.1, 0.0]), 0.0).round(12) + 0.0).tolist()
    [1.0, 0.0, -1.0, 0.0]
    """
    decay = np.square(width) * -0.5 * np.square(np.pi * np.arange(len(residuals) + 1))

    def spread(values: Floats) -> Floats:
        with np.errstate(under="ignore"):
            spectrum = np.fft.rfft(np.concatenate([values, values[::-1]])) * np.exp(decay)
        return np.asarray(np.fft.irfft(spectrum)[: len(values)])

    left = spread(residuals)
    return spread(np.sign(np.where(np.abs(left) > 1e-12, left, 0.0)))
