"""Hashes of rows, by which two samples are compared: by the compiled kernel where it is used, else by numpy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.halves import is_half, widened
from calibeval.core.data.shared_rows import Hashes
from calibeval.core.sums.kernel import Kernel, chosen

STRIP = 64  # number of columns that numpy multiplies at a time
MIX_SEED = 0x5CA1E


def row_hashes(blocks: Iterable[tuple[npt.NDArray[Any], npt.NDArray[Any]]], width: int) -> Hashes:
    """A hash of the label and values of every row, (n,): multilinear, with random odd multipliers modulo 2^64.

    blocks: values (b, width), compared bit by bit as float32, with labels (b,).

    >>> twice = row_hashes([(np.array([[0.5, 1.0], [0.5, 1.0]]), np.array([3, 3]))], width=2)
    >>> bool(twice[0] == twice[1])
    True
    """
    rng, kernel = np.random.default_rng(MIX_SEED), chosen()
    factors = rng.integers(0, 2**64, width + 1, np.uint64) | np.uint64(1)
    found = []
    for values, labels in blocks:
        with np.errstate(over="ignore"):
            hashes = labels.astype(np.uint64) * factors[-1]
            rows = widened(values.reshape(len(labels), width))
            if kernel is None or not rows.size:
                _add(rows, factors[:-1], hashes, own=is_half(values))
            else:
                _add_fused(kernel, rows, factors[:-1], hashes)
        found.append(hashes ^ (hashes >> np.uint64(29)))
    return np.concatenate(found)


def _add_fused(kernel: Kernel, rows: npt.NDArray[Any], factors: Hashes, hashes: Hashes) -> None:
    """Add the sum of each row's bits times the factors to its hash."""
    kernel.module.row_hashes(kernel.which, np.ascontiguousarray(rows, np.float32), factors, hashes)


def _add(rows: npt.NDArray[Any], factors: Hashes, hashes: Hashes, *, own: bool) -> None:
    """The same by numpy. own: whether the rows are a copy, which may be changed."""
    floats = rows.astype(np.float32, order="C", copy=not own)
    floats += np.float32(0.0)  # -0.0 becomes 0.0
    for start in range(0, rows.shape[1], STRIP):
        bits = floats.view(np.uint32)[:, start : start + STRIP].astype(np.uint64)
        hashes += bits @ factors[start : start + STRIP]
