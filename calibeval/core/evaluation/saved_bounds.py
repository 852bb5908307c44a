"""What sums of rows can be: bounds for the arrays of saved sums."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import Wrong
from calibeval.core.evaluation.running import Running
from calibeval.core.sums.binning import PARTS, BinSums
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.sums import Sums

ROUNDING = 1e-6  # of the sum of weights: rounding stays far below it
FINE = 1e-9  # of the sum of weights in a narrow cell

Array = npt.NDArray[Any]


class Bounds:
    """What sums over all rows add up to. total, squares: of the weights and their squares. slack: relative."""

    def __init__(self, running: Running, total: Sums) -> None:
        self.n, self.weighted = running.counts.n, total.top.squared is not None
        self.total, self.squares, _ = total.weights
        self.joined = running.joined is not None  # bins, so that rows left theirs
        self.slack = max(ROUNDING, 4.0 * running.facts.kinds.precision)

    def same(self, name: str, found: float, needed: float, what: str, *, slack: float = 0.0) -> None:
        """Check a sum. what: that it is needed for."""
        if not abs(found - needed) <= max(self.slack, slack) * self.total:
            refuse(name, f"adds up to {found:.9g}, but {needed:.9g} is {what}")

    def bins(
        self,
        name: str,
        bins: BinSums,
        limits: tuple[Floats, Floats] | None = None,
        *,
        all_rows: bool = True,
        narrow: bool = False,
    ) -> None:
        """Check sums of bins.

        limits: that the probabilities of each lie between. all_rows: whether each row is in one of the bins. narrow:
        whether these are narrow cells, whose sums are known better than the width of bins.
        """
        if (bins.squared is not None) != self.weighted:
            refuse(name, f"is {'without' if self.weighted else 'with'} weights, unlike the other sums")
        limits = None if self.joined else limits
        self._parts(name, bins, self.total, limits, narrow=narrow)
        if bins.squared is not None:
            self._parts(f"{name}.squared", bins.squared, self.squares, limits, narrow=narrow)
            own, most = bins.squared.count, self.squares * (1.0 + self.slack)
            check(f"{name}.squared.count", own, own <= most, "sums of squares of weights of all rows, or fewer,")
        rows = bins.count if bins.rows is None else bins.rows
        self._whole(f"{name}.count" if bins.rows is None else f"{name}.rows", rows)
        if bins.rows is None:
            self._whole(f"{name}.y", bins.y)
        elif bins.squared is not None:
            own, squares = bins.count, bins.squared.count
            fits = (
                (own * own <= rows * squares * 1.001) & (squares <= own * own * 1.001) & ((rows > 0.0) == (own > 0.0))
            )
            check(f"{name}.squared.count", squares, fits, f"what the weights of {name}.rows can have")
        for every, own in zip(np.atleast_2d(rows), np.atleast_2d(bins.count), strict=True) if all_rows else ():
            if every.sum() != self.n:
                refuse(name, f"has {every.sum():.9g} rows, but counts.n is {self.n}")
            self.same(f"{name}.count", own.sum(), self.total, "the sum of weights")

    def some(self, name: str, some: BinSums, every: BinSums, what: str) -> None:
        """Check that sums are of some of the rows of others. what: their name."""
        for part in PARTS:
            own, most = getattr(some, part), getattr(every, part)
            check(f"{name}.{part}", own, own <= most + self.slack * self.total, f"at most {what}.{part}")

    def cells(self, name: str, cells: Cells, limits: tuple[Floats, Floats]) -> None:
        """Check the cells of a curve. limits: of their probabilities."""
        slack = self.slack * self.total
        for part in ("count", "p", "y", "squares"):
            values = getattr(cells, part)
            check(f"{name}.{part}", values, np.isfinite(values) & (values >= 0.0), "finite sums of at least 0")
        for part in ("p", "y"):
            values = getattr(cells, part)
            check(f"{name}.{part}", values, values <= cells.count + slack, "at most the count")
        if not self.joined:
            _between(f"{name}.p", cells.p, cells.count, limits, FINE * cells.count)
        self.same(f"{name}.count", cells.count.sum(), self.total, "the sum of weights")
        if not abs(cells.squares.sum() - self.squares) <= self.slack * self.squares:
            refuse(f"{name}.squares", f"adds up to {cells.squares.sum():.9g}, but {self.squares:.9g} is needed")
        if not self.weighted:
            self._whole(f"{name}.count", cells.count)
            self._whole(f"{name}.y", cells.y)
            check(f"{name}.squares", cells.squares, cells.squares == cells.count, "the same as count")
        else:
            most, least = cells.count**2 * 1.001, cells.count**2 * (0.999 / self.n)
            right = (cells.squares <= most) & (cells.squares >= least)
            check(f"{name}.squares", cells.squares, right, "what weights of the sum count can have")

    def _whole(self, name: str, rows: Floats) -> None:
        check(name, rows, (rows >= 0.0) & (np.floor(rows) == rows) & (rows <= self.n), "whole numbers of rows")

    def _parts(
        self, name: str, bins: BinSums, total: float, limits: tuple[Floats, Floats] | None, *, narrow: bool
    ) -> None:
        slack = self.slack * total
        for part in PARTS:
            values = getattr(bins, part)
            check(f"{name}.{part}", values, np.isfinite(values) & (values >= -slack), "finite sums of at least 0")
        for part, most in (("p", "count"), ("y", "count"), ("pp", "p"), ("yp", "p"), ("yp", "y")):
            values, limit = getattr(bins, part), getattr(bins, most)
            check(f"{name}.{part}", values, values <= limit + slack, f"at most {name}.{most}")
        with np.errstate(over="ignore"):
            fits = bins.p * (bins.p / total) <= bins.count * (bins.pp / total) + self.slack * bins.count + slack
        check(f"{name}.pp", bins.pp, fits, f"what probabilities of the sum {name}.p can have")
        if limits is None:
            return
        spare = FINE * bins.count if narrow else np.full_like(bins.count, slack)
        _between(f"{name}.p", bins.p, bins.count, limits, spare)
        _between(f"{name}.pp", bins.pp, bins.p, limits, spare)
        _between(f"{name}.yp", bins.yp, bins.y, limits, spare)
        _between(f"{name}.yp", bins.p - bins.yp, bins.count - bins.y, limits, spare)


def check(name: str, values: Array, right: Array, needed: str) -> None:
    """Refuse the first value that is not right."""
    if not right.all():
        place = tuple(int(one) for one in np.argwhere(~right)[0])
        at = ", ".join(map(str, place))
        refuse(f"{name}[{at}]", f"is {values[place]:.9g}, but {needed} are needed")


def refuse(name: str, problem: str) -> NoReturn:
    """Raises: Wrong."""
    raise Wrong(f"{name} {problem}")


def _between(name: str, sums: Floats, times: Floats, limits: tuple[Floats, Floats], spare: Floats) -> None:
    low, high = limits
    right = (sums >= low * times - spare) & (sums <= high * times + spare)
    check(name, sums, right, "sums that the limits of the bin allow")
