"""The sort keys of rows on their device: 8 bytes a row, or sums in narrow cells of many rows."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from calibeval.core.sums.equal_mass import ONE, STEP_BITS
from calibeval.core.sums.key_cells import CELLS, FINE_BITS
from calibeval.core.sums.running_keys import MOST_KEPT, RunningKeys
from calibeval.devices.rows import sort_keys
from calibeval.devices.totals import add_by_index, bin_sums, terms_of


class TensorKeys:
    """The keys of rows, as `RunningKeys` takes them. exact: whether to keep them; None: only up to MOST_KEPT rows.

    keys, weights, codes: of consecutive rows; codes are the numbers of groups. cells: the sums of rows in narrow cells,
    if keys are not kept. rows: their number.
    """

    def __init__(self, exact: bool | None) -> None:
        self._exact, self.rows = exact, 0
        self.keys: list[Tensor] = []
        self.weights: list[Tensor] = []
        self.codes: list[Tensor] = []
        self.cells: Tensor | None = None

    def add(self, confidence: Tensor, correct: Tensor, weights: Tensor | None, codes: Tensor | None) -> None:
        """Further rows, (b,). codes: the numbers of their groups."""
        self.rows += len(confidence)
        self.keys.append(sort_keys(confidence, correct))
        self.weights += [] if weights is None else [weights.clone()]
        self.codes += [] if codes is None else [codes.to(torch.int32)]
        if self._exact is False or (self._exact is None and self.rows > MOST_KEPT):
            self._fold()

    def copy(self) -> TensorKeys:
        """The same rows, to which others can be added."""
        other = copy.copy(self)
        other.keys, other.weights, other.codes = [*self.keys], [*self.weights], [*self.codes]
        other.cells = None if self.cells is None else self.cells.clone()
        return other

    def in_memory(self, found: RunningKeys) -> RunningKeys:
        """The rows as the core keeps them, added to none."""
        if self.cells is not None:
            found.take(bin_sums(self.cells.cpu().numpy().reshape(2, CELLS, -1)), self.rows)
            return found
        for i, keys in enumerate(self.keys):
            own = self.weights[i].cpu().numpy() if self.weights else None
            codes = self.codes[i].cpu().numpy() if self.codes else None
            found.add(keys.cpu().numpy().view(np.uint64), own, None if codes is None else codes.astype(np.intp))
        return found

    def _fold(self) -> None:
        """Add up the rows in cells, and forget their keys."""
        for i, keys in enumerate(self.keys):
            p, correct = (keys >> 1).view(torch.float64), keys & 1
            terms = terms_of(p, self.weights[i] if self.weights else None)
            if self.cells is None:
                self.cells = torch.zeros((2 * CELLS, terms.shape[1]), dtype=torch.float64, device=p.device)
            add_by_index(self.cells, _cells_of(keys >> 1) + correct * CELLS, terms)
        self.keys, self.weights, self.codes = [], [], []


def _cells_of(bits: Tensor) -> Tensor:
    """The narrow cell of each row: as `calibeval.core.sums.equal_mass.cells_of`. bits: those of the confidences."""
    distance = (ONE + (1 << STEP_BITS) - bits) >> STEP_BITS
    cell = distance.to(torch.float64).view(torch.int64) >> (52 - FINE_BITS)
    return ((52 + 1023) << FINE_BITS) - 1 - cell
