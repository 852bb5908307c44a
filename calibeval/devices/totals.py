"""Sums of rows by bin, class and cell on their device, and the `Sums` of the core that they make."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import BinSums, is_computed
from calibeval.core.sums.cells import CELL_BITS, CELLS, HALF, OCTAVES, Cells
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.sums import Moments, Sums
from calibeval.devices.rows import DeviceRows, log_risk, on_grid

SPREAD = 2**18  # sums over few indices are spread over copies: fewer threads then wait for the same place
MOST_COPIES = 256
NO_ROW = 2**62  # in place of the first row whose label has probability 0
_SHIFT = 52 - CELL_BITS
_LEAST = int(np.float64(2.0**-OCTAVES).view(np.int64)) >> _SHIFT
ONE, WEIGHTED = slice(0, 3), slice(3, 6)  # columns of sums of w, w p, w p^2, and of the same with w^2


class Sort(NamedTuple):
    """What rows are. edges: (m + 1,) of bins, as floats for the core; inner: those between bins, on the device.

    weighted: whether rows have different weights. positive: the number of the positive class. classes: the numbers of
    those that curves are wanted of; None: no curves are.
    """

    kind: Kind
    k: int
    edges: Floats
    compared: Floats
    inner: Tensor
    weighted: bool
    positive: int
    classes: tuple[int, ...] | None


class Totals:
    """The sums of rows so far, each a tensor on the device, in float64; n: the number of rows."""

    def __init__(self, sort: Sort, device: torch.device) -> None:
        self.sort, self.n = sort, 0
        m, k, columns = len(sort.edges) - 1, sort.k, 7 if sort.weighted else 3

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float64, device=device)

        self.labels, self.others = zeros(2 * k * m, columns), zeros(k * m, columns)
        self.columns = zeros(2, 2 if sort.weighted else 1, k)
        self.top = zeros(2 * m, columns)
        names: list[str | int] = []
        if sort.classes is not None:
            names = ["top", *(["positive"] if k == 2 else []), *sort.classes]
        self.curves: dict[str | int, Tensor] = {name: zeros(2 * CELLS, columns) for name in names}
        self.scalars = zeros(14)
        self.impossible_row = torch.full((), NO_ROW, dtype=torch.int64, device=device)

    def copy(self) -> Totals:
        """The same sums, to which rows can be added."""
        other = copy.copy(self)
        for name in ("labels", "others", "columns", "top", "scalars", "impossible_row"):
            setattr(other, name, getattr(self, name).clone())
        other.curves = {name: cells.clone() for name, cells in self.curves.items()}
        return other

    def add(self, rows: DeviceRows, labels: Tensor, stored: Tensor, weights: Tensor | None) -> None:
        """Further rows. labels: (b,). stored: (b,), their numbers among the stored rows. weights: (b,)."""
        sort, m = self.sort, len(self.sort.edges) - 1
        self.n += len(labels)
        terms = terms_of(rows.label_p, weights)
        index = labels * m + self._bins(rows.label_p) + rows.correct * (sort.k * m)
        add_by_index(self.labels, index, terms)
        self._add_others(rows, weights)
        terms = terms_of(rows.confidence, weights)
        add_by_index(self.top, self._bins(rows.confidence) + rows.correct * m, terms)
        self.add_curves(rows, labels, weights)
        self._add_scalars(rows, stored, weights)

    def add_curves(self, rows: DeviceRows, labels: Tensor, weights: Tensor | None) -> None:
        """The cells of further rows, without their other sums."""
        if "top" in self.curves:
            terms = terms_of(rows.confidence, weights)
            add_by_index(self.curves["top"], cell_index(rows.confidence) + rows.correct * CELLS, terms)
        if "positive" in self.curves:
            label = labels == self.sort.positive
            p = torch.where(label == rows.correct, rows.confidence, 1.0 - rows.confidence)
            add_by_index(self.curves["positive"], cell_index(p) + label * CELLS, terms_of(p, weights))
        for one in self.sort.classes or ():
            p = torch.where(labels == one, rows.label_p, rows.others.select(rows.axis, one))
            p = on_grid(p) if is_computed(self.sort.kind) else p
            add_by_index(self.curves[one], cell_index(p) + (labels == one) * CELLS, terms_of(p, weights))

    def _bins(self, p: Tensor) -> Tensor:
        return torch.bucketize(p, self.sort.inner)

    def _add_others(self, rows: DeviceRows, weights: Tensor | None) -> None:
        """The probabilities of all classes but the label: column sums, and each probability above the first bin."""
        sort, p, axis, m = self.sort, rows.others, rows.axis, len(self.sort.edges) - 1
        place = (p > float(sort.compared[1])).reshape(-1).nonzero().squeeze(1)  # one wait for the device
        above, step = p.reshape(-1)[place], p.shape[1]
        above = on_grid(above) if is_computed(sort.kind) else above
        classes, row = (place // step, place % step) if axis == 0 else (place % step, place // step)
        terms = terms_of(above, None if weights is None else weights[row])
        add_by_index(self.others, classes * m + self._bins(above), terms)
        squares = p * p
        if weights is None:
            self.columns += torch.stack((p.sum(1 - axis), squares.sum(1 - axis))).unsqueeze(1)
            return
        both = torch.stack((weights, weights * weights))
        self.columns += torch.stack([both @ (part.t() if axis == 0 else part) for part in (p, squares)])

    def _add_scalars(self, rows: DeviceRows, stored: Tensor, weights: Tensor | None) -> None:
        log_p = rows.label_log_p
        impossible = log_p.isneginf()
        nll = torch.where(impossible, 0.0, -log_p)
        brier = rows.brier
        w = torch.ones_like(nll) if weights is None else weights
        own, risk = w * nll, log_risk(rows, self.sort.k)
        of_brier = w * brier
        powers = torch.stack((w * w, w**3, w**4)) * rows.cumulants
        parts = [own, own * own, w * own, of_brier, of_brier * of_brier, w * of_brier, w * rows.excess, *powers]
        self.scalars += torch.stack([*parts, w * risk, w, w * w, impossible.to(w.dtype)]).sum(1)
        first = torch.where(impossible, stored, NO_ROW).amin()
        self.impossible_row = torch.minimum(self.impossible_row, first)

    def sums(self) -> Sums:
        """The sums as the core takes them, without equal-mass bins."""
        sort, n = self.sort, float(self.n)
        values = self.scalars.tolist()
        crossed = (values[2], values[5]) if sort.weighted else (None, None)
        count, row = round(values[13]), int(self.impossible_row)
        top, classes = self._top(), self._classes()
        return Sums(
            n=self.n,
            k=sort.k,
            positive=sort.positive,
            weights=Moments(values[11], values[12]) if sort.weighted else Moments(n, n),
            edges=sort.edges,
            compared=sort.compared,
            top=top,
            classes=classes,
            nll=Moments(values[0], values[1], crossed[0]),
            brier=Moments(values[3], values[4], crossed[1]),
            impossible=count,
            impossible_row=row if count else None,
            excess=None if count else Excess(*values[6:10]),
            risk=values[10],
        )

    def cells(self) -> dict[str | int, Cells]:
        """The cells of smooth curves, by the names of `RunningCurves`."""
        return {name: _cells(_host(part).reshape(2, CELLS, -1)) for name, part in self.curves.items()}

    def support(self) -> npt.NDArray[np.int64]:
        """How often each class is the label, (k,)."""
        counts = _host(self.labels)[:, -1 if self.sort.weighted else 0]
        return np.asarray(np.rint(counts.reshape(2, self.sort.k, -1).sum(axis=(0, 2))), np.int64)

    def _top(self) -> BinSums:
        return bin_sums(_host(self.top).reshape(2, len(self.sort.edges) - 1, -1))

    def _classes(self) -> BinSums:
        k, m = self.sort.k, len(self.sort.edges) - 1
        own, above = _host(self.labels).reshape(2, k, m, -1).sum(axis=0), _host(self.others).reshape(k, m, -1)
        whole = _host(self.columns)
        last = 6 if self.sort.weighted else 0
        rows = above[..., last].copy()
        rows[:, 0] = self.n - own[..., last].sum(axis=1) - rows[:, 1:].sum(axis=1)
        occupied = rows[:, 0] > 0

        def of(columns: slice, which: int, total: float) -> BinSums:
            count, p, pp = np.moveaxis(above[..., columns], -1, 0).copy()
            mine, p_mine, pp_mine = np.moveaxis(own[..., columns], -1, 0)
            wholes = (total - mine.sum(axis=1), whole[0, which], whole[1, which])
            for part, all_bins in zip((count, p, pp), wholes, strict=True):
                part[:, 0] = np.where(occupied, np.maximum(all_bins - part[:, 1:].sum(axis=1), 0.0), 0.0)
            return BinSums(count + mine, p + p_mine, pp + pp_mine, y=mine.copy(), yp=p_mine.copy())

        if not self.sort.weighted:
            return of(ONE, 0, float(self.n))
        w, squares = self.scalars[11:13].tolist()
        return replace(of(ONE, 0, w), squared=of(WEIGHTED, 1, squares), rows=rows + own[..., 6])


def terms_of(p: Tensor, weights: Tensor | None) -> Tensor:
    """What is added up by bin, (b, 3): 1, p, p squared; with weights (b, 7): these by w and w squared, and 1."""
    one = torch.ones_like(p)
    if weights is None:
        return torch.stack((one, p, p * p), dim=1)
    squares, pp = weights * weights, p * p
    parts = (weights, weights * p, weights * pp, squares, squares * p, squares * pp, one)
    return torch.stack(parts, dim=1)


def add_by_index(totals: Tensor, index: Tensor, terms: Tensor) -> None:
    """Add the terms, (b, c), of each index to its row of the totals, (size, c)."""
    size, columns = totals.shape
    copies = max(1, min(MOST_COPIES, SPREAD // size))
    if copies > 1:
        index = index + (torch.arange(len(index), device=index.device) % copies) * size
    part = torch.zeros((copies * size, columns), dtype=totals.dtype, device=totals.device)
    part.index_add_(0, index, terms)
    totals += part.view(copies, size, columns).sum(0)


def bin_sums(found: Floats) -> BinSums:
    """The sums of bins, of wrong rows and right ones: (2, m, c), of the terms of `terms_of`."""

    def of(columns: slice) -> BinSums:
        count, p, pp = np.moveaxis(found.sum(axis=0)[:, columns], -1, 0)
        return BinSums(count, p, pp, y=found[1, :, columns][:, 0], yp=found[1, :, columns][:, 1])

    if found.shape[-1] == 3:
        return of(ONE)
    return replace(of(ONE), squared=of(WEIGHTED), rows=found.sum(axis=0)[:, 6])


def cell_index(p: Tensor) -> Tensor:
    """The cell of each probability: as `calibeval.core.sums.cells.cell_index`."""
    near = torch.minimum(p, 1.0 - p).contiguous()
    place = ((near.view(torch.int64) >> _SHIFT) - _LEAST).clamp_(0, HALF - 1)
    return torch.where(p <= 0.5, place, CELLS - 1 - place)


def _host(values: Tensor) -> Floats:
    return np.asarray(values.cpu().numpy(), np.float64)


def _cells(found: Floats) -> Cells:
    both = found.sum(axis=0)
    return Cells(both[:, 0], both[:, 1], found[1, :, 0], both[:, 3] if both.shape[1] > 3 else both[:, 0])
