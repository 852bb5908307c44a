"""Sums of chunks, added up in the order of their rows: the same bits as of additions of `Sums`, without new arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.sums import Moments, Sums


class RunningTotal:
    """The sums of all chunks so far, of one dump. Chunks without weights, and their arrays, are left as they are."""

    def __init__(self) -> None:
        self._first: Sums | None = None
        self._whole: Sums | None = None  # of chunks with weights
        self._n = self._impossible = 0.0
        self._top: BinSums | None = None
        self._classes: BinSums | None = None
        self._weights = self._nll = self._brier = Moments(0.0, 0.0)
        self._impossible_row: int | None = None
        self._excess: Excess | None = None
        self._risk: float | None = None

    def add(self, sums: Sums) -> None:
        """The sums of the next rows."""
        if sums.top.squared is not None:
            self._whole = sums if self._whole is None else self._whole + sums
            return
        if self._first is None:
            self._first, self._n, self._impossible = sums, sums.n, sums.impossible
            self._top = sums.top.each(np.copy)
            self._classes = None if sums.classes is None else sums.classes.each(np.copy)
            self._weights, self._nll, self._brier = sums.weights, sums.nll, sums.brier
            self._excess, self._risk, self._impossible_row = sums.excess, sums.risk, sums.impossible_row
            return
        self._n, self._impossible = self._n + sums.n, self._impossible + sums.impossible
        _add_to(self._top, sums.top)
        _add_to(self._classes, sums.classes)
        self._weights = self._weights.joined(sums.weights)
        self._nll, self._brier = self._nll.joined(sums.nll), self._brier.joined(sums.brier)
        if self._impossible_row is None:
            self._impossible_row = sums.impossible_row
        self._excess = None if self._excess is None or sums.excess is None else self._excess.joined(sums.excess)
        self._risk = None if self._risk is None or sums.risk is None else self._risk + sums.risk

    def sums(self) -> Sums | None:
        """The sums of all chunks; None if there are none."""
        if self._first is None or self._top is None:
            return self._whole
        return replace(
            self._first,
            n=self._n,
            weights=self._weights,
            top=self._top,
            classes=self._classes,
            nll=self._nll,
            brier=self._brier,
            impossible=int(self._impossible),
            impossible_row=self._impossible_row,
            excess=self._excess,
            rows=None,
            risk=self._risk,
        )


def _add_to(total: BinSums | None, other: BinSums | None) -> None:
    if total is None or other is None:
        return
    for mine, theirs in zip(_arrays(total), _arrays(other), strict=True):
        np.add(mine, theirs, out=mine)


def _arrays(sums: BinSums) -> tuple[Floats, ...]:
    return sums.count, sums.p, sums.pp, sums.y, sums.yp
