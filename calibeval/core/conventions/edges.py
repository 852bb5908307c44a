"""The edges of a tool's bins, and the bin of each row between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibeval.core.conventions.convention import Convention
from calibeval.core.data.arrays import Floats, Indices

Dtype = np.dtype[Any]  # float32 or float64; for edges also float16


def width_edges(convention: Convention, bins: int, dtype: Dtype) -> Floats:
    """The bins + 1 edges of equal-width bins, as float64 of exactly the values that the tool compares with.

    dtype: of the confidences. torch's linspace goes up from 0 to the middle and down from 1 to the middle, and
    multiplies and adds with a single rounding, as processors since 2013 and GPUs do; in float16 it rounds twice.

    >>> from calibeval.core.conventions.table import CONVENTIONS
    >>> width_edges(CONVENTIONS["netcal"], 4, np.dtype(np.float64)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if convention.edges in ("quotients", "linspace"):
        return np.linspace(0.0, 1.0, bins + 1)
    if convention.edges == "steps":
        return _steps(bins)
    kind: Dtype = np.dtype(np.float32) if convention.edges == "float32" else dtype
    half = (bins + 1) // 2
    if kind == np.float16:
        wide = np.arange(bins + 1).astype(kind) * (kind.type(1) / kind.type(bins))
        return np.concatenate((wide[:half], kind.type(1) - wide[: bins + 1 - half][::-1])).astype(np.float64)
    step, unit = float(kind.type(1) / kind.type(bins)).as_integer_ratio()
    exact = [step * i if i < half else unit - step * (bins - i) for i in range(bins + 1)]
    return np.array([edge / unit for edge in exact]).astype(kind).astype(np.float64)


def _steps(bins: int) -> Floats:
    """The smallest p whose quotient by 1/bins, in float64, is at least 0, 1, ..., bins."""
    whole, step = np.arange(bins + 1.0), 1.0 / bins
    edges = whole * step
    while (short := edges / step < whole).any():
        edges[short] = np.nextafter(edges[short], 2.0)
    while (far := np.nextafter(edges, -1.0) / step >= whole).any():
        edges[far] = np.nextafter(edges[far], -1.0)
    return np.maximum(edges, 0.0)


def interpolated_edges(ascending: Floats, bins: int) -> Floats:
    """Edges interpolated at positions i n / bins of the sorted confidences; the outer edges are the first and the last.

    >>> interpolated_edges(np.array([0.25, 0.5, 1.0]), 2).tolist()
    [0.25, 0.75, 1.0]
    """
    n = len(ascending)
    place = np.minimum(np.linspace(0.0, n, bins + 1), n - 1.0)
    below = np.minimum(place.astype(np.intp), max(n - 2, 0))
    left, right = ascending[below], ascending[np.minimum(below + 1, n - 1)]
    edges = (right - left) * (place - below) + left
    return np.asarray(np.where(place == below + 1, right, edges), np.float64)


def quantile_edges(ascending: Floats, bins: int) -> Floats:
    """Edges at np.quantile's linear quantiles of the sorted confidences; the outer two are 0 and 1.

    >>> quantile_edges(np.array([0.25, 0.5, 1.0]), 2).tolist()
    [0.0, 0.5, 1.0]
    """
    n = len(ascending)
    place = np.linspace(0.0, 1.0, bins + 1) * (n - 1)
    below = place.astype(np.intp)
    left, right = ascending[below], ascending[np.minimum(below + 1, n - 1)]
    share = place - below
    edges = np.where(share >= 0.5, right - (right - left) * (1 - share), left + (right - left) * share)
    return np.concatenate(([0.0], edges[1:-1], [1.0]))


def bin_slots(p: Floats, edges: Floats, convention: Convention) -> Indices:
    """The slot of each p: the bins from 0, then the separate bin for 1, if any; the last slot is for dropped rows.

    p: any shape. edges: (m + 1,), ascending. There are `slot_count` slots.
    """
    m = len(edges) - 1
    slots = slot_count(edges, convention)
    if convention.closed == "left":
        index = np.searchsorted(edges, p, side="right") - 1
        return np.minimum(index, m if convention.one_apart else m - 1)
    index = np.searchsorted(edges, p, side="left") - 1
    return np.where(index < 0, slots - 1 if convention.drops_zero else 0, index)


def slot_count(edges: Floats, convention: Convention) -> int:
    """The number of slots of `bin_slots`."""
    return len(edges) + convention.one_apart
