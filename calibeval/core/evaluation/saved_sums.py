"""The arrays of saved sums, checked against each other: only what sums of rows can be is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_groups import RunningGroups
from calibeval.core.evaluation.saved_bounds import ROUNDING, Array, Bounds, check, refuse
from calibeval.core.sums.at_temperatures import MOST, PLACES, cumulants
from calibeval.core.sums.binning import PARTS, bin_index, sums_by_index
from calibeval.core.sums.cells import cell_limits
from calibeval.core.sums.equal_mass import cell_starts
from calibeval.core.sums.key_cells import FINE_BITS
from calibeval.core.sums.optimum import slopes_at
from calibeval.core.sums.sums import Sums

ROWS_SUM = 0.15  # how far the sum of a row of probabilities may be from 1


def check_sums(running: Running) -> None:
    """Check what was read. Raises: Wrong naming the array, the place, the value and what is needed."""
    total, k = running.total, running.facts.kinds.k
    if total is None:
        raise AssertionError("read")
    bounds = Bounds(running, total)
    if bounds.weighted != running.uneven:
        refuse("top", f"is {'with' if bounds.weighted else 'without'} weights, but uneven says otherwise")
    limits = (running.compared[:-1], running.compared[1:])
    bounds.bins("top", total.top, limits)
    support = running.looks.support
    check("support", support, support >= 0, "counts")
    if k is not None and support.sum() != bounds.n:
        refuse("support", f"adds up to {support.sum()}, but counts.n is {bounds.n}")
    if total.classes is not None:
        bounds.bins("classes", total.classes, limits)
        _check_classes(running, bounds, total)
    if running.second is not None:
        for rank, own in running.second.ranks.items():
            bounds.bins(f"second.{rank.place}.{int(rank.cumulative)}", own, limits)
        for limit, own in running.second.small.items():
            bounds.bins(
                f"small.{limit!r}", own, (np.minimum(limits[0], limit), np.minimum(limits[1], limit)), all_rows=False
            )
            if total.classes is not None:
                bounds.some(f"small.{limit!r}", own, total.classes, "classes")
    for name, cells in running.curves.cells.items():
        bounds.cells(f"curves.{name}", cells, cell_limits())
        of = total.top
        if name != "top" and total.classes is not None:
            of = total.classes.row(running.facts.kinds.positive if isinstance(name, str) else name)
        bounds.same(f"curves.{name}.y", cells.y.sum(), of.y.sum(), "the sum over bins")
        # P(positive) is 1 - confidence in the curve where the other class is predicted, and as stored in the bins.
        slack = ROWS_SUM if name == "positive" else 0.0
        bounds.same(f"curves.{name}.p", cells.p.sum(), of.p.sum(), "the sum over bins", slack=slack)
    _check_keys(running, bounds, total)
    _check_sample(running, total, bounds)
    _check_temperatures(running, total, bounds)
    if running.groups is not None:
        _check_groups(running.groups, bounds, total)


def _check_classes(running: Running, bounds: Bounds, total: Sums) -> None:
    """Check the sums of classes against those of the top label, the labels and the Brier score."""
    classes, support = total.classes, running.looks.support
    if classes is None:
        return
    bounds.same("classes.p", classes.p.sum(), total.weights.total, "the sum of weights", slack=ROWS_SUM)
    bounds.same("classes.y", classes.y.sum(), total.weights.total, "the sum of weights")
    y = classes.y.sum(axis=1)
    if not bounds.weighted:
        check("classes.y", support, y == support, "what classes.y adds up to")
    if classes.squared is not None:
        squares = classes.squared.y.sum(axis=1)
        right = ((support > 0) == (y > 0.0)) & (y * y <= 1.001 * support * squares) & (squares <= 1.001 * y * y)
        check("support", support, right, "numbers of rows that the weights in classes.y can have")
    brier = float((classes.pp - 2.0 * classes.yp + classes.y).sum())
    bounds.same("sums.brier", total.brier.total, brier, "what the sums of classes make")
    there = (classes.y > 0.0) & (classes.yp > 0.0)
    y, yp = classes.y[there], classes.yp[there]
    least = float((y * (np.log(y) - np.log(yp))).sum())  # as the mean of -ln p is at least -ln of the mean
    if total.k and not total.impossible and total.nll.total < 0.99 * least - 0.01 * bounds.total:
        refuse("sums.nll", f"sums to {total.nll.total:.9g}, but at least {least:.9g} is what classes.yp needs")
    of_all = classes.each(lambda part: part.sum(axis=0))
    if bounds.joined:
        of_all = of_all.each(lambda part: part.sum(keepdims=True))
        bounds.some("top", total.top.each(lambda part: part.sum(keepdims=True)), of_all, "classes")
    else:
        bounds.some("top", total.top, of_all, "classes")


def _check_keys(running: Running, bounds: Bounds, total: Sums) -> None:
    keys = running.keys
    if not keys.kept:
        if keys.cells is None:
            raise AssertionError("read")
        starts = cell_starts(FINE_BITS)
        low, high = starts[:-1].view(np.float64), np.minimum(np.maximum(starts[1:] - 1, 0).view(np.float64), 1.0)
        bounds.bins("cells", keys.cells, (low, high), narrow=True)
        own = keys.cells
    else:
        found = (keys.keys >> np.uint64(1)).view(np.float64)
        check("keys", found, (found >= 0.0) & (found <= 1.0), "confidences, 0 to 1")
        weights = keys.weights
        if (weights is not None) != bounds.weighted:
            refuse("keys.weights", f"{'came, but' if weights is not None else 'is missing although'} uneven differs")
        if (keys.codes is not None) != (running.groups is not None):
            refuse("keys.codes", "is needed if and only if rows are grouped")
        some = np.ones(len(found)) if weights is None else weights
        check("keys.weights", some, np.isfinite(some) & (some > 0.0), "finite weights above 0")
        bounds.same("keys.weights", some.sum(), bounds.total, "the sum of weights")
        _check_codes("keys.codes", keys.codes, running.groups)
        if running.groups is not None and keys.codes is not None:
            _check_keys_of_groups(running.groups, keys.codes, found, keys.keys, some, bounds)
        right, m = (keys.keys & np.uint64(1)).astype(bool), len(running.compared) - 1
        own = sums_by_index(bin_index(found, running.compared), m, found, right, weights)
        for part in PARTS:
            difference = float(np.abs(getattr(own, part) - getattr(total.top, part)).max())
            bounds.same(f"keys: {part}", difference, 0.0, f"the difference to top.{part}")
    name = "keys" if keys.kept else "cells"
    for part in PARTS[1:]:
        bounds.same(
            f"{name}: {part}", getattr(own, part).sum(), getattr(total.top, part).sum(), f"the sum of top.{part}"
        )


def _check_keys_of_groups(
    groups: RunningGroups, codes: Array, found: Floats, keys: Array, weights: Floats, bounds: Bounds
) -> None:
    """Check the sums of groups against the confidences of their rows."""
    right = (keys & np.uint64(1)).astype(np.float64)
    for what, own, needed in (
        ("sizes", weights, groups.sizes),
        ("confidence", weights * found, groups.rows.confidence),
        ("correct", weights * right, groups.rows.correct),
    ):
        difference = np.abs(np.bincount(codes, weights=own, minlength=len(needed)) - needed).max()
        bounds.same("keys.codes", float(difference), 0.0, f"the difference to {what} of groups")


def _check_sample(running: Running, total: Sums, bounds: Bounds) -> None:
    """Check the rows whose scores are known."""
    if running.sample is None or not running.keys.kept:
        return
    kind = running.facts.kinds.kind
    parts, codes = running.sample.of(running.counts.n)
    if not parts:
        refuse("sample.lengths", "has no rows, but some of every dump are needed")
    if (codes is not None) != (running.groups is not None):
        refuse("sample.codes", "is needed if and only if rows are grouped")
    _check_codes("sample.codes", codes, running.groups)
    for part in parts:
        scores = part.scores.astype(np.float64)
        if kind == "probs":
            right = (scores >= 0.0) & (scores <= 1.0 + ROWS_SUM)
        else:
            right = scores < np.inf
            right &= np.isfinite(scores.max(axis=1, keepdims=True))
        check("sample.scores", scores, right, f"{kind}")
        if (part.weights is not None) != running.uneven:
            refuse("sample.weights", "is needed if and only if weights differ")
        if part.weights is not None:
            own = part.weights
            check("sample.weights", own, (own > 0.0) & (own <= 1.001 * total.weights.total), "weights of rows")
    if total.excess is not None and sum(len(part.labels) for part in parts) == running.counts.n:
        found, every = slopes_at(parts, kind, 0.0), [part.weights for part in parts if part.weights is not None]
        own = np.concatenate(every) if every else np.ones(len(found.excess))
        rows = (found.excess, found.variance, found.third)
        _check_at_one(
            "sample.scores", [float((own**i * one).sum()) for i, one in enumerate(rows, 1)], total, bounds.slack
        )
    places = np.concatenate([part.places for part in parts])
    inside = (places >= 0) & (places < running.counts.n)
    check("sample.places", places, inside, f"numbers of rows below {running.counts.n}")


def _check_temperatures(running: Running, total: Sums, bounds: Bounds) -> None:
    """Check the slopes of the NLL at fixed temperatures: those of a convex function of 1/T, and of so many rows."""
    told = running.tempered
    if told is None or told.table is None:
        return
    table, name = told.table, "temperatures"
    if running.uneven or total.excess is None:
        refuse(name, "came with weights or labels of probability 0, for which there are no temperatures")
    check(name, table, np.abs(table) < MOST, f"sums below {MOST:g}")
    slope, second, _, squares, _ = table.T
    slack = 1e-6 * (np.abs(slope) + np.abs(second)) + 1e-9 * told.rows
    check(f"{name}: slope", slope, np.diff(slope * np.exp(-PLACES), prepend=-np.inf) >= -slack, "rising sums")
    check(f"{name}: derivative", second, second >= slope - slack, "sums of at least the slope")
    right = squares * told.sampled * (1.0 + ROUNDING) + slack**2 >= slope * slope
    check(f"{name}: squares", squares, right & (squares >= 0.0), "sums of squares that such slopes can have")
    if told.sampled == told.rows:
        right = running.counts.n - total.top.y.sum()
        if not told.errors <= right or told.errors != round(told.errors):
            refuse("sampled[1]", f"is {told.errors:.9g}, but at most the {right:.0f} wrong rows are needed")
        near = bounds.slack if running.facts.kinds.kind == "logits" else ROWS_SUM  # temperatures normalise each row
        _check_at_one(name, cumulants(*table[int(np.argmin(np.abs(PLACES))), :3].tolist()), total, near)


def _check_at_one(name: str, found: Sequence[float], total: Sums, slack: float) -> None:
    """Check the excess and its cumulants. found: those of all rows at T = 1."""
    if total.excess is None:
        return
    heaviest = 1.0 if total.top.squared is None else math.sqrt(total.weights.squares)
    for i, (what, here, needed) in enumerate(
        zip(("excess", "variance", "third cumulant"), found, total.excess, strict=False), 1
    ):
        if not abs(here - needed) <= slack * (abs(here) + total.n * heaviest**i):
            refuse(name, f"tell {here:.9g} at T = 1, but the {what} is {needed:.9g}")


def _check_codes(name: str, codes: Array | None, groups: RunningGroups | None) -> None:
    if codes is not None and groups is not None:
        check(name, codes, (codes >= 0) & (codes < len(groups.names)), f"numbers of {len(groups.names)} groups")


def _check_groups(groups: RunningGroups, bounds: Bounds, total: Sums) -> None:
    sizes, slack = groups.sizes, bounds.slack * bounds.total
    check("groups.sizes", sizes, np.isfinite(sizes) & (sizes >= 0.0), "finite sums of at least 0")
    bounds.same("groups.sizes", sizes.sum(), bounds.total, "the sum of weights")
    limits: dict[str, tuple[Floats | float, float | None]] = {
        "confidence": (sizes, total.top.p.sum()),
        "correct": (sizes, total.top.y.sum()),
        "brier": (2.0 * sizes, total.brier.total if total.k is not None else None),
        "nll": (np.inf, None),
        "excess_squares": (2.0 * total.nll.squares + 2.0 * total.weights.squares * math.log(total.k or 1) ** 2, None),
    }
    endless = total.impossible > 0 or not np.isfinite(total.nll.squares) or total.k is None
    for name, (most, needed) in limits.items():
        values = getattr(groups.rows, name)
        right = (values >= -slack) & (values <= most + slack) & np.isfinite(values)
        if endless and name in ("nll", "excess_squares"):
            right |= ~np.isfinite(values)
        check(f"groups.rows: {name}", values, right, "a finite sum between 0 and what so many rows can have")
        if needed is not None:
            bounds.same(f"groups.rows: {name}", values.sum(), needed, "the sum over all bins")
    if not endless:
        bounds.same("groups.rows: nll", groups.rows.nll.sum(), total.nll.total, "sums.nll", slack=0.01)
    excess = groups.rows.excess
    if total.excess is not None and not endless:
        bounds.same("groups.rows: excess", excess.sum(), total.excess.total, "sums.excess", slack=0.01)
    check("groups.rows: excess", excess, np.isfinite(excess) | endless, "finite sums")
    if groups.top is not None:
        gaps = groups.top.totals
        check("groups.top", gaps, np.abs(gaps) <= sizes[: len(gaps), None] + slack, "gaps of at most the group's size")
        bounds.same("groups.top", np.abs(gaps.sum(axis=0) - total.top.surplus).max(), 0.0, "the difference to top")
    if groups.classes is not None and total.classes is not None:
        for name, own, all_groups in zip(
            ("groups.stated", "groups.hits"), groups.classes.sums, (total.classes.p, total.classes.y), strict=True
        ):
            right = (own >= -slack) & (own <= sizes[: len(own), None] + slack)
            check(name, own, right, "sums between 0 and the group's size")
            bounds.same(name, np.abs(own.sum(axis=0) - all_groups.ravel()).max(), 0.0, "the difference to classes")
