"""Sums of consecutive rows of a dump on a device, as the engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.piece import Piece
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import RowScores
from calibeval.devices.rows import log_risk, row_results
from calibeval.devices.totals import Sort, Totals


class PieceSums:
    """Rows that make one piece. keep_rows: whether the results of single rows are wanted. rows: their number.

    samples: the chosen rows among them, in memory.
    """

    def __init__(self, sort: Sort, device: torch.device, *, keep_rows: bool) -> None:
        self._sort, self._device, self._keep_rows = sort, device, keep_rows
        self._totals = Totals(sort, device)
        self._keys: list[Tensor] = []
        self._results: list[Tensor] = []
        self._weights: list[Floats] = []
        self.samples: list[Sample] = []

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self._totals.n

    def add(
        self, scores: Tensor, labels: npt.NDArray[np.int64], stored: npt.NDArray[np.intp], weights: Floats | None
    ) -> None:
        """Further rows, known to be right. labels, stored, weights: (b,), in memory; stored: numbers of the rows."""
        own, w = on_device(labels, self._device), None if weights is None else on_device(weights, self._device)
        rows = row_results(scores, own, self._sort.kind)
        self._totals.add(rows, own, on_device(stored, self._device), w)
        self._keys.append(rows.keys)
        if self._keep_rows:
            risk = log_risk(rows, self._sort.k)
            self._results.append(torch.stack((-rows.label_log_p, rows.brier, rows.excess, risk)))
            self._weights += [] if weights is None else [weights]

    def piece(self) -> Piece:
        """The sums of all these rows, with their keys."""
        keys = torch.cat(self._keys).cpu().numpy().view(np.uint64)
        sums, sample = self._totals.sums(), None
        if self.samples and sums.excess is not None:
            sample = joined_samples(self.samples)
        if self._keep_rows:
            weights = np.concatenate(self._weights) if self._weights else None
            sums = replace(sums, rows=LateRows(keys, torch.cat(self._results, dim=1), weights))
        return Piece(sums, keys, sample, self._totals.cells() if self._sort.classes is not None else None)


class LateRows(RowScores):
    """Results of rows, of which those that the keys do not tell leave the device only when they are asked for."""

    __slots__ = ("_copied", "_results")

    _results: Tensor
    _copied: Floats | None

    def __init__(self, keys: RowKeys, results: Tensor, weights: Floats | None) -> None:
        """results: (4, b), of nll, brier, excess and risk, on the device."""
        confidence, correct = (keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(bool)
        own: dict[str, Any] = {
            "confidence": confidence,
            "correct": correct,
            "weights": weights,
            "_results": results,
            "_copied": None,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def _column(self, which: int) -> Floats:
        found = self._copied
        if found is None:
            found = np.asarray(self._results.cpu().numpy(), np.float64)
            object.__setattr__(self, "_copied", found)
        return np.asarray(found[which])

    @property
    def nll(self) -> Floats:
        """In nats; these four are as in `RowScores`."""
        return self._column(0)

    @property
    def brier(self) -> Floats:
        """In [0, 2]."""
        return self._column(1)

    @property
    def excess(self) -> Floats:
        """In nats."""
        return self._column(2)

    @property
    def risk(self) -> Floats:
        """In nats."""
        return self._column(3)


def joined_samples(parts: Sequence[Sample]) -> Sample:
    """The chosen rows of consecutive parts."""
    columns: list[Any] = [*zip(*parts, strict=True)]
    whole: list[Any] = [None if column[0] is None else np.concatenate(column) for column in columns]
    return Sample(*whole)


def on_device(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """An array as a tensor on the device."""
    return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(device)
