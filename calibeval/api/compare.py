"""`compare`: compare candidates with a base; each is a path or predictions, the base also a saved report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from calibeval.api.arguments import ARGUMENTS, dump
from calibeval.api.arguments import base as base_argument
from calibeval.api.case_pairs import Measuring
from calibeval.api.case_paths import compared_paths
from calibeval.api.chosen import chosen_metrics
from calibeval.api.dumps import (
    Dump,
    Group,
    LabelReading,
    Weighting,
    and_positive,
    as_class,
    as_texts,
    base_of,
    by_names,
    grouped,
    is_path,
    predictions_of,
    read_by,
    resources_of,
)
from calibeval.api.engines import EngineName, with_engine
from calibeval.api.image_options import ImageOptions
from calibeval.api.saved_sums import opened_sums, sums_and_report
from calibeval.core.comparison.chosen import with_chosen
from calibeval.core.comparison.compare import compare as compare_predictions
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.comparison.of_sums import compare_sums
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.data.public import public
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.report.report import Report


@public({**ARGUMENTS, "base": base_argument}, LabelReading.__annotations__)
@with_engine
def compare(
    base: Dump | Report,
    *candidates: Dump | Sequence[Dump] | Mapping[str, Dump],
    metrics: str | Sequence[str] | None = None,
    bins: int | None = None,
    level: float = 0.95,
    slices: str | Sequence[str] = (),
    min_rows: int | None = None,
    group: Group | None = None,
    weights: Weighting | None = None,
    positive: str | int | None = None,
    background: str | None = None,
    layout: str | None = None,
    spacing: str | Sequence[float] | None = None,
    jobs: int = 1,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[LabelReading],
) -> Comparison:
    """Compare candidates with a base: for every metric the difference, interval, p and smallest detectable difference.

    base: a path or Predictions, or a Report of one dump or the path of its report.json. A report holds no rows, so none
    are paired, and intervals are wider. candidates: paths or Predictions, as several arguments, as a list, or as a dict
    by the names that the comparison shows.
    Rows are paired by id, or else by position if labels and shared columns agree.
    metrics, bins, slices, min_rows, jobs, engine, max_memory, progress: as for `evaluate`, but "predicted" is not a
    slice, since the predicted classes differ between models. level: of the intervals, in (0, 1). group: as for
    `evaluate`; an array belongs to the rows of the base, or of each candidate if the base is a report. weights: as for
    `evaluate`, of every dump. positive: as for `evaluate`.
    Instead of a base and candidates, files of sums that hold both may be given ("part-*.sums"): all are one comparison.
    Behind a report, files of sums are one candidate.
    Folders of cases, with `labels` another folder, are paired by the names of cases; background, layout, spacing, and
    of them group: as for `evaluate`. Numbers of images have names of their own, "dice", "per_image.ece", "liver.dice".
    Raises: InputError for dumps that cannot be compared; UsageError for settings that cannot work; FileProblem.

    >>> base = Predictions(probs=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> candidate = Predictions(probs=[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> nll = compare(base, candidate)["nll"]
    >>> nll.difference < 0 and nll.likely
    True
    """
    every: list[Dump] = []
    names: list[str | None] = []
    for one in candidates:
        dumps, keys = by_names(one)
        every += dumps
        names += keys or [None] * len(dumps)
    every = [dump("a candidate", one) for one in every]
    summed = sums_and_report(base, every)
    if summed is not None:
        settled = {"slices": slices, "min_rows": min_rows, "group": group, "weights": weights, "positive": positive}
        rows, source = opened_sums(summed.names, bins, {**settled, **reading})
        only = chosen_metrics(metrics)
        return compare_sums(rows, source, level=level, only=only, saved=summed.report).with_distinct_names()
    if not every:
        raise UsageError("there is no candidate to compare with the base")
    resources = resources_of(jobs, max_memory, progress)
    of_rows = {"weights": weights, "positive": positive}
    how = ImageOptions(layout, background, spacing)
    measuring = Measuring(bins, level, group, as_texts(slices), min_rows)
    of_cases = compared_paths(base, every, reading, how, measuring, resources, chosen_metrics(metrics), of_rows)
    if of_cases is not None:
        return of_cases.with_names(names).with_distinct_names()
    read_by(reading, [base, *every])
    options = and_positive(reading, positive)
    first = base_of(base, options if is_path(base) else {}, max_memory, engine)
    first = weighted(first, weights) if isinstance(first, Predictions) else first
    read = (predictions_of(one, options if is_path(one) else {}, max_memory, engine) for one in every)
    opened = [weighted(one, weights) for one in read]
    name = group if isinstance(group, str) else None
    if group is not None and name is None:
        if isinstance(first, Predictions):
            first, name = grouped(first, group)
        else:
            both = [grouped(one, group) for one in opened]
            opened, name = [one for one, _ in both], both[0][1] if both else None
    found = compare_predictions(
        first,
        opened,
        bins=bins,
        level=level,
        slices=as_texts(slices),
        min_rows=min_rows,
        group=name,
        positive=as_class(positive),
        background=background,
        jobs=resources.jobs,
        max_memory=resources.memory,
        progress=progress,
        only=chosen_metrics(metrics),
    )
    return with_chosen(found, chosen_metrics(metrics)).with_names(names).with_distinct_names()
