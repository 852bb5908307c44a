"""A saved report as the baseline instead of a dump: it has tables, but no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from calibeval.core.comparison.certainty import fewest_of, with_few_errors
from calibeval.core.comparison.comparison import ComparedDump, Difference
from calibeval.core.comparison.differences import from_cells, told_apart, with_contrast
from calibeval.core.conventions.table import OWN
from calibeval.core.data.notices import NotComputable, Notice, reason, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import Bin, DumpReport, Report
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.risk import FEW
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, contrast
from calibeval.core.uncertainty.small_counts import share_of

NOT_IN_REPORT = reason("not_in_report", "not in the report")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The only dump of a report, checked to be comparable. level: level of its intervals; None if it has none."""

    dump: DumpReport
    bins: int
    level: float | None

    @classmethod
    def of(cls, report: Report, bins: int | None) -> Baseline:
        """The baseline from a report of one dump.

        bins: number of bins for the candidate; None: the number of the report.
        Raises: InputError for a report of several dumps, with another number of bins, or with another tool's
        convention.
        """
        if len(report.dumps) != 1:
            names = ", ".join(dump.name for dump in report.dumps) or "none"
            raise InputError(f"the report has {len(report.dumps)} dumps ({names}), but a baseline must have one dump")
        dump, settings = report.dumps[0], report.settings
        if settings.convention != OWN:
            raise InputError(
                f'{dump.name}: the report uses the convention "{settings.convention}", '
                f'but comparisons need "{OWN}"; make the report again without --convention'
            )
        if bins is not None and settings.bins != bins:
            raise InputError(f"{dump.name}: the report has {settings.bins} bins, but {bins} are needed")
        return cls(dump, settings.bins, settings.level)

    @property
    def side(self) -> ComparedDump:
        """The report's dump as one side of a comparison."""
        dump = self.dump
        return ComparedDump(
            dump.name, dump.source, dump.kind, dump.n, dump.k, dump.ignored, True, dump.equal_width, dump.positive
        )

    def check_classes(self, candidate: Predictions) -> None:
        """Check that the candidate has the same classes, as far as both sides name them.

        Raises: InputError if the number or the names of the classes differ.
        """
        names = f"{self.dump.name} (a report) and {candidate.source.name}"
        if self.dump.k != candidate.k:
            told = ["the top label only" if k is None else f"{k} classes" for k in (self.dump.k, candidate.k)]
            raise InputError(f"{names} cannot be compared: {told[0]} in the first, {told[1]} in the second")
        if (self.dump.weights is None) != (candidate.weights is None):
            which = "the candidate are" if self.dump.weights is None else "the report are"
            raise InputError(f"{names} cannot be compared: only the rows of {which} weighted")
        first = 1 if self.dump.positive is None else self.dump.positive.index
        if candidate.k == 2 and first != candidate.positive:
            raise InputError(
                f"{names} cannot be compared: class {first} is positive in the first, class {candidate.positive} in "
                f"the second; say --positive {first}"
            )
        own = tuple(one.name for one in self.dump.per_class)
        if candidate.class_names is None or not own or own == tuple(str(k) for k in range(len(own))):
            return
        for k, (ours, theirs) in enumerate(zip(own, candidate.class_names, strict=True)):
            if ours != theirs:
                raise InputError(
                    f'{names} cannot be compared: class {k} is "{ours}" in the first, "{theirs}" in the second'
                )

    def warnings(self, candidate: Predictions) -> list[Notice]:
        """What weakens a comparison with this report."""
        sums = self.dump.source.format == "sums"
        said = f"rows are not paired: {self.dump.name} {'holds sums' if sums else 'is a saved report'}"
        if self.dump.n == candidate.n:
            said += "; if both have the same rows, compare the two dumps instead, which can show smaller differences"
        return [warning("unpaired", said)]


def unpaired_differences(
    baseline: Baseline, sums: Sums, measured: Mapping[str, MetricResult], level: float, *, grouped: bool
) -> dict[str, Difference]:
    """The difference of every metric from a saved report, whose rows are treated as a different sample.

    sums, measured: of the candidate, at this level. grouped: whether its intervals treat groups, not rows, as
    independent; if those of either model do, differences are derived from the intervals alone. Otherwise each bin of
    the report is described by its means, and the spread of confidences within a bin is neglected.
    """
    dump, found = baseline.dump, dict[str, Difference]()
    mass = None if dump.equal_mass is None else table_sums(dump.equal_mass)
    top, tell = table_sums(dump.equal_width), dump.groups is None and dump.weights is None
    saved = partial(Side, n=dump.worth, level=baseline.level, top=top, mass=mass, bins_tell=tell)
    own = partial(Side, n=sums.n, level=level, top=sums.top, mass=sums.mass, bins_tell=not (grouped or sums.done))
    few = fewest_of({"the base": (float(top.y.sum()), dump.n), "the candidate": share_of(sums.top, sums.n)})
    for name, theirs in measured.items():
        ours = dump.metrics.get(name, MetricResult(name, None, reason=NOT_IN_REPORT))
        if ours.value is None or theirs.value is None:
            base, candidate = (None if one.value is not None else one.reason for one in (ours, theirs))
            why = told_apart(base, candidate)
            found[name] = Difference(name, ours.value, theirs.value, None, reason=why)
            continue
        metric, off = EVERY[name], (ours.cell_error or 0.0) + (theirs.cell_error or 0.0)
        plain = Difference(name, ours.value, theirs.value, theirs.value - ours.value, cell_error=off or None)
        try:
            sides = saved(metric.narrowed(ours)), own(metric.narrowed(theirs))
            told = metric.difference_from(*sides, Level(level))
            if few[0] < FEW:
                told = _allowing_few(metric, told, *sides, Level(level))
            doubt = metric.approximate(sums) or from_cells(metric, off)
            whole = replace(with_contrast(plain, told.widened(off, Level(level))), reason=doubt)
            found[name] = whole if whole.holds_difference else replace(whole, corrected=_corrected(whole, ours, theirs))
        except NotComputable as missing:
            found[name] = replace(plain, reason=missing.reason)
    return with_few_errors(found, few)


def _allowing_few(metric: Metric, told: Contrast, saved: Side, own: Side, level: Level) -> Contrast:
    """The difference, extended to what both intervals allow together: with few errors, these are the safe ones."""
    if not metric.binned:
        return told
    safe = metric.margins_from(saved, own, level, independent=False)
    return contrast(min(told.low, safe.low), max(told.high, safe.high), told.p, level)


def _corrected(found: Difference, ours: MetricResult, theirs: MetricResult) -> float | None:
    """The difference of both values without their bias, inside the interval; None if the bias is not known."""
    if ours.corrected is None or theirs.corrected is None:
        return None
    return found.inside(theirs.corrected - ours.corrected)


def table_sums(table: tuple[Bin, ...]) -> BinSums:
    """Sums of a bin table as if all rows of a bin had its mean confidence, (m,).

    This changes the variance of a gap by the variance of the confidences minus twice their covariance with correctness:
    with 15 bins, by 1 to 2 %.

    >>> sums = table_sums((Bin(0.0, 1.0, 4, 0.75, 0.5, 0.25),))
    >>> sums.count.tolist(), sums.surplus.tolist(), sums.surplus_squares.tolist()
    ([4.0], [-1.0], [1.25])
    """
    count = np.array([row.count for row in table], np.float64)
    p = np.array([row.confidence or 0.0 for row in table])
    y = np.array([row.accuracy or 0.0 for row in table])
    return BinSums(count, count * p, count * p * p, count * y, count * y * p)
