"""What decides about a dump: the one finding from which its headline, what a map repairs and the next step follow."""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

from calibeval.core.data.notices import Notice
from calibeval.core.evaluation.doubts import SUSPICIONS
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.rows import ClassResult
from calibeval.core.report.standing import (
    COARSE,
    Standing,
    class_stands_out,
    standing_in,
    standing_of_regression,
    with_floor,
)
from calibeval.core.report.together import beyond_together, chances, quiet
from calibeval.core.report.views import judged_by, speaks_of_positive
from calibeval.words.digits import label
from calibeval.words.names import about
from calibeval.words.signs import has_direction

_OWN = {"cox_slope": "the slope", "classes": "the worst class"}


class By(Enum):
    """What shows miscalibration, the first that does: gaps in both directions, their mean, and so on."""

    BINS = "bins"
    GAP = "gap"
    SLOPE = "slope"
    TEMPERATURE = "temperature"
    CLASSES = "classes"
    OTHERS = "others"
    NOTHING = "nothing"


class Finding(NamedTuple):
    """by: what decides. standing: how certain that is; None where nothing can be judged.

    metric: the one that decides. others: names of metrics that are certain where this one is within noise.
    alone: names of what is beyond noise on its own, though not after allowing for all that was judged.
    """

    by: By
    standing: Standing | None
    metric: MetricResult
    others: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    @property
    def beyond_noise(self) -> bool:
        """Whether anything in the report is miscalibrated, certainly or likely."""
        return self.standing is not None and self.standing.beyond_noise


def finding(dump: DumpReport) -> Finding:
    """The finding of a dump; of two classes, about P(positive class).

    Something is beyond noise only if it is so after allowing for all that is judged, see `beyond_together`. If nothing
    is, the finding is that of the ECE, or without one of the gap.
    """
    of_gap, of_ece = judged_by(dump)
    gap, ece = with_floor(dump, of_gap), with_floor(dump, of_ece)
    on_gap, on_ece = standing_in(dump, of_gap), standing_in(dump, of_ece)
    rest = (gap, on_gap) if on_ece is None else (ece, on_ece)
    if not beyond_together(dump):
        return _rest(dump, *rest)
    if _beyond(on_ece) and not _one_direction(gap, ece, on_gap):
        return Finding(By.BINS, on_ece, ece)
    if _beyond(on_gap):
        return Finding(By.GAP, on_gap, gap)
    if speaks_of_positive(dump):
        return Finding(By.SLOPE, standing_of_regression(dump), with_floor(dump, "cox_slope"))
    of_temperature, of_classes = (By.TEMPERATURE, "temperature"), (By.CLASSES, "cwce")
    certain = standing_in(dump, "cwce") is Standing.CERTAIN
    for by, name in (of_classes, of_temperature) if certain else (of_temperature, of_classes):
        standing, metric = standing_in(dump, name), with_floor(dump, name)
        if _beyond(standing) and (by is By.CLASSES or metric.z is not None):
            return Finding(by, standing, metric)
    return Finding(By.CLASSES, Standing.LIKELY, with_floor(dump, "cwce"))


def _rest(dump: DumpReport, decisive: MetricResult, standing: Standing | None) -> Finding:
    """Where all together are not beyond noise: other metrics that certainly are, or nothing."""
    positive = speaks_of_positive(dump)
    beyond = [name for name in dump.metrics if _beyond(standing_in(dump, name))]
    others = () if positive else tuple(name for name in beyond if standing_in(dump, name) is Standing.CERTAIN)
    if others:
        return Finding(By.OTHERS, Standing.CERTAIN, decisive, others)
    alone = [name for name, p in chances(dump).items() if p < 1.0]
    alone += [] if positive else [name for name in beyond if name not in alone]
    return Finding(By.NOTHING, quiet(standing, decisive), decisive, alone=tuple(alone))


def others_beyond(dump: DumpReport, found: Finding) -> str:
    """The metrics beyond noise where the deciding one is not, each with its word: "OE (certain) and MCE (likely)"."""
    words = {name: standing_in(dump, name) for name in found.others}
    return _listed([f"{label(name)} ({word.value})" for name, word in words.items() if word is not None])


def by_chance(found: Finding) -> str:
    """What tables call likely where all together are within noise: "CWCE, likely on its own, may be chance".

    >>> metric = MetricResult("ece", 0.01)
    >>> by_chance(Finding(By.NOTHING, Standing.NOISE, metric, alone=("oe", "classes")))
    'OE and the worst class, likely on their own, may be chance'
    """
    if not found.alone:
        return ""
    names = [_OWN.get(name) or label(name) for name in found.alone]
    return f"{_listed(names)}, likely on {'its' if len(names) == 1 else 'their'} own, may be chance"


def suspicion(dump: DumpReport) -> str:
    """The warning that scores and labels hardly belong together; empty without one."""
    return next((str(one) for one in map(Notice.of, dump.warnings) if one.code in SUSPICIONS), "")


def suspicions(report: Report) -> list[str]:
    """What comes before all numbers: that scores and labels of a dump hardly belong together, with its name."""
    found = [(dump.name, suspicion(dump)) for dump in report.dumps if suspicion(dump)]
    return [about(name, text) if len(report.dumps) > 1 else text for name, text in found]


def worst_class(dump: DumpReport) -> ClassResult | None:
    """The class with the largest calibration error beyond noise; None if there is no such class."""
    found = [one for one in dump.per_class if class_stands_out(one)]
    return max(found, key=lambda one: one.calibration_error, default=None)


def sample(dump: DumpReport) -> str:
    """The size of the sample as headlines tell it, with what makes it smaller than its number of rows.

    >>> from calibeval.core.data.predictions import Source
    >>> sample(DumpReport(Source(), "probs", 1300, 2, 0, {}, (), None, ()))
    'n = 1,300'
    """
    if dump.weights is not None:
        return f"n = {dump.n:,}, by weight {dump.weights.effective:,.0f},"
    if dump.groups is not None:
        units = "images" if dump.groups.column is None else "groups"
        return f"n = {dump.n:,} in {dump.groups.count:,} {units}"
    return f"n = {dump.n:,}"


def rows_needed(dump: DumpReport, metric: MetricResult) -> int | None:
    """About how many rows would show errors of 3 points, if they were like these; None where these do or it is unknown.

    Noise falls with the square root of the number of rows.
    """
    if metric.floor_high is None or metric.floor_high <= COARSE or metric.name == "cwce":
        return None
    rows = dump.n * (metric.floor_high / COARSE) ** 2
    unit = int(10 ** max(0, math.floor(math.log10(rows)) - 1))
    return math.ceil(rows / unit) * unit


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _beyond(standing: Standing | None) -> bool:
    return standing is not None and standing.beyond_noise


def _one_direction(gap: MetricResult, ece: MetricResult, on_gap: Standing | None) -> bool:
    """Whether the mean gap is beyond noise and makes up at least half of the calibration error above its floor."""
    if not _beyond(on_gap) or gap.value is None or ece.value is None:
        return False
    return has_direction(gap.value, ece.value, ece.floor)
