"""`evaluate`: from paths, predictions or arrays to a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any, Unpack

from calibeval.api.chosen import chosen_metrics, with_metrics
from calibeval.api.dumps import (
    Dump,
    FileReading,
    Group,
    Reading,
    checked_reading,
    grouped,
    is_path,
    predictions_of,
    resources_of,
    texts,
)
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.report.report import DumpReport, Report, with_distinct_names
from calibeval.core.version import VERSION
from calibeval.recalibrate.base.scores import check_clip
from calibeval.recalibrate.fitting.before_after import Plan, recalibrated

ARRAYS = ("logits", "probs", "log_probs", "confidence")


def evaluate(
    predictions: Dump | Sequence[Dump] | None = None,
    *,
    logits: object = None,
    probs: object = None,
    log_probs: object = None,
    confidence: object = None,
    labels: object = None,
    correct: object = None,
    ids: object = None,
    columns: Mapping[str, Any] | None = None,
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
    metrics: str | Sequence[str] = "all",
    bins: int | None = None,
    convention: str = OWN,
    level: float | None = 0.95,
    slices: str | Sequence[str] = (),
    min_rows: int | None = None,
    group: Group | None = None,
    fit_on: Dump | None = None,
    cross_fit: int | None = None,
    method: str = "temperature",
    objective: str = "nll",
    clip: float | None = None,
    seed: int = 0,
    allow_leak: bool = False,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[FileReading],
) -> Report:
    """How far the confidences can be believed: metrics with noise floors and intervals, bin tables, classes.

    predictions: a path such as "test.npz#test", Predictions, or a list of either; or none, and arrays by name:
    logits, probs or log_probs (n, k), or confidence (n,) with correct; labels (n,), ids, columns: as for Predictions.
    metrics: names, as a list or as "ece,nll"; "all" for all.
    bins: equal-width bins, and the most equal-mass bins; None: the convention's own number, 15 for most.
    convention: "calibeval", or the tool whose numbers are wanted. level: of the intervals; None for none.
    slices: columns whose values part the rows; "class" is the true and "predicted" the predicted class. min_rows: of a
    slice that is measured, 100 by default.
    group: rows that depend on each other, such as frames of a video: a column's name, or an array with one value a row.
    fit_on: fit a map on this dump, and report before and after. cross_fit: the same in so many folds of each dump
    itself. method, objective, clip, seed: as for `fit`. allow_leak: accept rows that were fitted on.
    jobs: threads; no number depends on it. max_memory: bytes; larger scores are read block by block (a quarter of the
    machine's memory). progress: who hears how far it is. reading: how files are read, as for `read`; labels may name
    another file then.
    Raises: InputError for data that cannot be used; UsageError for settings that cannot work; FileProblem.

    >>> report = evaluate(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0], level=None)
    >>> report["accuracy"].value, round(report["ece"].value, 3), "ece" in report
    (0.5, 0.4, True)
    """
    checked_reading(reading, list(signature(evaluate).parameters))
    chosen = chosen_metrics(metrics)
    settings = checked(
        bins=bins, convention=convention, level=level, slices=texts(slices), min_rows=min_rows, group=None
    )
    resources = resources_of(jobs, max_memory, progress)
    _check_folds(fit_on, cross_fit)
    check_clip(clip, 2)
    arrays = {"logits": logits, "probs": probs, "log_probs": log_probs, "confidence": confidence}
    more = {"labels": labels, "class_names": class_names, "ignore_index": ignore_index}
    only_arrays = {"correct": correct, "ids": ids, "columns": columns}
    options: Reading = {**reading, **_given(more)}  # type: ignore[typeddict-item]
    if predictions is None:
        if reading:
            raise UsageError(f"{', '.join(reading)}: is about reading files, but arrays came")
        dumps: list[object] = [Predictions(**_given({**arrays, **more, **only_arrays}))]
        options = {}
    else:
        both = [*_given(arrays), *_given(only_arrays)]
        if both:
            raise UsageError(f"give predictions, or arrays by name, but not both: {', '.join(both)} came beside them")
        if labels is not None and not is_path(labels):
            raise UsageError("labels= beside a path is the path of another file; arrays go with logits= or probs=")
        several = isinstance(predictions, Sequence) and not isinstance(predictions, str)
        dumps = list(predictions) if several else [predictions]  # type: ignore[arg-type]
    if not dumps:
        raise UsageError("the list of predictions is empty")
    fitted = None if fit_on is None else predictions_of(fit_on, options if is_path(fit_on) else {}, max_memory)
    plans: dict[str | None, Plan] = {}  # one map for all dumps, which is fitted once
    found: list[DumpReport] = []
    for dump in dumps:
        opened, name = grouped(predictions_of(dump, options if is_path(dump) else {}, max_memory), group)
        settings = replace(settings, group=name)
        one = evaluate_dump(opened, settings, resources)
        if fitted is not None or cross_fit is not None:
            column = name if fitted is None or isinstance(group, str) else None
            plan = plans.setdefault(column, Plan(method, objective, clip, seed, column, fitted, cross_fit, allow_leak))
            whole = partial(evaluate_dump, settings=replace(settings, slices=(), min_rows=None), resources=resources)
            after, warnings = recalibrated(opened, plan, whole)
            one = replace(one, recalibrated=after, warnings=(*one.warnings, *warnings))
        found.append(one)
    return with_metrics(Report(VERSION, settings, with_distinct_names(found)), chosen)


def _check_folds(fit_on: object, cross_fit: object) -> None:
    if fit_on is not None and cross_fit is not None:
        raise UsageError("fit_on and cross_fit exclude each other")
    if cross_fit is not None and (isinstance(cross_fit, bool) or not isinstance(cross_fit, int) or cross_fit < 2):
        raise UsageError(f"cross_fit is {cross_fit!r}, but a number of folds from 2 on is needed")


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given."""
    return {name: value for name, value in values.items() if value is not None}
