"""Sums of rows that all counted the same, or had weights, as sums with weights that are a factor larger."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.second_pass import SecondSums
from calibeval.core.sums.sums import Moments, Sums


def reweighted(sums: Sums, factor: float) -> Sums:
    """The sums, not yet finished, if each weight is multiplied by the factor; rows without weights have weight 1."""
    risk, excess, classes = sums.risk, sums.excess, sums.classes
    return replace(
        sums,
        weights=Moments(sums.weights.total * factor, sums.weights.squares * factor**2),
        top=reweighted_bins(sums.top, factor),
        classes=None if classes is None else reweighted_bins(classes, factor),
        nll=_moments(sums.nll, factor),
        brier=_moments(sums.brier, factor),
        excess=None if excess is None else excess.scaled(factor),
        risk=None if risk is None else risk * factor,
    )


def reweighted_bins(sums: BinSums, factor: float) -> BinSums:
    """The same for the sums of bins.

    >>> import numpy as np
    >>> one = np.ones(1)
    >>> found = reweighted_bins(BinSums(one, one, one, one, one), 2.0)
    >>> found.count.tolist(), found.squared.count.tolist(), found.rows.tolist()
    ([2.0], [4.0], [1.0])
    """
    if sums.squared is None:
        return replace(sums.scaled(factor), squared=sums.scaled(factor**2), rows=sums.count)
    return sums.scaled(factor)


def reweighted_second(sums: SecondSums, factor: float) -> SecondSums:
    """The same for what metrics on request need."""
    return SecondSums(
        {rank: reweighted_bins(own, factor) for rank, own in sums.ranks.items()},
        {limit: reweighted_bins(own, factor) for limit, own in sums.small.items()},
    )


def reweighted_cells(cells: Cells, factor: float) -> Cells:
    """The same for narrow cells."""
    return Cells(cells.count * factor, cells.p * factor, cells.y * factor, cells.squares * factor**2)


def _moments(moments: Moments, factor: float) -> Moments:
    crossed = moments.total if moments.crossed is None else moments.crossed
    return Moments(moments.total * factor, moments.squares * factor**2, crossed * factor**2)
