"""From predictions to a report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from calibeval.core.conventions.images import IMAGE_CONVENTIONS
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.search import asked_search
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.settings import checked
from calibeval.core.evaluation.shots import with_bands, with_shots
from calibeval.core.metrics.table import chosen, needs_fit, needs_gain, needs_pairs, wanted_by
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
    positive: str | None = None,
    classes: Sequence[str] = (),
    background: str | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
) -> Report:
    """Measure every metric of the predictions, with noise floors and intervals, bin tables and per-class errors.

    bins: number of equal-width bins, and the largest number of equal-mass bins; None: the convention's default (15;
    netcal 10).
    convention: calibeval, or the name or alias of the tool whose numbers to reproduce (`conventions.CONVENTIONS`); of
    images also one that averages over them (`conventions.images`).
    level: confidence level of the intervals, in (0, 1); None for no intervals.
    slices: columns whose values split the rows; each slice of at least min_rows rows (default 100) is also measured
    separately. If the dump has no such column, "class" is the true class and "predicted" the predicted class;
    "shots:FILE" are many, medium and few training images a class; "auto" searches the worst segments of all columns.
    group: column whose values name groups of rows that depend on each other, such as videos; floors and intervals then
    treat groups, not rows, as independent. For dense predictions, the images are the groups by default.
    positive: the positive class of two, by its name or number; None: class 1. classes: of more than two, those that are
    also looked at one against the rest.
    background: of images, whether class 0 counts: "include" (default), "exclude-label" leaves out the pixels with this
    label, and "exclude-class" leaves the class out of means over classes and of structures.
    jobs: number of threads; the numbers do not depend on it. max_memory: scores larger than this number of bytes are
    read block by block and more than once, and no results of single rows are kept; None: no limit.
    Returns: a Report of one dump.
    Raises: InputError for values that contradict the kind of the scores; UsageError for invalid settings.

    >>> report = evaluate(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), level=None)
    >>> report["accuracy"].value, round(report["ece"].value, 3)
    (0.5, 0.4)
    """
    settings = checked(
        bins=bins,
        convention=convention,
        level=level,
        slices=slices,
        min_rows=min_rows,
        group=group,
        positive=positive,
        classes=classes,
        background=background,
    )
    return Report(VERSION, settings, (evaluate_dump(predictions, settings, Resources(jobs, max_memory)),))


def evaluate_dump(
    predictions: Predictions,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    curves: bool = False,
) -> DumpReport:
    """The results of one dump under checked settings; several of them make a report.

    only: limits the metrics to these. curves: whether to fit smooth curves, too, which pages and figures show.

    Raises: InputError for values that contradict the kind of the scores.
    """
    return measured_dump(predictions, settings, resources, only, curves=curves)[0]


def measured_dump(
    predictions: Predictions,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    curves: bool = False,
    keep_rows: bool = False,
) -> tuple[DumpReport, Measurement]:
    """The same, and the sums from which the results are. keep_rows: whether they hold the results of every row."""
    certify = predictions.source.log is not None and not chosen(only)
    pairs, gain, second = needs_pairs(only) or certify, needs_gain(only), wanted_by(only)
    images, own = len(predictions.layout) > 1, settings.convention == OWN
    whole, tool = predictions, None
    if settings.background is not None or images or settings.convention in IMAGE_CONVENTIONS:
        from calibeval.core.dense.of_dump import has_images, with_images, without_background
        from calibeval.core.evaluation.tool_images import dump_as_tool, rows_settings, tool_of

        images = images and has_images(predictions)
        tool = tool_of(settings, images=images)
        check_background(settings, images=images)
        predictions = without_background(predictions) if settings.background == "exclude-label" else predictions
    predictions, columns, shots = with_shots(predictions, settings.slices)
    search, columns = asked_search(columns, predictions)
    settings = replace(settings, slices=columns)
    measured = Measurement.of(
        predictions,
        settings if tool is None else rows_settings(settings),
        resources,
        keep_rows=keep_rows,
        curves=curves,
        pairs=pairs,
        second=second,
        gain=gain,
        fitted=needs_fit(only),
    )
    report = measured.report(settings.level, only)
    report = report if shots is None else with_bands(report, shots)
    if certify:
        from calibeval.core.evaluation.certified_of_logs import certified_limits

        report = replace(report, certified=certified_limits(measured))
    if search is not None:
        from calibeval.core.evaluation.segments import search_segments

        found = search_segments(measured.predictions, search, settings, resources.quiet(), measured.sums.rows)
        report = replace(report, segments=found)
    if tool is not None:
        return dump_as_tool(report, whole, tool, settings, resources), measured
    return (with_images(report, whole, settings, resources) if images and own else report), measured


def check_background(settings: Settings, *, images: bool) -> None:
    """Refuse a choice about the background without images. Raises: UsageError."""
    if settings.background is not None and not images:
        raise UsageError(f"--background {settings.background} is for segmentations: unweighted pixels of all classes")
