"""Equal-mass bins of rows with weights: every bin holds the same share of the weight, as nearly as ties allow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, bin_index, equal_mass_edges, sums_by_index

RowKeys = npt.NDArray[np.uint64]
# A share of all weight by which rounding of the cumulated weights may miss an edge that lies on a row exactly.
ROUNDING = 1e-12


def from_weighted_keys(keys: RowKeys, weights: Floats, bins: int, slack: float = 0.0) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins from the keys (see `confidence_keys`) and the weights of all rows.

    The i-th inner edge is the smallest confidence up to which rows have at least i / bins of the weight, which for
    equal weights is that of `equal_mass_ranks`. slack: see `equal_mass_edges`.
    Raises: InputError if there are no rows.

    >>> keys = np.array([0.5, 0.6, 0.7, 0.8]).view(np.uint64) << np.uint64(1)
    >>> sums, edges = from_weighted_keys(keys, np.array([1.0, 1.0, 1.0, 3.0]), bins=2)
    >>> edges.tolist(), sums.count.tolist()
    ([0.0, 0.7, 1.0], [3.0, 3.0])
    """
    if not len(keys):
        raise InputError("there are no rows to bin")
    order = np.argsort(keys, kind="stable")
    reached = np.cumsum(weights[order])
    shares = np.arange(1, bins) / bins - ROUNDING
    ranks = np.minimum(np.searchsorted(reached, shares * reached[-1]), len(keys) - 1)
    confidence = (keys >> np.uint64(1)).view(np.float64)
    edges = equal_mass_edges(confidence[order[ranks]], slack)
    correct = (keys & np.uint64(1)).astype(bool)
    return sums_by_index(bin_index(confidence, edges), len(edges) - 1, confidence, correct, weights), edges
