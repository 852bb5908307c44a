"""The table of metrics. The kind of each supports groups, pairs, saved reports and `--why`, or gives a reason."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import UnknownMetric, nearest
from calibeval.core.metrics.folded import ClassWise, Folded
from calibeval.core.metrics.largest import Largest
from calibeval.core.metrics.means import Mean, MeanGap, Share
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.overconfidence import Overconfidence
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.squared import RootMeanSquare
from calibeval.core.sums.sums import Moments, Sums
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT
from calibeval.core.uncertainty.joints import Joints

LEAST_P = 1e-16  # the probability of a wrong prediction whose confidence is rounded to 1


def _right(sums: Sums) -> Moments:
    right, squared = float(sums.top.y.sum()), sums.top.squared
    if squared is None:
        return Moments(right, right)
    mean = right / sums.n
    centred = (1.0 - 2.0 * mean) * float(squared.y.sum()) + mean * mean * float(squared.count.sum())
    return Moments(right, max(centred, 0.0) + mean * right)


def _gap(sums: Sums) -> Moments:
    total, squares = -float(sums.top.surplus.sum()), float(sums.top.surplus_squares.sum())
    if sums.top.squared is None:
        return Moments(total, squares)
    mean = total / sums.n
    centred = squares + 2.0 * mean * float(sums.top.squared.surplus.sum()) + mean * mean * sums.n
    return Moments(total, max(centred, 0.0) + mean * total)


def _nll(sums: Sums) -> Moments:
    if sums.impossible:
        rows = "1 row" if sums.impossible == 1 else f"{sums.impossible:,} rows"
        text = f"infinite: the label has probability 0 in {rows}, first in {sums.impossible_place}"
        raise NotComputable("infinite", text, count=sums.impossible, row=sums.impossible_row)
    if not math.isfinite(sums.nll.total):
        raise NotComputable("overflow", "the sum of the logarithms exceeds the range of float64")
    return _of_all_classes(sums, sums.nll)


def _nll_of_outcome(confidence: Floats, right: bool) -> Floats:
    return np.asarray(-np.log(np.maximum(confidence if right else 1.0 - confidence, LEAST_P)))


def _brier_of_outcome(confidence: Floats, right: bool) -> Floats:
    return np.asarray(2.0 * (1.0 - confidence if right else confidence) ** 2)


def _brier(sums: Sums) -> Moments:
    return _of_all_classes(sums, sums.brier)


def _nll_risk(sums: Sums) -> float:
    """By how much a wrong row costs more than a right one, on average."""
    return 0.0 if sums.risk is None else sums.risk / sums.n


def _brier_risk(sums: Sums) -> float:
    """By how much a wrong row costs more than a right one, on average: 2 (c - p) if p is the probability of its label.

    Of k - 1 other classes, p is 1 - c for two, and on average at least (1 - c) / (k - 1), by the model's own word.
    """
    confidence = float(sums.top.p.sum()) / sums.n
    return 2.0 * (confidence - (1.0 - confidence) / ((sums.k or 2) - 1.0))


def _of_all_classes(sums: Sums, moments: Moments) -> Moments:
    if sums.k is None:
        raise NotComputable(
            "top_label_only", "needs the probability of every class, but this dump has the top label only"
        )
    return moments


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Share(
            name="accuracy",
            short="accuracy",
            title="share of rows whose label has the largest score (the first one, if tied)",
            moments=_right,
            values=lambda rows: rows.correct.astype(float),
            least=0.0,
            most=1.0,
            better="higher",
            unit="%",
            source="interval: Clopper & Pearson, Biometrika 1934",
        ),
        MeanGap(
            name="confidence_gap",
            short="gap",
            title="mean confidence - accuracy; positive: over-confident",
            moments=_gap,
            values=lambda rows: rows.confidence - rows.correct,
            of_outcome=lambda confidence, right: confidence - right,
            least=-1.0,
            most=1.0,
            better="zero",
            unit="%",
            source="calibration in the large, of the top label",
        ),
        Folded(
            name="ece",
            title="expected calibration error, equal-width bins",
            over="top",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015; Guo et al., ICML 2017",
        ),
        Largest(
            name="mce",
            title=f"maximum calibration error: the largest gap of a bin with at least {MCE_LEAST_COUNT} rows",
            least_rows=MCE_LEAST_COUNT,
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
        ),
        Largest(
            name="mce_all_bins",
            short="MCE, all bins",
            title="maximum calibration error over all bins, as other tools print it",
            least_rows=1,
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
            shown=False,
        ),
        Folded(
            name="aece",
            title="adaptive calibration error, equal-mass bins",
            over="mass",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Nixon et al., CVPR workshops 2019; Mukhoti et al., NeurIPS 2020",
        ),
        ClassWise(
            name="cwce",
            title="class-wise calibration error, mean over all classes",
            over="classes",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Kull et al., NeurIPS 2019; Nixon et al. 2019",
        ),
        Overconfidence(
            name="oe",
            title="overconfidence error: gaps of over-confident bins, weighted by confidence",
            over="top",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Thulasidasan et al., NeurIPS 2019",
        ),
        RootMeanSquare(
            name="rmsce",
            title="root mean square calibration error, equal-width bins",
            over="top",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Kumar, Liang & Ma, NeurIPS 2019; Hendrycks et al., ICLR 2019",
        ),
        Mean(
            name="nll",
            title="negative log-likelihood, mean over rows",
            moments=_nll,
            values=lambda rows: rows.nll,
            risk=_nll_risk,
            of_outcome=_nll_of_outcome,
            least=0.0,
            most=None,
            better="lower",
            unit="nats",
            source="logarithmic score: Good 1952",
        ),
        Mean(
            name="brier",
            short="Brier",
            title="Brier score, summed over classes, mean over rows",
            moments=_brier,
            values=lambda rows: rows.brier,
            risk=_brier_risk,
            of_outcome=_brier_of_outcome,
            least=0.0,
            most=2.0,
            better="lower",
            unit="",
            source="Brier 1950",
        ),
        Folded(
            name="ece_positive",
            short="ECE P(1)",
            title="calibration error of P(class 1), equal-width bins; binary tools call it ECE",
            over="class 1",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
            binary=True,
        ),
    )
}


def metrics_for(k: int | None, only: Collection[str] | None = None) -> list[Metric]:
    """The metrics that exist for k classes. only: limits the metrics to these."""
    there = (metric for metric in METRICS.values() if not metric.binary or k == 2)
    return [metric for metric in there if only is None or metric.name in only]


def all_metrics(
    sums: Sums, level: float | None, joints: Joints | None = None, *, only: Collection[str] | None = None
) -> dict[str, MetricResult]:
    """Every metric that exists for this number of classes, with noise floors and, given a level, intervals.

    joints: joint variation by groups; None if rows are independent. only: limits the metrics to these.
    """
    return {metric.name: metric.measured(sums, level, joints) for metric in metrics_for(sums.k, only)}


def metric_named(name: str) -> Metric:
    """The metric of that name, or of that name in tables.

    Raises: UnknownMetric with the nearest name.

    >>> metric_named("ece").unit
    '%'
    >>> metric_named("gap").name, metric_named("ECE P(1)").name
    ('confidence_gap', 'ece_positive')
    """
    known = known_as(name)
    if known is None:
        raise UnknownMetric(f'metric "{name}" is unknown{meant(name)}; metrics are {", ".join(METRICS)}')
    return METRICS[known]


def known_as(name: str) -> str | None:
    """The name of the metric that has this name here or in tables, in capitals or not; None if there is none."""
    if name in METRICS:
        return name
    wanted = name.strip().lower()
    return next((m.name for m in METRICS.values() if wanted in (m.name, m.label.lower())), None)


def meant(name: str, also: Collection[str] = ()) -> str:
    """A hint at the metric that somebody called by its title or by nearly its name, or the nearest name.

    also: other names that could be meant.

    >>> meant("confidence gap"), meant("maximum calibration error")
    (' ("confidence gap" is confidence_gap)', ' ("maximum calibration error" is mce)')
    >>> meant("eec")
    ' (did you mean "ece"?)'
    """
    for metric in METRICS.values():
        title = re.split("[,:;]", metric.title)[0]
        if _letters(name) in (_letters(metric.label), _letters(title), _letters(metric.name)):
            return f' ("{name}" is {metric.name})'
    return nearest(name, (*METRICS, *also))


def _letters(words: str) -> str:
    return re.sub("[^a-z0-9]", "", words.lower())
