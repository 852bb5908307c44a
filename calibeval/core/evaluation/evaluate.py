"""From predictions to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from calibeval.core.conventions.metrics import class_errors, convention_metrics, remarks
from calibeval.core.conventions.sums import convention_sums
from calibeval.core.conventions.table import CONVENTIONS, OWN, Convention
from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.groups import Groups, find_groups, grouped_metrics, joints_for
from calibeval.core.evaluation.settings import checked
from calibeval.core.evaluation.slices import slice_results
from calibeval.core.metrics.folded import classwise_errors
from calibeval.core.metrics.table import all_metrics
from calibeval.core.report.report import Bin, ClassResult, DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.sums import Sums
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
    return Report(VERSION, settings, (evaluate_dump(predictions, settings, jobs=jobs, max_memory=max_memory),))


def evaluate_dump(
    predictions: Predictions,
    settings: Settings,
    *,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> DumpReport:
    """One dump under checked settings; several of these make a report.

    jobs, max_memory: as for `evaluate`. progress: called with the number of rows of each finished piece.

    Raises: InputError for values that contradict the kind of the scores.
    """
    groups = find_groups(predictions, settings, max_memory)
    sums = summarise(
        predictions,
        settings.bins,
        jobs=jobs,
        max_memory=max_memory,
        progress=progress,
        keep_rows=groups is not None and groups.refused is None,
    )
    if groups is None:
        metrics = all_metrics(sums, settings.level)
    else:
        metrics, _ = grouped_metrics(sums, groups, joints_for(sums, groups, predictions), settings.level)
    slices, small = None, None
    if settings.slices:
        slices, small = slice_results(predictions, settings, groups=groups, jobs=jobs, max_memory=max_memory)
    dump = DumpReport(
        source=predictions.settled_source(),
        kind=predictions.kind,
        n=sums.n,
        k=sums.k,
        ignored=predictions.ignored,
        metrics=metrics,
        equal_width=_bin_table(sums.top, sums.edges),
        equal_mass=_bin_table(sums.mass, sums.mass_edges),
        per_class=_per_class(sums, predictions.class_names),
        warnings=(*predictions.warnings, *_warnings(predictions, sums, groups, settings)),
        name=predictions.source.name,
        slices=slices,
        small_slices=small,
        groups=None if groups is None else groups.counted,
    )
    convention = CONVENTIONS[settings.convention]
    return dump if convention.name == OWN else _as_tool(dump, predictions, sums, convention, settings, max_memory)


def _as_tool(
    dump: DumpReport,
    predictions: Predictions,
    sums: Sums,
    convention: Convention,
    settings: Settings,
    max_memory: int | None,
) -> DumpReport:
    """The dump with every binned number, and every bin, as another tool has it; takes one more reading of the scores.

    Classes that the tool does not count are not listed; without class-wise errors there is none.
    """
    tool = convention_sums(predictions, convention, settings.bins, max_memory=max_memory)
    errors = class_errors(tool)
    classes = zip(dump.per_class, () if errors is None else errors.tolist(), strict=False)
    return replace(
        dump,
        metrics=convention_metrics(sums, tool, convention, settings.level),
        equal_width=_bin_table(tool.width.sums, tool.width.edges),
        equal_mass=None if tool.mass is None else _bin_table(tool.mass.sums, tool.mass.edges),
        per_class=tuple(replace(result, calibration_error=error) for result, error in classes),
        warnings=(*dump.warnings, *remarks(tool, convention, dump.k)),
    )


def _bin_table(sums: BinSums, edges: Floats) -> tuple[Bin, ...]:
    rows = []
    columns = (edges[:-1].tolist(), edges[1:].tolist(), sums.count.tolist(), sums.p.tolist(), sums.y.tolist())
    for lower, upper, count, p, y in zip(*columns, strict=True):
        if count == 0:
            rows.append(Bin(lower, upper, 0, None, None, None))
        else:
            rows.append(Bin(lower, upper, int(count), p / count, y / count, (p - y) / count))
    return tuple(rows)


def _per_class(sums: Sums, class_names: tuple[str, ...] | None) -> tuple[ClassResult, ...]:
    if sums.classes is None:
        return ()
    support = sums.classes.y.sum(axis=1)
    gaps = -sums.classes.surplus.sum(axis=1) / sums.n
    names = class_names or tuple(str(k) for k in range(len(support)))
    rows = zip(names, support.tolist(), classwise_errors(sums.classes).tolist(), gaps.tolist(), strict=True)
    return tuple(ClassResult(name, int(count), error, gap) for name, count, error, gap in rows)


def _warnings(predictions: Predictions, sums: Sums, groups: Groups | None, settings: Settings) -> list[str]:
    warnings = []
    few = None if groups is None else groups.warning()
    if few is not None:
        warnings.append(few)
    if settings.group is not None and groups is None:
        tool = settings.convention
        warnings.append(f"convention {tool}: floors and intervals are of single rows, not of groups")
    elif len(predictions.layout) > 1 and groups is None:
        warnings.append("pixels of one image depend on each other: floors and intervals are too narrow")
    if sums.impossible:
        warnings.append(
            f"{sums.impossible} of {sums.n} rows give their label probability 0 (first: {sums.impossible_place}); "
            "nll is infinite"
        )
    if sums.classes is not None:
        absent = np.flatnonzero(sums.classes.y.sum(axis=1) == 0)
        if len(absent):
            few = ", ".join(str(c) for c in absent[:5]) + (", ..." if len(absent) > 5 else "")
            warnings.append(f"{len(absent)} of {sums.k} classes never occur among the labels: {few}")
    return warnings
