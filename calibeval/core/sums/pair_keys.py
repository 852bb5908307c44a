"""The confidence and correctness of all rows, collected while the scores are read: 8 bytes for each row."""

from __future__ import annotations

import numpy as np

from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.pairs import Pairs

# After an array of this size is freed, glibc keeps the memory for the next ones, up to the largest size that it keeps.
# Metrics of pairs make many arrays as long as the rows, which need not be paged in again then.
KEPT_BYTES = 31 * 2**20


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
        np.empty(KEPT_BYTES, np.uint8)
        return Pairs.of_keys(np.concatenate(self._blocks) if self._blocks else np.empty(0, np.uint64), slack)
