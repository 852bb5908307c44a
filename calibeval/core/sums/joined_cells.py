"""How far gaps of bins may be from those of all bins, as small bins were joined to their neighbours."""

from __future__ import annotations

from typing import NamedTuple

from calibeval.core.data.notices import Notice, warning


class JoinedCells(NamedTuple):
    """Bounds on what rows in other bins than their own change, as sums over rows; 0 where no row was moved.

    least: no bin has fewer rows. top, classes, ranks: of the sum over bins of the size of a bin's gap: by confidence,
    in all classes together, and of the worst of the lower ranks. weighed: as top, of gaps that are multiplied by the
    mean confidence of their bin.

    >>> JoinedCells(10, 20.0, 40.0, 10.0, 30.0).with_others(JoinedCells(5, 5.0, 10.0, 5.0, 5.0))
    JoinedCells(least=10, top=25.0, classes=50.0, ranks=15.0, weighed=35.0)
    """

    least: int
    top: float
    classes: float
    ranks: float
    weighed: float

    def with_others(self, other: JoinedCells) -> JoinedCells:
        """Of the rows of both."""
        return JoinedCells(max(self.least, other.least), *(a + b for a, b in zip(self[1:], other[1:], strict=True)))

    def reweighted(self, factor: float) -> JoinedCells:
        """Where every row has this weight."""
        return JoinedCells(self.least, *(factor * one for one in self[1:]))

    def notice(self, n: float, k: int | None) -> Notice | None:
        """What it changes of the numbers of n rows of k classes; None if no row was moved."""
        if not (self.top or self.classes):
            return None
        by_class = "" if k is None else f", the CWCE within {points(self.classes / n / k)}"
        text = (
            f"bins of fewer than {self.least} rows were joined to their neighbours: the ECE is within "
            f"{points(self.top / n)} of its value in all bins{by_class}; intervals are wider by that"
        )
        if max(self.top / n, 0.0 if k is None else self.classes / n / k) >= 1.0:
            text = (
                f"bins of fewer than {self.least} rows were joined to their neighbours, so many that some errors are "
                "not known; save sums with a smaller number"
            )
        return warning("small_cells_joined", text)


def points(bound: float) -> str:
    """A bound on a share in points, with two digits, rounded up.

    >>> points(0.0231), points(0.3391)
    ('2.4 points', '36 points')
    """
    return f"{105.0 * bound:.2g} points"
