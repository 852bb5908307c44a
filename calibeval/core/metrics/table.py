"""The table of metrics. The kind of each supports groups, pairs, saved reports and `--why`, or gives a reason."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from calibeval.core.errors import UnknownMetric, nearest
from calibeval.core.metrics.cox import CoxNumber
from calibeval.core.metrics.folded import ClassWise, Folded
from calibeval.core.metrics.largest import Largest
from calibeval.core.metrics.means import Mean, MeanGap, Share
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.moments import (
    brier_moments,
    brier_of_outcome,
    brier_risk,
    gap_moments,
    half_brier_moments,
    nll_moments,
    nll_of_outcome,
    nll_risk,
    right_moments,
)
from calibeval.core.metrics.overconfidence import Overconfidence
from calibeval.core.metrics.positive import PositiveGap
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.squared import RootMeanSquare
from calibeval.core.metrics.temperature import Temperature
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT
from calibeval.core.uncertainty.joints import Joints

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Share(
            name="accuracy",
            short="accuracy",
            title="share of rows whose label has the largest score (the first one, if tied)",
            moments=right_moments,
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
            moments=gap_moments,
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
            moments=nll_moments,
            values=lambda rows: rows.nll,
            risk=nll_risk,
            of_outcome=nll_of_outcome,
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
            moments=brier_moments,
            values=lambda rows: rows.brier,
            risk=brier_risk,
            of_outcome=brier_of_outcome,
            least=0.0,
            most=2.0,
            better="lower",
            unit="",
            source="Brier 1950",
        ),
        Temperature(
            name="temperature",
            short="T",
            title="temperature that logits must be divided by for the smallest NLL; above 1: over-confident",
            least=0.0,
            most=None,
            better="one",
            unit="",
            source="Guo et al., ICML 2017; score test: Rao, Proc. Camb. Phil. Soc. 1948",
            shown=False,
        ),
        PositiveGap(
            name="gap_positive",
            short="gap P(pos)",
            title="mean P(positive class) - prevalence; positive: too high",
            over="positive",
            least=-1.0,
            most=1.0,
            better="zero",
            unit="%",
            source="calibration in the large: Cox, Biometrika 1958; Steyerberg et al., Epidemiology 2010",
            binary=True,
        ),
        Folded(
            name="ece_positive",
            short="ECE P(pos)",
            title="calibration error of P(positive class), equal-width bins; binary tools call it ECE",
            over="positive",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
            binary=True,
        ),
        Mean(
            name="brier_positive",
            short="Brier P(pos)",
            title="Brier score of one column, P(positive class): half of brier; scikit-learn's brier_score_loss",
            moments=half_brier_moments,
            values=lambda rows: 0.5 * rows.brier,
            risk=lambda sums: 0.5 * brier_risk(sums),
            of_outcome=lambda confidence, right: 0.5 * brier_of_outcome(confidence, right),
            least=0.0,
            most=1.0,
            better="lower",
            unit="",
            source="Brier 1950",
            binary=True,
            shown=False,
        ),
        CoxNumber(
            name="cox_slope",
            short="Cox slope",
            title="slope of the logistic regression of the label on the stated log-odds; below 1: over-confident",
            of_slope=True,
            least=-math.inf,
            most=None,
            better="one",
            unit="",
            source="Cox, Biometrika 1958",
            binary=True,
            shown=False,
        ),
        CoxNumber(
            name="cox_intercept",
            short="Cox intercept",
            title="intercept of the same regression; above 0: more frequent than stated at even odds",
            of_slope=False,
            least=-math.inf,
            most=None,
            better="zero",
            unit="",
            source="Cox, Biometrika 1958",
            binary=True,
            shown=False,
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
    >>> metric_named("gap").name, metric_named("ECE P(pos)").name
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
