"""Sums in which no bin or cell speaks of few rows: small ones are joined to their neighbours.

This is the rule of least counts of official statistics. It is no proof against combining sums of other cuts of the same
rows, which differential privacy would give.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.running import Running
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.joined_cells import JoinedCells
from calibeval.core.sums.second_pass import SecondSums

ANY = 1e-9  # of a sum over rows: more than none

Places = npt.NDArray[np.intp]


def without_small_cells(running: Running, least: int) -> Running:
    """The same rows, in bins and cells of at least so many; nothing that is said of single rows is left.

    Raises: UsageError for rows with groups or weights, and for metrics of small probabilities; InputError for fewer
    rows, or for a class that fewer have.
    """
    _check(running, least)
    made = running.copy()
    total = made.total
    if total is None:
        raise AssertionError("there are rows")
    top, of_top = _joined(total.top, least)
    classes, of_classes = (None, 0.0) if total.classes is None else _joined(total.classes, least)
    of_ranks = 0.0
    made.total = replace(total, top=top, classes=classes, impossible_row=None)
    if made.second is not None:
        ranks = {rank: _joined(own, least) for rank, own in made.second.ranks.items()}
        of_ranks = max((bound for _, bound in ranks.values()), default=0.0)
        made.second = SecondSums({rank: own for rank, (own, _) in ranks.items()}, {})
    made.curves.cells = {name: _joined_cells(own, least) for name, own in made.curves.cells.items()}
    made.keys.fold()
    if made.keys.cells is None:
        raise AssertionError("folded")
    place = places_of(made.keys.cells.count, least)
    displaced = np.where(place != np.arange(len(place)), made.keys.cells.count, 0.0)
    edges = len(running.edges) - 2  # of equal-mass bins, each of which may lie in the run that has most such rows
    made.keys.displaced += made.keys.mixed
    made.keys.mixed = edges * _rounded(float(np.bincount(place, weights=displaced).max()), least)
    made.keys.cells = made.keys.cells.each(lambda part: _moved(part, place))
    made.looks.zeros = made.looks.looked = 0
    made.warnings = made.doubts = ()
    weighed = of_top + _travelled(total.top, least, again=running.joined is not None)
    own = JoinedCells(least, *(_rounded(one, least) for one in (of_top, of_classes, of_ranks, weighed)))
    made.joined = own if made.joined is None else made.joined.with_others(own)
    return made


def places_of(count: npt.NDArray[np.float64], least: int) -> Places:
    """Which bin takes the rows of each: neighbours are joined until they have so many, into the largest of them.

    >>> places_of(np.array([3.0, 0.0, 50.0, 12.0, 4.0]), 10).tolist()
    [2, 1, 2, 3, 3]
    """
    place = np.arange(len(count))
    there = np.flatnonzero(count > 0.0)
    runs: list[list[int]] = [[]]
    held = 0.0
    for cell, rows in zip(there.tolist(), count[there].tolist(), strict=True):
        if held >= least:
            runs.append([])
            held = 0.0
        runs[-1].append(cell)
        held += rows
    if held < least and len(runs) > 1:
        rest = runs.pop()
        runs[-1] += rest
    for run in runs:
        if len(run) > 1:
            place[run] = max(run, key=lambda cell: count[cell])
    return place


def _check(running: Running, least: int) -> None:
    if running.groups is not None or running.uneven:
        what = "groups" if running.groups is not None else "weights"
        raise UsageError(f"rows with {what} cannot be joined to cells of {least}: their sums speak of single {what}")
    if running.second is not None and running.second.small:
        raise UsageError("metrics with a limit, such as tace, need sums of few small probabilities: leave these out")
    n, total = running.counts.n, running.total
    if n < least:
        raise InputError(f"there are {n} rows, but no sum may be of fewer than {least}")
    rare = np.flatnonzero((running.looks.support > 0) & (running.looks.support < least))
    if len(rare):
        names = running.facts.kinds.class_names
        first = rare[0] if names is None else names[rare[0]]
        raise InputError(
            f"{_having(running.looks.support[rare[0]])} the label {first}, but no sum may be of fewer than {least} "
            f"({len(rare)} such classes): leave these rows out, join classes, or add more rows"
        )
    if total is not None and 0 < total.impossible < least:
        raise InputError(
            f"{total.impossible} rows give their label the probability 0, which makes the NLL infinite, but no sum may "
            f"be of fewer than {least}: leave them out, or store more digits"
        )


def _joined(sums: BinSums, least: int) -> tuple[BinSums, float]:
    """Sums of bins, (m,) or (k, m), joined, and by how much gaps changed, added up; above 0 if a row was moved."""
    count = np.atleast_2d(sums.count)
    m = count.shape[1]
    places = np.concatenate([places_of(own, least) + i * m for i, own in enumerate(count)])
    made = sums.each(lambda part: _moved(part.reshape(-1), places).reshape(part.shape))
    changed = float(np.abs(made.surplus - sums.surplus).sum())
    moved = count.reshape(-1)[places != np.arange(places.size)].any()
    return made, max(changed, ANY) if moved else 0.0


def _travelled(sums: BinSums, least: int, *, again: bool) -> float:
    """How far the mean confidences of bins, (m,), may change by rows that are moved, times the rows of the bins.

    In the bin that they leave, by the width of a bin times the rows that leave; in the bin that takes them, by that
    and the distance. So it is with the rows of others in these bins, too. again: whether bins already hold moved rows,
    so that their mean confidence may be anywhere.
    """
    place, m = places_of(sums.count, least), len(sums.count)
    away = np.abs(place - np.arange(m))
    far = np.where(away > 0, 2.0 if again else (away + 2.0) / m, 0.0)
    return float((far * sums.count).sum())


def _joined_cells(cells: Cells, least: int) -> Cells:
    place = places_of(cells.count, least)
    return Cells(*(_moved(getattr(cells, part.name), place) for part in fields(Cells)))


def _moved(part: npt.NDArray[np.float64], place: Places) -> npt.NDArray[np.float64]:
    return np.bincount(place, weights=part, minlength=len(part)).astype(np.float64)


def _rounded(moved: float, least: int) -> float:
    """At least as many, so that it tells of no single row."""
    return float(math.ceil(moved / least) * least)


def _having(count: int) -> str:
    return f"{count} row has" if count == 1 else f"{count} rows have"
