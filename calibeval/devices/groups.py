"""Sums of rows by group on their device: as `RunningGroups`, which knows the names and takes the finished sums."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.evaluation.running_groups import RunningGroups
from calibeval.core.sums.binning import is_computed
from calibeval.core.sums.by_group import RowTotals
from calibeval.devices.rows import DeviceRows, on_grid
from calibeval.devices.totals import Sort

COLUMNS = 7  # the size of a group, and those of RowTotals


class TensorGroups:
    """The groups of rows. names: of the groups that came, in memory. sort: of the rows."""

    def __init__(self, names: RunningGroups, sort: Sort, device: torch.device) -> None:
        self._names, self._sort, self._device = names, sort, device
        self._cells = sort.k * (len(sort.edges) - 1)
        self._rows = self._zeros(0, COLUMNS)
        self._top, self._stated, self._hits = (self._zeros(0) for _ in range(3))

    def copy(self) -> TensorGroups:
        """The same sums, to which rows can be added."""
        other = copy.copy(self)
        other._names = self._names.copy()  # noqa: SLF001 - its own
        for name in ("_rows", "_top", "_stated", "_hits"):
            setattr(other, name, getattr(self, name).clone())
        return other

    def coded(self, values: npt.NDArray[np.generic]) -> Tensor:
        """The number of the group of each row. values: what names the groups of the rows."""
        codes = torch.from_numpy(self._names.coded(values).astype(np.int64)).to(self._device)
        self._make_room()
        return codes

    def add(self, rows: DeviceRows, labels: Tensor, codes: Tensor, weights: Tensor | None) -> None:
        """Further rows. labels, codes, weights: (b,)."""
        m = len(self._sort.edges) - 1
        w = torch.ones_like(rows.confidence) if weights is None else weights
        correct = rows.correct.to(torch.float64)
        results = [w * one for one in (rows.confidence, correct, -rows.label_log_p, rows.brier, rows.excess)]
        self._rows.index_add_(0, codes, torch.stack((w, *results, results[-1] * results[-1]), dim=1))
        if self._names.top is not None:
            place = codes * m + torch.bucketize(rows.confidence, self._sort.inner)
            self._top.index_add_(0, place, w * (correct - rows.confidence))
        if self._names.classes is not None:
            self._add_classes(rows, labels, codes, w)

    def in_memory(self) -> RunningGroups:
        """The sums as the core takes them."""
        found = self._names.copy()
        size, m = len(found.sizes), len(self._sort.edges) - 1
        sizes, *rows = self._rows.t().contiguous().cpu().numpy()
        found.sizes, found.rows = sizes, RowTotals(*rows)
        if found.top is not None:
            found.top.totals[:] = self._top.cpu().numpy().reshape(size, m)
        if found.classes is not None:
            for own, sums in zip(found.classes.sums, (self._stated, self._hits), strict=True):
                own[:] = sums.cpu().numpy().reshape(size, self._cells)
        return found

    def _add_classes(self, rows: DeviceRows, labels: Tensor, codes: Tensor, weights: Tensor) -> None:
        axis, m = rows.axis, len(self._sort.edges) - 1
        p = rows.others.scatter(axis, labels.unsqueeze(axis), rows.label_p.unsqueeze(axis))
        p = on_grid(p) if is_computed(self._sort.kind) else p
        classes = torch.arange(self._sort.k, device=p.device).unsqueeze(1 - axis) * m
        place = torch.bucketize(p, self._sort.inner) + classes + (codes * self._cells).unsqueeze(axis)
        at_label = place.gather(axis, labels.unsqueeze(axis)).squeeze(axis)
        self._stated.index_add_(0, place.reshape(-1), (p * weights.unsqueeze(axis)).reshape(-1))
        self._hits.index_add_(0, at_label, weights)

    def _make_room(self) -> None:
        """Make room for all groups that have names."""
        room, m = len(self._names.sizes), len(self._sort.edges) - 1
        cells = 0 if self._names.classes is None else self._cells
        self._rows = self._grown(self._rows, room)
        self._top = self._grown(self._top, 0 if self._names.top is None else room * m)
        self._stated, self._hits = (self._grown(one, room * cells) for one in (self._stated, self._hits))

    def _grown(self, sums: Tensor, size: int) -> Tensor:
        if size <= len(sums):
            return sums[:size]
        return torch.cat((sums, self._zeros(size - len(sums), *sums.shape[1:])))

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self._device)
