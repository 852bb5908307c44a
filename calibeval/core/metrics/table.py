"""The table of metrics. The kind of each supports groups, pairs, saved reports and `--why`, or gives a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from operator import or_

from calibeval.core.errors import UnknownMetric, nearest
from calibeval.core.metrics.image_names import is_of_images
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.usual import USUAL
from calibeval.core.sums.second_pass import NOTHING, Wanted
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.joints import Joints

# The metrics of every report, and with them those that are only computed if somebody names them, or asks for all.
METRICS: dict[str, Metric] = USUAL


class Every(Mapping[str, Metric]):
    """The usual metrics and those on request, which are imported when something other than a usual one is looked for.

    A name with another number, such as that of a coverage at an error, is there, too, but is not listed.
    """

    def __getitem__(self, name: str) -> Metric:
        if name in METRICS:
            return METRICS[name]
        from calibeval.core.metrics.requested import REQUESTED

        return REQUESTED[name]

    def __contains__(self, name: object) -> bool:
        if name in METRICS:
            return True
        from calibeval.core.metrics.requested import REQUESTED

        return name in REQUESTED

    def __iter__(self) -> Iterator[str]:
        from calibeval.core.metrics.requested import REQUESTED

        yield from METRICS
        yield from REQUESTED

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def on_request(self, name: str) -> bool:
        """Whether it is the name of a metric that only those have who ask for it; numbers of images are no such."""
        return name not in METRICS and name in self and not is_of_images(name)

    def ordered(self, names: list[str]) -> list[str]:
        """The names in the order of the table; those that are not listed there last."""
        listed = [*METRICS] if METRICS.keys() >= {*names} else [*self]
        return [*(name for name in listed if name in names), *(name for name in names if name not in listed)]


EVERY = Every()


def metrics_for(k: int | None, only: Collection[str] | None = None) -> list[Metric]:
    """The metrics of every report that exist for k classes. only: these instead, also those on request."""
    found = METRICS.values() if only is None else [EVERY[name] for name in EVERY.ordered([*only]) if name in EVERY]
    return [metric for metric in found if metric.exists(k, named=chosen(only))]


def wanted_by(only: Collection[str] | None) -> Wanted:
    """What these metrics need of a second pass over the scores; those of every report need nothing."""
    return reduce(or_, (EVERY[name].wanted for name in only or () if name in EVERY), NOTHING)


def with_gain_metrics(only: Collection[str] | None) -> Collection[str]:
    """These metrics, or those of every report, with what recalibration is worth, if none were chosen."""
    if only is not None:
        return only
    from calibeval.core.metrics.gain import RecalibrationGain

    return (*METRICS, *(name for name, metric in EVERY.items() if isinstance(metric, RecalibrationGain)))


def needs_gain(only: Collection[str] | None) -> bool:
    """Whether one of these metrics is about a recalibration out of fold."""
    if only is None or METRICS.keys() >= {*only}:
        return False
    from calibeval.core.metrics.gain import RecalibrationGain

    return any(isinstance(EVERY.get(name), RecalibrationGain) for name in only)


def needs_pairs(only: Collection[str] | None) -> bool:
    """Whether one of these metrics is computed from the confidence and correctness of every row."""
    if only is None:
        return False
    from calibeval.core.metrics.cox import Recalibration
    from calibeval.core.metrics.of_pairs import OfPairs

    kinds = (OfPairs, Recalibration) if chosen(only) else OfPairs
    return any(isinstance(EVERY.get(name), kinds) for name in only)


def needs_fit(only: Collection[str] | None) -> bool:
    """Whether one of these metrics comes from a fit to a sample of the rows, such as the temperature.

    >>> needs_fit(None), needs_fit(["ece", "nll"]), needs_fit(["temperature"])
    (True, False, True)
    """
    return only is None or any(EVERY[name].fitted or EVERY[name].left_to_gain for name in only if name in EVERY)


def chosen(only: Collection[str] | None) -> bool:
    """Whether somebody chose these metrics; those of a report in full were not chosen."""
    return only is not None and {*only} != {*with_gain_metrics(None)}


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
        known = f"metrics are {', '.join(METRICS)}; docs/reference/metrics.md also has those on request"
        known += ", and of images, as per_image.dice and per_image.CLASS.dice"
        raise UnknownMetric(f'metric "{name}" is unknown{meant(name)}; {known}')
    return EVERY[known]


def known_as(name: str) -> str | None:
    """The name of the metric that has this name here or in tables, in capitals or not; None if there is none.

    Raises: UnknownMetric for a coverage at an error, or a place among the best classes, that cannot be.
    """
    if name in METRICS:
        return name
    from calibeval.core.metrics.coverage import coverage_named
    from calibeval.core.metrics.ranked import ranked_named

    if name in EVERY:
        return name
    numbered = coverage_named(name) or ranked_named(name)
    if numbered is not None:
        return numbered.name
    wanted = name.strip().lower()
    return next((m.name for m in EVERY.values() if wanted in (m.name, m.label.lower())), None)


def meant(name: str, also: Collection[str] = ()) -> str:
    """A hint at the metric that somebody called by its title or by nearly its name, or the nearest name.

    also: other names that could be meant.

    >>> meant("confidence gap"), meant("maximum calibration error")
    (' ("confidence gap" is confidence_gap)', ' ("maximum calibration error" is mce)')
    >>> meant("eec")
    ' (did you mean "ece"?)'
    """
    for metric in EVERY.values():
        title = re.split("[,:;]", metric.title)[0]
        if _letters(name) in (_letters(metric.label), _letters(title), _letters(metric.name)):
            return f' ("{name}" is {metric.name})'
    return nearest(name, (*EVERY, *also))


def _letters(words: str) -> str:
    return re.sub("[^a-z0-9]", "", words.lower())
