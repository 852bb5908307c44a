"""Every metric as a plain function of arrays: `calibeval.metrics.ece(probs, labels, bins=15)`.

Each function returns one number; `calibeval.evaluate` gives the same number with its noise floor and interval. The
functions are made from the table of metrics, so every metric of that table has a function here. Coverage at any error
is `coverage_at_error(probs, labels, error=0.05)`, and errors of more best classes are `ece_top5` or `ece_rank3`.

>>> round(ece([[0.8, 0.2], [0.4, 0.6]], [0, 0]), 6)
0.4
>>> round(nll(logits=[[0.0, 0.0]], labels=[1]), 6)
0.693147
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, cast

from calibeval.core.data.arguments import whole
from calibeval.core.data.notices import NotComputable
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.public import public
from calibeval.core.errors import InputError, UnknownMetric
from calibeval.core.evaluation.settings import checked
from calibeval.core.evaluation.with_gain import with_gain
from calibeval.core.evaluation.with_pairs import with_pairs
from calibeval.core.evaluation.with_second_pass import with_second_pass
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.ranked import ranked_named
from calibeval.core.metrics.table import EVERY, metric_named, needs_fit, needs_gain, needs_pairs, wanted_by
from calibeval.core.sums.engine import summarise


class MetricFunction(Protocol):
    """A metric as a function of arrays."""

    __name__: str

    def __call__(
        self, probs: object = None, labels: object = None, *, logits: object = None, bins: int | None = None
    ) -> float:
        """The value of the metric."""


def _function(metric: Metric) -> MetricFunction:
    """The metric as a function, with its own docstring."""

    def function(
        probs: object = None, labels: object = None, *, logits: object = None, bins: int | None = None
    ) -> float:
        dump = Predictions(probs=probs, logits=logits, labels=labels)
        own_bins = checked(bins=bins).bins
        gain = needs_gain([metric.name])
        sums = summarise(dump, own_bins, keep_rows=gain or needs_pairs([metric.name]), fitted=needs_fit([metric.name]))
        sums = with_gain(sums, dump) if gain else sums
        sums = with_pairs(sums, dump) if needs_pairs([metric.name]) else sums
        sums = with_second_pass(sums, dump, own_bins, wanted_by([metric.name]))
        try:
            if not metric.exists(sums.k, named=True):
                raise NotComputable("no_method", f"this metric is for two classes, but there are {sums.k}")
            return float(metric.value(sums))
        except NotComputable as missing:
            raise InputError(f"{metric.name}: {missing}") from None

    function.__name__ = function.__qualname__ = metric.name
    span = (
        "any number"
        if metric.least == -math.inf
        else f"{metric.least:g} or more"
        if metric.most is None
        else f"in [{metric.least:g}, {metric.most:g}]"
    )
    best = {"lower": "lower is better", "higher": "higher is better", "zero": "0 is best", "one": "1 is best"}
    unit = "In nats" if metric.unit == "nats" else "Unitless"
    function.__doc__ = f"""{metric.title[0].upper()}{metric.title[1:]}.

    {unit}, {span}; {best[metric.better]}.{"" if metric.exists(3, named=True) else " For two classes only."}

    probs: (n, k) probabilities, or (n,) probabilities of class 1; or logits: (n, k). labels: (n,) class numbers from 0.
    All may be arrays, tensors or lists. bins: number of bins of the calibration errors; None: 15.
    Raises: InputError for values that cannot be used, or for which the metric is not defined; UsageError for bins that
    cannot work.
    Source: {metric.source}.
    """
    return cast("MetricFunction", public({"bins": whole()})(function))


if TYPE_CHECKING:  # the functions that are made below, for type checkers
    accuracy: MetricFunction
    confidence_gap: MetricFunction
    ece: MetricFunction
    mce: MetricFunction
    mce_all_bins: MetricFunction
    aece: MetricFunction
    cwce: MetricFunction
    oe: MetricFunction
    rmsce: MetricFunction
    nll: MetricFunction
    brier: MetricFunction
    temperature: MetricFunction
    gap_positive: MetricFunction
    ece_positive: MetricFunction
    brier_positive: MetricFunction
    cox_slope: MetricFunction
    cox_intercept: MetricFunction
    ecce: MetricFunction
    ks: MetricFunction
    spiegelhalter: MetricFunction
    mcb: MetricFunction
    dsc: MetricFunction
    unc: MetricFunction
    ici: MetricFunction
    e50: MetricFunction
    e90: MetricFunction
    emax: MetricFunction
    smece: MetricFunction
    mcb_log: MetricFunction
    dsc_log: MetricFunction
    unc_log: MetricFunction
    citl: MetricFunction
    rmsce_debiased: MetricFunction
    ece_top2: MetricFunction
    ece_rank2: MetricFunction
    cwce_adaptive: MetricFunction
    tace: MetricFunction
    tace_kept: MetricFunction
    auroc: MetricFunction
    aurc: MetricFunction
    eaurc: MetricFunction
    augrc: MetricFunction
    phi_nll: MetricFunction
    phi_brier: MetricFunction

globals().update({name: _function(metric) for name, metric in EVERY.items() if name.isidentifier()})


def __getattr__(name: str) -> MetricFunction:
    """The calibration error of more best classes, such as `ece_top5` or `ece_rank3`."""
    try:
        found = ranked_named(name)
    except UnknownMetric:
        found = None
    if found is None or found.name != name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _function(found)


def coverage_at_error(
    probs: object = None, labels: object = None, *, logits: object = None, error: float = 0.05
) -> float:
    """The share of rows above the lowest confidence whose error is certified to be at most `error`.

    It is 0 if no threshold is certified; `evaluate(..., metrics="coverage@error=0.05")` also says which one is.

    probs: (n, k) probabilities, or (n,) probabilities of class 1; or logits: (n, k). labels: (n,) class numbers from 0.
    error: in (0, 1). The chance that the error is above it all the same is 5 %.
    Raises: InputError for values that cannot be used, or too few rows for any threshold; UsageError for an error that
    is not in (0, 1).

    >>> coverage_at_error([[0.9, 0.1]] * 59, [0] * 59)
    1.0
    """
    return _function(metric_named(f"coverage@error={error}"))(probs, labels, logits=logits)


def __dir__() -> list[str]:
    """The metrics."""
    return sorted([*(name for name in EVERY if name.isidentifier()), coverage_at_error.__name__])
