"""The sort keys of rows that come block by block: what equal-mass bins, and metrics without bins, are made of."""

from __future__ import annotations

import copy
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.equal_mass import RowKeys, from_keys
from calibeval.core.sums.equal_weight import from_weighted_keys
from calibeval.core.sums.fine_pairs import pairs_of_sums
from calibeval.core.sums.key_cells import cell_sums_of, mass_of_cells
from calibeval.core.sums.pair_keys import pairs_of_keys
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.reweighted import reweighted_bins
from calibeval.core.sums.sums import EqualMass

WAITING = 2**20  # rows that are added up in cells at once
MOST_KEPT = 2**22  # rows whose keys are kept if it is not said whether to keep them

Parts = TypeVar("Parts", bound=npt.NDArray[Any])


class RunningKeys:
    """The keys of all rows, 8 bytes each, and with weights or groups the weight (8 bytes) and group (4) of each.

    slack: see `equal_mass_edges`. exact: whether to keep them; None: only up to MOST_KEPT rows.
    key_parts, weight_parts, code_parts: of consecutive rows; without weights or groups there are none. cells: the sums
    of rows in narrow cells, if keys are not kept; then parts are only of rows that wait. rows: the number of rows.
    displaced: how many rows may be beyond an edge in other cells than their own, over all edges of bins. mixed: those
    that would be, were other rows added: alone, rows of joined cells are side by side, and edges fall between them.
    """

    def __init__(self, slack: float, *, exact: bool | None = True) -> None:
        self._slack, self.exact = slack, exact
        self.key_parts: list[RowKeys] = []
        self.weight_parts: list[Floats] = []
        self.code_parts: list[Codes] = []
        self.cells: BinSums | None = None
        self.rows, self.displaced, self.mixed = 0, 0.0, 0.0
        self._folding, self._waiting = exact is False, 0

    @property
    def kept(self) -> bool:
        """Whether there is a key of every row."""
        return not self._folding

    def add(self, keys: RowKeys, weights: Floats | None, codes: Codes | None) -> None:
        """Further rows. weights: None while all rows count the same. codes: numbers of groups."""
        self.rows += len(keys)
        self._waiting += len(keys)
        self.key_parts.append(keys)
        self.weight_parts += [] if weights is None else [weights]
        self.code_parts += [] if codes is None else [codes.astype(np.int32)]
        if (self.exact is None and self.kept and self.rows > MOST_KEPT) or (self._folding and self._waiting >= WAITING):
            self.fold()

    def fold(self) -> None:
        """Add up the rows in cells, and forget their keys."""
        self._folding = True
        if self.key_parts:
            self.cells = self._all_cells()
            self.key_parts, self.weight_parts, self.code_parts, self._waiting = [], [], [], 0

    def _all_cells(self) -> BinSums:
        """The sums of all rows in cells."""
        if not self.key_parts:
            if self.cells is None:
                raise AssertionError("there are no rows")
            return self.cells
        waiting = cell_sums_of(self.keys, self.weights)
        return waiting if self.cells is None else self.cells + waiting

    def take(self, cells: BinSums, rows: int) -> None:
        """Rows that are known as cells only."""
        self.fold()
        self.cells = cells if self.cells is None else self.cells + cells
        self.rows += rows

    def copy(self) -> RunningKeys:
        """The same rows, to which others can be added."""
        other = copy.copy(self)
        other.key_parts, other.weight_parts = [*self.key_parts], [*self.weight_parts]
        other.code_parts = [*self.code_parts]
        return other

    def join(self, other: RunningKeys, codes: Codes | None) -> None:
        """Add the rows of another one. codes: the number here of each of its groups."""
        if not (self.kept and other.kept):
            other = other.copy()
            self.fold()
            other.fold()
        self.key_parts += other.key_parts
        self.weight_parts += other.weight_parts
        self.code_parts += [] if codes is None else [codes[own].astype(np.int32) for own in other.code_parts]
        if other.cells is not None:
            self.cells = other.cells if self.cells is None else self.cells + other.cells
        self.rows += other.rows
        self.displaced, self.mixed = self.displaced + self.mixed + other.displaced + other.mixed, 0.0
        self._waiting = sum(map(len, self.key_parts))
        if self.exact is None and self.rows > MOST_KEPT:
            self.fold()

    def reweight(self, factor: float) -> None:
        """Multiply each weight by the factor; rows without weights have weight 1."""
        self.displaced, self.mixed = factor * self.displaced, factor * self.mixed
        if self.cells is not None:
            self.cells = reweighted_bins(self.cells, factor)
        if self.weight_parts:
            self.weight_parts = [weights * factor for weights in self.weight_parts]
        else:
            self.weight_parts = [np.full(len(keys), factor) for keys in self.key_parts]

    @property
    def keys(self) -> RowKeys:
        """Of all rows."""
        return _whole(self.key_parts)

    @property
    def weights(self) -> Floats | None:
        """Of all rows; None if all count the same."""
        return _whole(self.weight_parts) if self.weight_parts else None

    @property
    def codes(self) -> Codes | None:
        """The numbers of groups of all rows; None without groups."""
        return _whole(self.code_parts) if self.code_parts else None

    def equal_mass(self, bins: int) -> EqualMass:
        """Equal-mass bins of all rows."""
        if self._folding:
            found = mass_of_cells(self._all_cells(), bins)
            # A displaced row is on the wrong side of an edge, and moves the rank of one other row across it.
            return found._replace(bound=found.bound + 4.0 * self.displaced / float(found.sums.count.sum()))
        weights = self.weights
        if weights is None:
            return EqualMass(*from_keys(self.keys, bins, slack=self._slack))
        return EqualMass(*from_weighted_keys(self.keys, weights, bins, self._slack))

    def pairs(self, scale: float, codes: Codes | None) -> Pairs:
        """All rows in ascending order, or cells of many. scale: of the weights. codes: final numbers of groups."""
        if self._folding:
            return pairs_of_sums(self._all_cells(), self._slack)
        keys, weights = self.keys, self.weights
        if weights is None and codes is None:
            return pairs_of_keys(keys, self._slack)
        return Pairs.of(
            (keys >> np.uint64(1)).view(np.float64),
            (keys & np.uint64(1)).astype(bool),
            None if weights is None else weights * scale,
            codes,
            self._slack,
        )


def _whole(parts: list[Parts]) -> Parts:
    """The parts in one array, which then replaces them."""
    if len(parts) > 1:
        parts[:] = [cast("Parts", np.concatenate(parts))]
    return parts[0]
