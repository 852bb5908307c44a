"""`evaluate`: a report on files, predictions or arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any, Unpack

import numpy as np

from calibeval.api.arguments import ARGUMENTS, dump, dumps, saved_map
from calibeval.api.cases import CaseFitting, no_cases, report_of_cases
from calibeval.api.chosen import chosen_metrics
from calibeval.api.dumps import (
    Dump,
    FileReading,
    Group,
    Reading,
    Weighting,
    as_class,
    as_classes,
    as_path,
    as_texts,
    by_names,
    grouped,
    is_path,
    nothing_to_read,
    predictions_of,
    resources_of,
)
from calibeval.api.engines import EngineName, with_engine
from calibeval.api.pictures import Pictures, asked_pictures
from calibeval.api.saved_sums import report_of_sums
from calibeval.core.conventions.table import OWN
from calibeval.core.data.arguments import by_name, path, whole
from calibeval.core.data.best_first import best_first_error
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.data.public import public
from calibeval.core.data.two_texts import names_by_positive
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.same_rows import with_rows
from calibeval.core.evaluation.settings import checked, of_dump, stamped
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.report.several import together
from calibeval.core.sums.resources import Resources
from calibeval.core.version import VERSION
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.before_after import Plan, recalibrated
from calibeval.recalibrate.fitting.saved import by_saved_map

# labels: an array, or beside paths the path of another file.
OWN_ARGUMENTS = {name: check for name, check in ARGUMENTS.items() if name != "labels"} | {
    "predictions": dumps,
    "fit_on": dump,
    "cross_fit": whole(2),
    "map": saved_map,
    "columns": by_name,
}


@public(OWN_ARGUMENTS, FileReading.__annotations__)
@with_engine
def evaluate(
    predictions: Dump | Sequence[Dump] | Mapping[str, Dump] | None = None,
    *,
    logits: object = None,
    probs: object = None,
    log_probs: object = None,
    confidence: object = None,
    labels: object = None,
    correct: object = None,
    ids: object = None,
    columns: Mapping[str, Any] | None = None,
    weights: Weighting | None = None,
    class_names: Sequence[str] | None = None,
    labels_are: LabelsAre | None = None,
    ignore_index: int | None = None,
    renormalize: bool = False,
    metrics: str | Sequence[str] | None = None,
    bins: int | None = None,
    convention: str = OWN,
    level: float | None = 0.95,
    slices: str | Sequence[str] = (),
    min_rows: int | None = None,
    group: Group | None = None,
    positive: str | int | None = None,
    classes: str | int | Sequence[str | int] = (),
    background: str | None = None,
    layout: str | None = None,
    spacing: str | Sequence[float] | None = None,
    show: str | int | Sequence[str | int] | None = None,
    images: str | PathLike[str] | None = None,
    fit_on: Dump | None = None,
    cross_fit: int | None = None,
    map: Map | str | PathLike[str] | None = None,  # noqa: A002 - the command's word
    method: str = "temperature",
    objective: str = "nll",
    clip: float | None = None,
    seed: int = 0,
    allow_leak: bool = False,
    jobs: int = 1,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[FileReading],
) -> Report:
    """Measure calibration: metrics with noise floors and intervals, bin tables, classes, slices.

    predictions: a path such as "test.npz#test", Predictions, or what `cross_fit` returned; a list of them, or a dict of
    them by the names that the report shows; or None, with arrays by name: logits, probs or log_probs (n, k), or
    confidence (n,) with correct; labels (n,), ids, columns, class_names, labels_are, ignore_index and
    renormalize: as for Predictions. Files of saved sums, "part-*.sums" or a list of such, are one dump together.
    metrics: names, as a list or as "ece,nll"; "all" also computes those that are left out by default because they need
    the results of every row; None: all others.
    bins: number of equal-width bins, and the most equal-mass bins; None: that of the convention, mostly 15.
    convention: "calibeval", or the tool whose numbers are reproduced. level: of the intervals, in (0, 1); None: no
    intervals. slices: columns whose values divide the rows; "class" is the true and "predicted" the predicted class;
    "shots:FILE" are many, medium and few training images a class, "auto" the worst segments of all columns.
    min_rows: the fewest rows of a slice that is measured, 100 by default.
    group: a column's name, or an array with one value per row; rows with equal values are dependent, such as the frames
    of a video. weights: a column's name, or an array with one number of at least 0 per row, by which rows count.
    positive: of two classes, the one whose probability is reported, by name or number; class 1 by default. classes: of
    more than two, those that are also looked at one against the rest.
    background: of images, whether class 0 counts: "include", "exclude-label" (not the pixels with this label) or
    "exclude-class" (not in means over classes). layout: of a folder of cases whose labels are in the folder `labels`:
    "nnunet", "monai" or "arrays", if files do not tell; then group is a table of cases, "patients.csv", and slices are
    columns of tables, "scanners.csv#site". spacing: of such a folder, the size of a voxel along z, y and x, instead of
    that in headers. show: of images, those that pages and `figure(of="pictures")` show, by name or number; the three
    with the largest ECE are shown, too, with [] these alone. images: a folder of the images themselves, to be shown.
    fit_on: fit a map on this dump, and report before and after. cross_fit: the same, but out of fold, with
    this many folds of each dump itself. method, objective, clip, seed: as for `fit`. map: the same for a map that is
    fitted already, or the path of its file. allow_leak: accept rows that the map was fitted on.
    jobs: number of threads; results do not depend on it. engine: who reads the rows, with the same results: "local",
    this process; "dask", as many processes as jobs or, if jobs are not given, as there are cores; "dask=ADDRESS" or a
    client of `distributed`, the workers of a cluster, which see the same files. max_memory: bytes; larger scores are
    read block by block (default: a quarter of the machine's memory). progress: a `Progress`, called during the work.
    reading: options for reading files, as for `read`; with a path, labels may be the path of another file.
    Raises: InputError for data that cannot be used; UsageError for settings that cannot work; FileProblem.

    >>> report = evaluate(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0], level=None)
    >>> report["accuracy"].value, round(report["ece"].value, 3), "ece" in report
    (0.5, 0.4, True)
    """
    chosen = chosen_metrics(metrics)
    settings = checked(
        bins=bins,
        convention=convention,
        level=level,
        slices=as_texts(slices),
        min_rows=min_rows,
        group=None,
        positive=as_class(positive),
        classes=as_classes(classes),
        background=background,
        seed=seed,
    )
    resources = resources_of(jobs, max_memory, progress)
    pictures = asked_pictures(show, images, max_bytes=reading.get("max_bytes"), max_memory=max_memory)
    ways = _given({"fit_on": fit_on, "cross_fit": cross_fit, "map": map})
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} exclude each other")
    arrays = {"logits": logits, "probs": probs, "log_probs": log_probs, "confidence": confidence}
    more = {
        "labels": labels,
        "class_names": class_names,
        "labels_are": labels_are,
        "ignore_index": ignore_index,
        "renormalize": renormalize or None,
    }
    only_arrays = {"correct": correct, "ids": ids, "columns": columns}
    options: Reading = {**reading, **_given(more)}  # type: ignore[typeddict-item]  # the names above, some left out
    names: tuple[str, ...] = ()
    if predictions is None:
        nothing_to_read(reading, "arrays")
        no_cases(layout, spacing)
        given = _of_arrays({**arrays, **more, **only_arrays}, as_class(positive))
        every: list[Dump] = [given]
        options = {}
    else:
        _check_beside([*_given(arrays), *_given(only_arrays)], labels)
        held: dict[str, object] = {"weights": weights, "group": group, "positive": positive, "slices": slices, **ways}
        held |= {"classes": classes, "min_rows": min_rows, "convention": convention != OWN, **options}
        summed = report_of_sums(predictions, level, chosen, bins, held | {"show": show, "images": images})
        fitting = partial(_of_cases, fit_on, cross_fit, map, method, objective, clip, seed, allow_leak=allow_leak)
        summed = summed or report_of_cases(
            predictions, options, layout, spacing, settings, resources, chosen, held, fitting, pictures
        )
        if summed is not None:
            return summed
        every, names = by_names(predictions)
        if not any(is_path(one) for one in (*every, fit_on)):
            nothing_to_read(options)
        if positive is not None:
            options = {**options, "positive": positive}
    fitted = (
        None
        if fit_on is None
        else _opened(fit_on, options, max_memory, weights if isinstance(weights, str) else None, engine)
    )
    plans: dict[str | None, Plan] = {}  # one map for all dumps, which is fitted once
    found: list[DumpReport] = []
    for i, source in enumerate(every):
        opened, name = grouped(pictures.checked(_opened(source, options, max_memory, weights, engine)), group)
        settings = replace(settings, group=name)
        one = evaluate_dump(opened, of_dump(settings, opened), resources, chosen, curves=True)
        pictures.add_dump(one, opened)
        if ways:
            measure = partial(_plainly, settings=settings, resources=resources, only=chosen)
            if isinstance(map, Map):
                after, warnings = by_saved_map(opened, map, measure, allow_leak=allow_leak)
            else:
                by = name if fitted is None or isinstance(group, str) else None
                asked = Plan(method, objective, clip, seed, by, fitted, cross_fit, allow_leak)
                after, warnings = recalibrated(opened, plans.setdefault(by, asked), measure)
            one = replace(one, recalibrated=after, warnings=(*one.warnings, *warnings))
        one = with_rows(one, opened) if len(every) > 1 else one
        found.append(replace(one, name=names[i]) if names else one)
    return _report(found, settings, pictures)


def _report(found: Sequence[DumpReport], settings: Settings, pictures: Pictures) -> Report:
    """All dumps in one report, with their pictures."""
    dumps_of_all = together(found)
    used = stamped(settings, *(one.warnings for one in found))
    return Report(VERSION, used, dumps_of_all, cases=pictures.by_name(dumps_of_all))


def _plainly(
    predictions: Predictions, settings: Settings, resources: Resources, only: tuple[str, ...] | None
) -> DumpReport:
    """The results after a map, without slices."""
    plain = replace(settings, slices=(), min_rows=None)
    return evaluate_dump(predictions, plain, resources, only, curves=True)


def _of_cases(
    fit_on: Any,
    folds: int | None,
    found: Any,
    method: str,
    objective: str,
    clip: float | None,
    seed: int,
    *,
    allow_leak: bool,
) -> CaseFitting | None:
    """What a folder of cases is recalibrated with; None where no map is asked for. Raises: UsageError."""
    if fit_on is None and folds is None and found is None:
        return None
    if fit_on is not None and not is_path(fit_on):
        raise UsageError("fit_on of a folder of cases is another folder of cases")
    plan = Plan(method, objective, clip, seed, None, None, folds, allow_leak)
    return CaseFitting(plan, None if fit_on is None else as_path(fit_on), found)


def _check_beside(arrays: Sequence[str], labels: object) -> None:
    """Check what came beside predictions: no arrays, and labels as a path. Raises: UsageError."""
    if arrays:
        raise UsageError(f"give predictions, or arrays by name, but not both: {', '.join(arrays)} came beside them")
    if labels is not None and not is_path(labels):
        raise UsageError("labels= beside a path is the path of another file; arrays go with logits= or probs=")
    if labels is not None:
        path("labels", labels)


def _of_arrays(given: Mapping[str, Any], positive: str | None) -> Predictions:
    """The predictions in these arrays. Raises: InputError for the scores of the best classes, best first."""
    found, labels = _given(given), given["labels"]
    if positive is not None and not ({"class_names", "correct"} & {*found}) and not hasattr(labels, "detach"):
        names = names_by_positive(np.asarray(labels), positive, given["ignore_index"])  # a tensor holds no texts
        found |= _given({"class_names": names})
    predictions = Predictions(**found)
    listed = None if given["labels_are"] is not None else best_first_error(predictions)
    if listed is not None:
        raise listed
    return predictions


def _opened(
    source: Dump, options: Reading, max_memory: int | None, weights: Weighting | None, engine: EngineName | None
) -> Predictions:
    """The predictions, read if they are a path, with their weights."""
    return weighted(predictions_of(source, options if is_path(source) else {}, max_memory, engine), weights)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given."""
    return {name: value for name, value in values.items() if value is not None}
