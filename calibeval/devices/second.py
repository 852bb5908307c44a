"""What metrics on request need of the probabilities of all classes: as `calibeval.core.sums.second_pass`."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from calibeval.core.data.precision import as_stored
from calibeval.core.sums.binning import BinSums, is_computed
from calibeval.core.sums.second_pass import SecondSums, Wanted
from calibeval.devices.rows import DeviceRows, on_grid
from calibeval.devices.totals import ONE, WEIGHTED, Sort, add_by_index, bin_sums, terms_of


class TensorSecond:
    """Sums of rows: ranks, by rank, and small, by limit. precision: the relative step between stored scores."""

    def __init__(self, wanted: Wanted, sort: Sort, device: torch.device, precision: float) -> None:
        self._sort, m, columns = sort, len(sort.edges) - 1, 7 if sort.weighted else 3

        def zeros(*shape: int) -> Tensor:
            return torch.zeros((*shape, columns), dtype=torch.float64, device=device)

        self.ranks = {rank: zeros(2 * m) for rank in sorted(wanted.ranks) if rank.exists(sort.k)}
        self.small = {limit: zeros(2, sort.k * m) for limit in sorted(wanted.limits)}
        stored = not is_computed(sort.kind)
        self._limits = {one: float(as_stored(np.array([one]), precision)[0]) if stored else one for one in self.small}

    def copy(self) -> TensorSecond:
        """The same sums, to which rows can be added."""
        other = copy.copy(self)
        other.ranks = {rank: sums.clone() for rank, sums in self.ranks.items()}
        other.small = {limit: sums.clone() for limit, sums in self.small.items()}
        return other

    def add(self, rows: DeviceRows, labels: Tensor, weights: Tensor | None) -> None:
        """Further rows. labels, weights: (b,)."""
        axis = rows.axis
        p = rows.others.scatter(axis, labels.unsqueeze(axis), rows.label_p.unsqueeze(axis))
        p = on_grid(p) if is_computed(self._sort.kind) else p
        if self.ranks:
            self._add_ranks(p, axis, labels, rows.label_p, weights)
        m = len(self._sort.edges) - 1
        for limit, (every, own) in self.small.items():
            place = (p <= self._limits[limit]).reshape(-1).nonzero().squeeze(1)
            step = p.shape[1]
            classes, row = (place // step, place % step) if axis == 0 else (place % step, place // step)
            values = p.reshape(-1)[place]
            terms = terms_of(values, None if weights is None else weights[row])
            add_by_index(every, classes * m + torch.bucketize(values, self._sort.inner), terms)
            small = (rows.label_p <= self._limits[limit]).unsqueeze(1)
            terms = torch.where(small, terms_of(rows.label_p, weights), 0.0)
            add_by_index(own, labels * m + torch.bucketize(rows.label_p, self._sort.inner), terms)

    def in_memory(self) -> SecondSums:
        """The sums as the core takes them."""
        m = len(self._sort.edges) - 1
        ranks = {rank: bin_sums(sums.cpu().numpy().reshape(2, m, -1)) for rank, sums in self.ranks.items()}
        return SecondSums(ranks, {limit: self._of_limit(sums) for limit, sums in self.small.items()})

    def _add_ranks(self, p: Tensor, axis: int, labels: Tensor, label_p: Tensor, weights: Tensor | None) -> None:
        m, most = len(self._sort.edges) - 1, max(rank.place for rank in self.ranks)
        best = p.topk(most, dim=axis).values
        best = best if axis == 0 else best.t()
        own = label_p.unsqueeze(axis)
        earlier = torch.arange(p.shape[axis], device=p.device).unsqueeze(1 - axis) < labels.unsqueeze(axis)
        places = ((p > own) | ((p == own) & earlier)).sum(axis)
        for rank, sums in self.ranks.items():
            if rank.cumulative:
                value, right = best[: rank.place].sum(0).clamp_(max=1.0), places < rank.place
            else:
                value, right = best[rank.place - 1].contiguous(), places == rank.place - 1
            index = torch.bucketize(value, self._sort.inner) + right * m
            add_by_index(sums, index, terms_of(value, weights))

    def _of_limit(self, sums: Tensor) -> BinSums:
        every, own = sums.cpu().numpy().reshape(2, self._sort.k, len(self._sort.edges) - 1, -1)

        def of(columns: slice) -> BinSums:
            count, p, pp = np.moveaxis(every[..., columns], -1, 0)
            y, yp, _ = np.moveaxis(own[..., columns], -1, 0)
            return BinSums(count, p, pp, y, yp)

        if not self._sort.weighted:
            return of(ONE)
        return replace(of(ONE), squared=of(WEIGHTED), rows=every[..., 6])
