"""Comparisons of sums: of dumps read beside their base, and of what such sums hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.comparison.matched import Matched, check_bins, unpaired
from calibeval.core.comparison.matched_part import MatchedPart
from calibeval.core.comparison.pairing import Pairing, pair_rows
from calibeval.core.comparison.summed_pair import ByGroups, Keys, SummedPair
from calibeval.core.data.columns import kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.source import Source
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.base_sums import NO_WEIGHTS, BaseSums
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.of_dump import groups_of, remember, taking_dump
from calibeval.core.evaluation.running import Running
from calibeval.core.report.report import Report
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.model_pair import Model
from calibeval.core.version import VERSION

NO_BASE = (
    "these sums hold no base to compare with: make them with calibeval sums DUMP --base BASE, or name a saved report "
    "first: calibeval compare old/report.json new.sums"
)


def take_pair(
    rows: Accumulation, base: Predictions, candidate: Predictions, group: str | None = None, jobs: int = 1
) -> None:
    """Add the rows of two models to none, in one pass: the candidate's, and the base's beside them.

    group: the column of the groups, of the base or else of the candidate. jobs: as for `take_dump`.
    Raises: InputError, UsageError as for `evaluate` and `compare`.
    """
    check_bins(rows.settings)
    if base.weights is not None or candidate.weights is not None:
        raise UsageError(NO_WEIGHTS)
    pairing = pair_rows(base, candidate)
    if pairing.order is not None:
        candidate = in_order(base, candidate, pairing.order)
    groups = None if group is None else groups_of(base if group in base.columns else candidate, group)
    beside = BaseSums(rows.empty(), pairing.by)
    beside.warnings = pairing.warnings
    both = [taking_dump(*one, group, groups, jobs, heard=True) for one in ((beside.rows, base), (rows, candidate))]
    while any([next(step, False) is None for step in both]):  # noqa: C419 - both take a step
        own, other = rows.running, beside.rows.running
        if own is not None and other is not None:
            beside.listen(own, other)
    for files, one in ((beside.files, base), (beside.candidates, candidate)):
        source = one.settled_source()
        if source.sha256 is not None:
            files[source.sha256] = source.name
    rows.base = beside
    remember(rows, candidate)


def in_order(base: Predictions, candidate: Predictions, order: npt.NDArray[np.intp]) -> Predictions:
    """The candidate's rows in the order of the base. order: of the rows that count. Raises: InputError for images."""
    if len(candidate.layout) > 1:
        raise InputError(
            f"{candidate.source.name}: the images are in another order than those of {base.source.name}: "
            "write both in one order"
        )
    places, ours, theirs = np.empty(base.rows, np.intp), kept_rows(base), kept_rows(candidate)
    places[ours] = theirs[order]
    places[np.setdiff1d(np.arange(base.rows), ours)] = np.setdiff1d(np.arange(candidate.rows), theirs)
    return candidate.select(places)


def matched_sums(
    rows: Accumulation, level: float | None, source: Source, only: Collection[str] | None
) -> tuple[Measurement, Matched]:
    """The candidate of these sums, measured, and both models together. source: of the sums. only: wanted metrics.

    Raises: InputError if there are no rows; UsageError if there is no base.
    """
    if rows.base is None:
        raise UsageError(NO_BASE)
    measured = rows.measurement(level, source, only)
    names = sorted(set(rows.base.files.values()))
    title = names[0] if len(names) == 1 else "base"
    base = rows.base.rows.measurement(level, replace(source, title=title), only)
    joint, own, other = rows.base.whole(rows), rows.whole(), rows.base.rows.whole()
    if joint is None or own is None or other is None:
        raise InputError("there are no rows that count")
    groups = measured.groups
    grouped = groups is not None and groups.refused is None
    pair = SummedPair(
        Model(base.sums, None),
        Model(measured.sums, None),
        np.empty(0, np.intp),
        None,
        joint=joint,
        by_groups=_by_groups((other, own)) if grouped else None,
        keys=_keys((other, own)),
    )
    pairing = Pairing(rows.base.by, None, rows.base.warnings)
    part = MatchedPart(pair, np.empty(0, np.intp), groups)
    return measured, Matched(base.predictions, measured.predictions, pairing, part, ())


def compare_sums(
    rows: Accumulation,
    source: Source,
    *,
    level: float,
    only: Collection[str] | None = None,
    saved: Report | None = None,
) -> Comparison:
    """The comparison of the candidate with the base of these sums. only: limits the metrics to these.

    saved: a report to compare with instead, whose rows are not paired.
    Raises: as `matched_sums`; InputError for a report of other classes or bins.
    """
    only = rows.chosen if only is None else only
    if saved is not None:
        baseline, alone = Baseline.of(saved, rows.settings.bins), rows.measurement(level, source, only)
        return Comparison(VERSION, alone.settings, baseline.side, (unpaired(baseline, alone, level, only),))
    measured, matched = matched_sums(rows, level, source, only)
    found = matched.at(level, only)
    return Comparison(VERSION, measured.settings, matched.side, (found,))


def _by_groups(models: tuple[Running, Running]) -> ByGroups | None:
    """The sums by group of both models, whose groups have the same numbers."""
    own: list[Any] = [one.groups for one in models]
    order = own[1].order()
    tops = [None if one.top is None else one.top.totals[order] for one in own]
    top = None if tops[0] is None or tops[1] is None else (tops[0], tops[1])
    cells = [None if one.classes is None else one.classes.totals[order] for one in own]
    classes = None if cells[0] is None or cells[1] is None else (cells[0], cells[1])
    return ByGroups(Clusters(own[1].sizes[order]), (own[0].rows.at(order), own[1].rows.at(order)), top, classes)


def _keys(models: tuple[Running, Running]) -> Keys | None:
    """The keys of all rows, if both kept them."""
    one, other = (model.keys for model in models)
    if not (one.kept and other.kept):
        return None
    codes, groups = other.codes, models[1].groups
    if codes is not None and groups is not None:
        codes = groups.final()[1][codes]
    return Keys((one.keys, other.keys), codes)
