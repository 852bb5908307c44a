"""The arrays of saved sums, checked against each other: only what sums of rows can be is taken."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import Wrong
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_groups import RunningGroups
from calibeval.core.sums.at_temperatures import PLACES
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.sums import Sums

ROUNDING = 1e-6  # of the sum of weights: rounding stays far below it
ROWS_SUM = 0.15  # how far the sum of a row of probabilities may be from 1

Array = npt.NDArray[Any]


class _Bounds:
    """What sums over all rows add up to. total, squares: of the weights and their squares. slack: relative."""

    def __init__(self, running: Running, total: Sums) -> None:
        self.n, self.weighted = running.counts.n, total.top.squared is not None
        self.total, self.squares, _ = total.weights
        self.joined = running.joined is not None  # bins, so that rows left theirs
        self.slack = max(ROUNDING, 4.0 * running.facts.kinds.precision)

    def same(self, name: str, found: float, needed: float, what: str, *, slack: float = 0.0) -> None:
        """Check a sum. what: that it is needed for."""
        if not abs(found - needed) <= max(self.slack, slack) * self.total:
            _refuse(name, f"adds up to {found:.9g}, but {needed:.9g} is {what}")

    def bins(self, name: str, bins: BinSums, edges: Floats | None = None, *, all_rows: bool = True) -> None:
        """Check sums of bins. edges: that they lie between. all_rows: whether each row is in one of the bins."""
        if (bins.squared is not None) != self.weighted:
            _refuse(name, f"is {'without' if self.weighted else 'with'} weights, unlike the other sums")
        self._parts(name, bins, self.total)
        if bins.squared is not None:
            self._parts(f"{name}.squared", bins.squared, self.squares)
            own, most = bins.squared.count, self.squares * (1.0 + self.slack)
            _check(f"{name}.squared.count", own, own <= most, "sums of squares of weights of all rows, or fewer,")
        rows = bins.count if bins.rows is None else bins.rows
        self._whole(f"{name}.count" if bins.rows is None else f"{name}.rows", rows)
        if bins.rows is None:
            self._whole(f"{name}.y", bins.y)
        if edges is not None and not self.joined:
            slack = self.slack * self.total
            low, high = edges[:-1] * bins.count - slack, edges[1:] * bins.count + slack
            _check(f"{name}.p", bins.p, (bins.p >= low) & (bins.p <= high), "the limits of the bin times its count")
        for every, own in zip(np.atleast_2d(rows), np.atleast_2d(bins.count), strict=True) if all_rows else ():
            if every.sum() != self.n:
                _refuse(name, f"has {every.sum():.9g} rows, but counts.n is {self.n}")
            self.same(f"{name}.count", own.sum(), self.total, "the sum of weights")

    def cells(self, name: str, cells: Cells) -> None:
        """Check the cells of a curve."""
        slack = self.slack * self.total
        for part in ("count", "p", "y", "squares"):
            values = getattr(cells, part)
            _check(f"{name}.{part}", values, np.isfinite(values) & (values >= 0.0), "finite sums of at least 0")
        for part in ("p", "y"):
            values = getattr(cells, part)
            _check(f"{name}.{part}", values, values <= cells.count + slack, "at most the count")
        self.same(f"{name}.count", cells.count.sum(), self.total, "the sum of weights")
        if not abs(cells.squares.sum() - self.squares) <= self.slack * self.squares:
            _refuse(f"{name}.squares", f"adds up to {cells.squares.sum():.9g}, but {self.squares:.9g} is needed")

    def _whole(self, name: str, rows: Floats) -> None:
        _check(name, rows, (rows >= 0.0) & (np.floor(rows) == rows) & (rows <= self.n), "whole numbers of rows")

    def _parts(self, name: str, bins: BinSums, total: float) -> None:
        slack = self.slack * total
        for part in ("count", "p", "pp", "y", "yp"):
            values = getattr(bins, part)
            _check(f"{name}.{part}", values, np.isfinite(values) & (values >= -slack), "finite sums of at least 0")
        for part, most in (("p", "count"), ("y", "count"), ("pp", "p"), ("yp", "p"), ("yp", "y")):
            values, limit = getattr(bins, part), getattr(bins, most)
            _check(f"{name}.{part}", values, values <= limit + slack, f"at most {name}.{most}")
        with np.errstate(over="ignore"):
            fits = bins.p * (bins.p / total) <= bins.count * (bins.pp / total) + self.slack * bins.count + slack
        _check(f"{name}.pp", bins.pp, fits, f"what probabilities of the sum {name}.p can have")


def check_sums(running: Running) -> None:
    """Check what was read. Raises: Wrong naming the array, the place, the value and what is needed."""
    total, k = running.total, running.facts.kinds.k
    if total is None:
        raise AssertionError("read")
    bounds = _Bounds(running, total)
    if bounds.weighted != running.uneven:
        _refuse("top", f"is {'with' if bounds.weighted else 'without'} weights, but uneven says otherwise")
    bounds.bins("top", total.top, running.compared)
    support = running.looks.support
    _check("support", support, support >= 0, "counts")
    if k is not None and support.sum() != bounds.n:
        _refuse("support", f"adds up to {support.sum()}, but counts.n is {bounds.n}")
    if total.classes is not None:
        bounds.bins("classes", total.classes, running.compared)
        bounds.same("classes.p", total.classes.p.sum(), total.weights.total, "the sum of weights", slack=ROWS_SUM)
        bounds.same("classes.y", total.classes.y.sum(), total.weights.total, "the sum of weights")
        if not bounds.weighted:
            _check("classes.y", support, total.classes.y.sum(axis=1) == support, "what classes.y adds up to")
    if running.second is not None:
        for rank, own in running.second.ranks.items():
            bounds.bins(f"second.{rank.place}.{int(rank.cumulative)}", own, running.compared)
        for limit, own in running.second.small.items():
            bounds.bins(f"small.{limit!r}", own, all_rows=False)
    for name, cells in running.curves.cells.items():
        bounds.cells(f"curves.{name}", cells)
    top = running.curves.cells["top"]
    bounds.same("curves.top.y", top.y.sum(), total.top.y.sum(), "the sum of top.y")
    bounds.same("curves.top.p", top.p.sum(), total.top.p.sum(), "the sum of top.p")
    _check_keys(running, bounds, total)
    _check_sample(running, total.weights.total)
    _check_temperatures(running, total)
    if running.groups is not None:
        _check_groups(running.groups, bounds, total)


def _check_keys(running: Running, bounds: _Bounds, total: Sums) -> None:
    keys = running.keys
    if not keys.kept:
        if keys.cells is None:
            raise AssertionError("read")
        bounds.bins("cells", keys.cells)
        p, y = keys.cells.p.sum(), keys.cells.y.sum()
    else:
        found = (keys.keys >> np.uint64(1)).view(np.float64)
        _check("keys", found, (found >= 0.0) & (found <= 1.0), "confidences, 0 to 1")
        weights = keys.weights
        if (weights is not None) != bounds.weighted:
            _refuse("keys.weights", f"{'came, but' if weights is not None else 'is missing although'} uneven differs")
        if (keys.codes is not None) != (running.groups is not None):
            _refuse("keys.codes", "is needed if and only if rows are grouped")
        own = np.ones(len(found)) if weights is None else weights
        _check("keys.weights", own, np.isfinite(own) & (own > 0.0), "finite weights above 0")
        bounds.same("keys.weights", own.sum(), bounds.total, "the sum of weights")
        p, y = (own * found).sum(), (own * (keys.keys & np.uint64(1))).sum()
        _check_codes("keys.codes", keys.codes, running.groups)
    name = "keys" if keys.kept else "cells"
    bounds.same(f"{name}: p", p, total.top.p.sum(), "the sum of top.p")
    bounds.same(f"{name}: y", y, total.top.y.sum(), "the sum of top.y")


def _check_sample(running: Running, most: float) -> None:
    """Check the rows whose scores are known. most: the sum of all weights."""
    if running.sample is None or not running.keys.kept:
        return
    kind = running.facts.kinds.kind
    parts, codes = running.sample.of(running.counts.n)
    if not parts:
        _refuse("sample.lengths", "has no rows, but some of every dump are needed")
    if (codes is not None) != (running.groups is not None):
        _refuse("sample.codes", "is needed if and only if rows are grouped")
    _check_codes("sample.codes", codes, running.groups)
    for part in parts:
        scores = part.scores.astype(np.float64)
        if kind == "probs":
            right = (scores >= 0.0) & (scores <= 1.0 + ROWS_SUM)
        else:
            right = scores < np.inf
            right &= np.isfinite(scores.max(axis=1, keepdims=True))
        _check("sample.scores", scores, right, f"{kind}")
        if (part.weights is not None) != running.uneven:
            _refuse("sample.weights", "is needed if and only if weights differ")
        if part.weights is not None:
            own = part.weights
            _check("sample.weights", own, (own > 0.0) & (own <= 1.001 * most), "weights of rows")
    places = np.concatenate([part.places for part in parts])
    inside = (places >= 0) & (places < running.counts.n)
    _check("sample.places", places, inside, f"numbers of rows below {running.counts.n}")


def _check_temperatures(running: Running, total: Sums) -> None:
    """Check the slopes of the NLL at fixed temperatures: those of a convex function of 1/T, and of so many rows."""
    told = running.tempered
    if told is None or told.table is None:
        return
    table, name = told.table, "temperatures"
    if running.uneven or total.excess is None:
        _refuse(name, "came with weights or labels of probability 0, for which there are no temperatures")
    _check(name, table, np.isfinite(table), "finite sums")
    slope, second, _, squares, _ = table.T
    slack = 1e-6 * (np.abs(slope) + np.abs(second)) + 1e-9 * told.rows
    _check(f"{name}: slope", slope, np.diff(slope * np.exp(-PLACES), prepend=-np.inf) >= -slack, "rising sums")
    _check(f"{name}: derivative", second, second >= slope - slack, "sums of at least the slope")
    right = squares * told.sampled * (1.0 + ROUNDING) + slack**2 >= slope * slope
    _check(f"{name}: squares", squares, right & (squares >= 0.0), "sums of squares that such slopes can have")
    if told.sampled == told.rows:
        here = int(np.argmin(np.abs(PLACES)))
        excess, needed = total.excess, 1e-3 * total.excess.variance + slack[here]
        if not abs(slope[here] - excess.total) <= needed:
            _refuse(name, f"have {slope[here]:.9g} at T = 1, but the excess is {excess.total:.9g}")
        if not abs(second[here] - slope[here] - excess.variance) <= needed:
            _refuse(name, f"have {second[here] - slope[here]:.9g} at T = 1, but the variance is {excess.variance:.9g}")


def _check_codes(name: str, codes: Array | None, groups: RunningGroups | None) -> None:
    if codes is not None and groups is not None:
        _check(name, codes, (codes >= 0) & (codes < len(groups.names)), f"numbers of {len(groups.names)} groups")


def _check_groups(groups: RunningGroups, bounds: _Bounds, total: Sums) -> None:
    sizes, slack = groups.sizes, bounds.slack * bounds.total
    _check("groups.sizes", sizes, np.isfinite(sizes) & (sizes >= 0.0), "finite sums of at least 0")
    bounds.same("groups.sizes", sizes.sum(), bounds.total, "the sum of weights")
    limits: dict[str, tuple[Floats | float, float | None]] = {
        "confidence": (sizes, total.top.p.sum()),
        "correct": (sizes, total.top.y.sum()),
        "brier": (2.0 * sizes, None),
        "nll": (np.inf, None),
        "excess_squares": (np.inf, None),
    }
    endless = total.impossible > 0 or not np.isfinite(total.nll.squares) or total.k is None
    for name, (most, needed) in limits.items():
        values = getattr(groups.rows, name)
        right = (values >= -slack) & (values <= most + slack) & np.isfinite(values)
        if endless and name in ("nll", "excess_squares"):
            right |= ~np.isfinite(values)
        _check(f"groups.rows: {name}", values, right, "a finite sum between 0 and what so many rows can have")
        if needed is not None:
            bounds.same(f"groups.rows: {name}", values.sum(), needed, "the sum over all bins")
    excess = groups.rows.excess
    _check("groups.rows: excess", excess, np.isfinite(excess) | endless, "finite sums")
    if groups.top is not None:
        gaps = groups.top.totals
        _check("groups.top", gaps, np.abs(gaps) <= sizes[: len(gaps), None] + slack, "gaps of at most the group's size")
        bounds.same("groups.top", np.abs(gaps.sum(axis=0) - total.top.surplus).max(), 0.0, "the difference to top")
    if groups.classes is not None and total.classes is not None:
        for name, own, all_groups in zip(
            ("groups.stated", "groups.hits"), groups.classes.sums, (total.classes.p, total.classes.y), strict=True
        ):
            right = (own >= -slack) & (own <= sizes[: len(own), None] + slack)
            _check(name, own, right, "sums between 0 and the group's size")
            bounds.same(name, np.abs(own.sum(axis=0) - all_groups.ravel()).max(), 0.0, "the difference to classes")


def _check(name: str, values: Array, right: Array, needed: str) -> None:
    """Refuse the first value that is not right."""
    if not right.all():
        place = tuple(int(one) for one in np.argwhere(~right)[0])
        at = ", ".join(map(str, place))
        _refuse(f"{name}[{at}]", f"is {values[place]:.9g}, but {needed} are needed")


def _refuse(name: str, problem: str) -> NoReturn:
    raise Wrong(f"{name} {problem}")
