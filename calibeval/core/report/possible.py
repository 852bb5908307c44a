"""Whether a report that was read can be: its counts add up, and its numbers lie where they can."""

from __future__ import annotations

from typing import Any

from calibeval.core.data.documents import Place
from calibeval.core.metrics.possible import SLACK, check_order, check_share, within
from calibeval.core.report.settings import Settings


def check_report(place: Place, found: Any) -> None:
    """Refuse a report that cannot be.

    The bins of a dump hold its rows, all of them but where another tool leaves some out. Raises: Wrong.
    """
    every = found.settings.convention == Settings().convention
    for where, dump in zip(_entries(place["dumps"]), found.dumps, strict=True):
        _check_dump(where, dump, every=every)


def _check_dump(place: Place, found: Any, *, every: bool) -> None:
    _check_bins(place["bins"], found, found.n, every=every)
    _check_views(place, found, found.n)
    _check_counts(place["metrics"], found.metrics, found.n)
    if found.recalibrated is not None:
        _check_bins(place["recalibrated"]["bins"], found.recalibrated, found.n, every=every)
        _check_views(place["recalibrated"], found.recalibrated, found.n)
        _check_counts(place["recalibrated"]["metrics"], found.recalibrated.metrics, found.n)
    for where, one in zip(_entries(place["per_class"]), found.per_class, strict=True):
        within(where, "calibration_error", one.calibration_error, -SLACK, 1 + SLACK)
        within(where, "gap", one.gap, -1 - SLACK, 1 + SLACK)
    labelled = sum(one.support for one in found.per_class)
    if labelled > found.n:
        place.fail(f"has {found.n} rows, but {labelled} in per_class")
    for name in ("slices", "small_slices"):
        slices = getattr(found, name)
        for where, one in zip(_entries(place[name]), slices, strict=True) if slices else ():
            if one.n > found.n:
                where["n"].refuse(f"a count of at most {found.n}, as of the whole dump,")
            if name == "slices":
                check_share(where, one, "p", "p_holm")
                _check_counts(where["metrics"], one.metrics, one.n)


def _check_counts(place: Place, metrics: Any, n: int) -> None:
    """Of the metrics of n rows: no metric tells of more."""
    for name, found in metrics.items():
        for counted in ("rows", "count"):
            rows = getattr(found, counted)
            if rows is not None and rows > n:
                place[name][counted].refuse(f"a count of at most {n}, the number of rows,")


def _check_bins(place: Place, found: Any, n: int, *, every: bool) -> None:
    """Of the bins of n rows: edges in order, means that can be, and counts that add up."""
    for name in ("equal_width", "equal_mass"):
        bins = getattr(found, name)
        if bins is not None:
            _check_table(place[name], bins, n, every=every)


def _check_views(place: Place, found: Any, n: int) -> None:
    """Of single classes against the rest: as of bins, and prevalences that can be."""
    views = [(place["positive"], found.positive)] if found.positive is not None else []
    views += zip(_entries(place["class_views"]), found.class_views, strict=True) if found.class_views else ()
    for where, view in views:
        within(where, "prevalence", view.prevalence, -SLACK, 1 + SLACK)
        _check_table(where["bins"], view.bins, n, every=True)


def _check_table(place: Place, bins: Any, n: int, *, every: bool) -> None:
    """Of one table of bins."""
    for where, one in zip(_entries(place), bins, strict=True):
        check_order(where, one, "lower", "upper")
        within(where, "confidence", one.confidence, -SLACK, 1 + SLACK)
        within(where, "accuracy", one.accuracy, -SLACK, 1 + SLACK)
        within(where, "gap", one.gap, -1 - SLACK, 1 + SLACK)
    rows = sum(one.count for one in bins)
    if rows > n or (every and rows < n):
        place.fail(f"holds {rows} rows, but the dump has {n}")


def _entries(place: Place) -> tuple[Place, ...]:
    """The entries of a list, each with its place."""
    return place.each(lambda one: one)
