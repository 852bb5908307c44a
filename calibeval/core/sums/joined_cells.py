"""How many rows are in other bins than their own, as small bins were joined to their neighbours."""

from __future__ import annotations

from typing import NamedTuple

from calibeval.core.data.notices import Notice, warning


class JoinedCells(NamedTuple):
    """least: no bin has fewer rows. top, classes: at least as many rows as were moved, by confidence and in classes.

    >>> JoinedCells(10, 20.0, 40.0).with_others(JoinedCells(5, 5.0, 10.0))
    JoinedCells(least=10, top=25.0, classes=50.0)
    """

    least: int
    top: float
    classes: float

    def with_others(self, other: JoinedCells) -> JoinedCells:
        """Of the rows of both."""
        return JoinedCells(max(self.least, other.least), self.top + other.top, self.classes + other.classes)

    def notice(self, n: int, k: int | None) -> Notice | None:
        """What it changes of the numbers of n rows of k classes; None if no row was moved."""
        if not (self.top or self.classes):
            return None
        by_class = "" if k is None else f" and the CWCE within {_at_least(2.0 * self.classes / n / k)}"
        text = (
            f"bins of fewer than {self.least} rows were joined to their neighbours: the ECE is within "
            f"{_at_least(2.0 * self.top / n)}{by_class} of its value in all bins; MCE leaves small bins out"
        )
        return warning("small_cells_joined", text)


def _at_least(bound: float) -> str:
    """The number with two digits, rounded up."""
    return f"{1.05 * bound:.2g}"
