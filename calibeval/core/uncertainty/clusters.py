"""Groups of unequal sizes: their effective number, and the variance between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats

LEAST_FREEDOM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The sizes of groups of rows of which only the groups are independent, (j,), each above 0.

    With fewer than two groups there is no variance between them; only their effective number is defined.
    """

    sizes: Floats

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer[Any]], weights: Floats | None = None) -> Clusters:
        """The sizes from (n,) of group numbers in [0, j), each of which occurs. weights: (n,), whose sums are sizes."""
        return cls(np.bincount(codes, weights=weights).astype(np.float64))

    @property
    def effective(self) -> float:
        """The number of groups of equal sizes that would say as much: n^2 / (sum of squared sizes).

        Source: Carter, Schnepel & Steigerwald, Rev. Econ. Stat. 99:698 (2017), without the part that needs a model.

        >>> Clusters(np.array([5.0, 5.0])).effective, round(Clusters(np.array([9.0, 1.0])).effective, 2)
        (2.0, 1.22)
        """
        return float(self.sizes.sum() ** 2 / (self.sizes @ self.sizes)) if len(self.sizes) else 0.0

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance between groups, by Satterthwaite; j - 1 for equal sizes, at least 1.

        Source: Bell & McCaffrey, Survey Methodology 28:169 (2002), with weights of squared sizes.

        >>> Clusters(np.full(20, 7.0)).freedom, round(Clusters(np.array([20.0, 10.0, 10.0, 10.0])).freedom, 2)
        (19.0, 1.58)
        """
        weights = self.sizes**2
        return max(float(weights.sum() ** 2 / (weights @ weights)) - 1.0, LEAST_FREEDOM)

    @property
    def scale(self) -> Floats:
        """The factor of each group's centred total before it is squared, so that the squares add up to a variance.

        A group's total is centred if the rows of the group, times the mean over all rows, are taken from it. The sum of
        the scaled squares is the jackknife's variance of the total over all rows, leaving one group out at a time.
        Source: the delete-one-group jackknife; see Bell & McCaffrey (2002).

        >>> bool(np.allclose(Clusters(np.full(5, 3.0)).scale, np.sqrt(5 / 4)))
        True
        """
        n, j = float(self.sizes.sum()), len(self.sizes)
        return np.asarray(np.sqrt((j - 1.0) / j) * n / np.maximum(n - self.sizes, 1.0))
