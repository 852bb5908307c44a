"""Sort keys counted and added up between cuts, by the compiled kernel where it is used; and such sums by bins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.kernel import chosen

Keys = npt.NDArray[np.uint64]


def fused_histogram(keys: Keys, cells: int) -> npt.NDArray[np.int64] | None:
    """The number of keys in each cell of their confidence; None: numpy counts them."""
    kernel, counts = chosen(), np.zeros(cells, np.int64)
    if kernel is None or kernel.module.histogram(kernel.which, np.ascontiguousarray(keys), counts) != 0:
        return None
    return counts


def fused_cut(
    keys: Keys, of_cell: npt.NDArray[np.int64], cuts: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]
) -> tuple[Keys, BinSums] | None:
    """The keys in segments that are kept, and the sums of all segments; None: numpy adds them up.

    of_cell: the segment of each cell of the confidence, or -1 where a cut lies in it. cuts: where segments start.
    """
    kernel = chosen()
    if kernel is None:
        return None
    sums, found = np.empty((5, len(kept))), np.empty(len(keys), np.uint64)
    count = kernel.module.segment_sums(
        kernel.which,
        np.ascontiguousarray(keys),
        of_cell.astype(np.int32),
        np.ascontiguousarray(cuts),
        kept,
        sums,
        found,
    )
    return found[:count].copy(), BinSums(*sums)


def regrouped(sums: BinSums, bins: npt.NDArray[np.intp], counted: npt.NDArray[np.bool_], m: int) -> BinSums:
    """Sums of segments, added up by the bin of each segment; only segments that are counted."""
    return BinSums(
        *(
            np.asarray(np.bincount(bins, weights=column * counted, minlength=m), np.float64)
            for column in (sums.count, sums.p, sums.pp, sums.y, sums.yp)
        )
    )
