"""From predictions to a report."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.settings import checked
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.version import VERSION


def evaluate(
    predictions: Predictions,
    *,
    bins: int | None = None,
    convention: str = OWN,
    level: float | None = 0.95,
    slices: Sequence[str] = (),
    min_rows: int | None = None,
    group: str | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
) -> Report:
    """Every metric of the predictions, with noise floors and intervals, bin tables and per-class errors.

    bins: number of equal-width bins, and the most equal-mass bins; None: the convention's own default (15; netcal 10).
    convention: calibeval, or the tool whose numbers are wanted, by name or alias (`conventions.CONVENTIONS`).
    level: level of the intervals, in (0, 1); None for no intervals.
    slices: columns whose values part the rows; each part of at least min_rows rows (100) is measured on its own. Where
    the dump has no such column, "class" is the true and "predicted" the predicted class.
    group: column whose values name groups of rows that depend on each other, such as videos; floors and intervals then
    take groups, not rows, for independent. Images are such groups by themselves.
    jobs: threads; the numbers do not depend on it. max_memory: scores of more bytes are read more than once, and
    nothing is kept for each row but for slices; None: no limit.
    Raises: InputError for values that contradict the kind of the scores; UsageError for settings that cannot work.

    >>> report = evaluate(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), level=None)
    >>> report["accuracy"].value, round(report["ece"].value, 3)
    (0.5, 0.4)
    """
    settings = checked(bins=bins, convention=convention, level=level, slices=slices, min_rows=min_rows, group=group)
    return Report(VERSION, settings, (evaluate_dump(predictions, settings, Resources(jobs, max_memory)),))


def evaluate_dump(
    predictions: Predictions,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
) -> DumpReport:
    """One dump under checked settings; several of these make a report. only: these metrics.

    Raises: InputError for values that contradict the kind of the scores.
    """
    return Measurement.of(predictions, settings, resources).report(settings.level, only)
