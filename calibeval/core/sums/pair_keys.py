"""The confidence and correctness of all rows, collected while the scores are read: 8 bytes for each row."""

from __future__ import annotations

import numpy as np

from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.pairs import Pairs


class PairKeys:
    """Takes the keys of rows (`equal_mass.confidence_keys`), block by block; their order does not matter."""

    def __init__(self) -> None:
        self._blocks: list[RowKeys] = []

    def add(self, keys: RowKeys) -> None:
        """The keys of the next rows."""
        self._blocks.append(keys)

    def pairs(self, slack: float = 0.0) -> Pairs:
        """The pairs of all rows, without weights and groups. Raises: InputError if there are none.

        >>> found = PairKeys()
        >>> found.add(np.array([0.5, 0.25]).view(np.uint64) << np.uint64(1))
        >>> found.pairs().confidence.tolist()
        [0.25, 0.5]
        """
        return Pairs.of_keys(np.concatenate(self._blocks) if self._blocks else np.empty(0, np.uint64), slack)
