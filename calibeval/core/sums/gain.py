"""What a recalibration out of fold changes: the scores of every row before it and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats, Indices

NONE = "none"
MapName = Literal["none", "isotonic", "temperature", "top-isotonic"]  # what `chosen` can be


class Losses(NamedTuple):
    """Proper scores of rows, (n,): the NLL, None if only the top label is known, and the Brier score.

    noise: the variance of a row's NLL that comes from the noise of the map, about d/m for d degrees of freedom that are
    fitted on m rows; 0 without a map.
    """

    nll: Floats | None
    brier: Floats
    noise: float = 0.0

    def at(self, places: Indices) -> Losses:
        """Those of the rows at these positions."""
        return Losses(None if self.nll is None else self.nll[places], self.brier[places], self.noise)


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """Rows before and after maps that were fitted on the rows of other folds.

    chosen: the map with the best score out of fold, or "none". before: the rows as they are. after: what each map makes
    of them. weights: (m,), that add up to their effective number; groups: (m,); None as for `Pairs`. places: (m,), the
    positions of these rows, ascending, if they are a sample of all n rows; else None. cells: the number of cells of the
    isotonic regression, if it is not exact. folds: (n,), of all rows.
    """

    chosen: str
    before: Losses
    after: Mapping[str, Losses]
    n: int
    weights: Floats | None = None
    groups: Codes | None = None
    places: Indices | None = None
    cells: int | None = None
    folds: npt.NDArray[np.int16] | None = None

    @property
    def rows(self) -> int:
        """The number of rows that it is computed from."""
        return len(self.before.brier)

    def of_rows(self, chosen: Indices, groups: Codes | None) -> Gain:
        """Some of the rows, with the same map. chosen: positions among all rows. groups: of these rows."""
        own, found = chosen, np.arange(len(chosen))
        if self.places is not None:
            there = np.minimum(np.searchsorted(self.places, chosen), len(self.places) - 1)
            found = np.flatnonzero(self.places[there] == chosen)
            own = there[found]
        return replace(
            self,
            before=self.before.at(own),
            after={name: one.at(own) for name, one in self.after.items()},
            n=len(chosen),
            weights=None if self.weights is None else self.weights[own],
            groups=None if groups is None else np.unique(groups[found], return_inverse=True)[1],
            places=None if self.places is None else found,
            folds=None,
        )
