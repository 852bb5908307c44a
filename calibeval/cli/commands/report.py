"""`calibeval report`: measure the calibration of dumps, optionally before and after recalibration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.inputs.cases import results_of_cases
from calibeval.cli.inputs.saved_sums import results_of
from calibeval.cli.options import cases, figures, order
from calibeval.cli.options import positive as class_options
from calibeval.cli.options import shared as options
from calibeval.cli.options.by_products import EXPORTS, TABLES, check_drawing, exported, table_of
from calibeval.cli.options.choices import IMAGES, LEVEL, PICTURES, RISK, exclude, table_format
from calibeval.cli.options.fitting import Fitting
from calibeval.cli.options.metrics import in_full, named, unavailable
from calibeval.cli.options.outputs import FIGURES, JSON, check_folder, exports
from calibeval.cli.options.outputs import TABLES as FILE_TABLES
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_engine_flags
from calibeval.cli.options.slices import shot_files
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.progress import Progress
from calibeval.cli.screen.streams import put
from calibeval.core.conventions.table import OWN
from calibeval.core.errors import UsageError
from calibeval.readers.cases.names import as_spacing
from calibeval.render.ci.exports import OF_REPORTS
from calibeval.words.names import about

if TYPE_CHECKING:
    from calibeval.cli.options.fitting import Recalibrate
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.report.report import DumpReport, Report
    from calibeval.core.report.settings import Settings
    from calibeval.recalibrate.fitting.before_after import Prospect
    from calibeval.words.next_step import Step

DRAWN = (RISK, IMAGES, PICTURES)
OUTPUTS = ("bins.csv", "reliability.svg", "risk.svg", "report.html", "report.json")


@with_engine_flags
def report(
    dumps: options.Dumps,
    json: options.Json = False,
    out: options.Out = None,
    full: options.Full = False,
    sort: order.Sort = None,
    export: options.ReportExport = None,
    figure: figures.Figure = None,
    png: figures.Png = False,
    width: figures.Width = None,
    table: options.Format = None,
    bins: options.Bins = None,
    convention: options.Convention = OWN,
    metrics: options.Metrics = None,
    level: options.Level = None,
    no_intervals: options.NoIntervals = False,
    slice: options.Slice = None,
    min_rows: options.MinRows = None,
    classes: class_options.Classes = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    fit_on: options.FitOn = None,
    saved_map: options.SavedMap = None,
    cross_fit: options.CrossFit = None,
    method: options.Method = None,
    objective: options.Objective = None,
    clip: options.Clip = None,
    group: options.Group = None,
    layout: cases.Layout = None,
    spacing: cases.Spacing = None,
    background: cases.Background = None,
    show: cases.Show = None,
    images: cases.Images = None,
    seed: options.Seed = None,
    allow_leak: options.AllowLeak = False,
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Measure calibration: metrics, noise floors and a diagram."""
    drawn = figure is not None or any(text.partition("=")[0] in DRAWN for text in export or ())
    table = _checked_format(table, None if drawn else width, sort, json=json, full=full)
    exclude({"--level": level, "--no-intervals": no_intervals or None})
    maps = Fitting(
        method=method,
        objective=objective,
        clip=clip,
        seed=seed,
        group=group,
        fit_on=fit_on,
        saved_map=saved_map,
        cross_fit=cross_fit,
        allow_leak=allow_leak,
        slices=slice or (),
    )
    maps.check()
    from calibeval.api.chosen import chosen_metrics

    only = chosen_metrics(metrics)
    from calibeval.cli.inputs.titled import open_named
    from calibeval.core.evaluation.evaluate import evaluate_dump
    from calibeval.core.evaluation.settings import checked, of_dump, stamped
    from calibeval.core.report.report import Report
    from calibeval.core.report.several import together
    from calibeval.core.sums.resources import Resources
    from calibeval.core.version import VERSION

    check_folder(out, {**JSON, **FILE_TABLES, **FIGURES})
    wanted = exports(export, (*EXPORTS, *OF_REPORTS, *DRAWN))
    check_drawing(*(wanted.get(kind) for kind in DRAWN))
    alone = [*wanted.values(), *([] if figure is None else [figure])]
    _check_files(dumps, fit_on, [saved_map, *flags.files, *shot_files(slice or ())], [*_files(out, png=png), *alone])
    settings = checked(
        bins=bins,
        convention=convention,
        level=None if no_intervals else LEVEL if level is None else level,
        slices=slice or (),
        min_rows=min_rows,
        group=group,
        positive=flags.positive,
        classes=classes or (),
        background=background,
        seed=seed,
    )
    given = {"--convention": convention != OWN, "--slice": slice, "--class": classes} | maps.of_rows()
    ready = results_of(
        dumps, settings.level, only, bins, given | flags.of_rows() | {"--show": show, "--images": images}
    )
    reading = replace(flags.options(), spacing=as_spacing(spacing))
    pictures = cases.pictures(show, images, reading, wanted=out is not None or PICTURES in wanted)
    with Progress(quiet=quiet) as progress:
        resources = Resources(threads(jobs), reading.limits.max_memory, progress)

        def evaluate(predictions: Predictions, *, sliced: bool = False) -> DumpReport:
            own = of_dump(settings, predictions, sliced=sliced)
            return evaluate_dump(
                predictions,
                own,
                resources,
                in_full(only, wanted=sliced and plan is None and (full or out is not None)),
                curves=out is not None or figure is not None,
            )

        of_cases = {name: value for name, value in given.items() if name not in maps.of_rows()}
        ready = ready or results_of_cases(
            dumps, reading, layout, settings, only, resources, of_cases, maps.of_cases, pictures
        )
        plan = None if ready else maps.recalibrate(reading, evaluate)
        results, settings = ready or ([], settings)
        for word in () if ready else dumps:
            predictions = open_named(word, reading)
            pictures.check_dump(predictions)
            results.append(_results(predictions, plan, evaluate, alone=len(dumps) == 1))
            pictures.add_dump(results[-1], predictions)
        shown = ready is None and (out is not None or not (json or table))
        bare = shown and not plan and len(dumps) == 1
        promised = _prospect(predictions, results[0], settings, reading.limits.max_memory) if bare else None
    result = Report(VERSION, stamped(settings, *(one.warnings for one in results)), together(results), environment())
    result = replace(result, cases=pictures.by_name(result.dumps))
    result = result if sort is None else result.sorted_by(sort)
    step = _step(result, dumps, flags, maps, promised, bins) if shown else None
    warned = [f"warning: {about(dump.name, warning)}" for dump in result.dumps for warning in dump.warnings]
    say([*maps.notes(), *_absent(result, only or ()), *warned], quiet=quiet)
    _write(result, (out, figure, wanted), width, step, png=png)
    say([f"written to {path}" for path in ([] if out is None else [out]) + alone], quiet=quiet)
    put(result.to_json() if json else table_of(result, table) if table else _view(result, step, full=full))
    return 0


def _absent(report: Report, only: Collection[str]) -> list[str]:
    """Warnings about metrics that were chosen and that no dump has."""
    absent = [name for name in named(only) if all(name not in dump.metrics for dump in report.dumps)]
    return [f"warning: there is no {name} here: {unavailable(name)}" for name in absent]


def _checked_format(table: str | None, width: float | None, sort: str | None, *, json: bool, full: bool) -> str | None:
    """The format of a table to print, if there is one; options of the output that cannot work are refused.

    width: of figures, if none is made. Raises: UsageError.
    """
    if width is not None:
        raise UsageError("--width belongs to --figure, or to --export of a figure")
    table = table_format(table, TABLES)
    exclude({"--json": json or None, "--format": table, "--full": full or None})
    if sort is not None:
        from calibeval.core.report.order import order_named

        order_named(sort)
    return table


def _check_files(
    dumps: Sequence[str], fit_on: str | None, others: Sequence[str | Path | None], outputs: Sequence[Path]
) -> None:
    """Refuse outputs that are inputs, and standard input for two dumps. Raises: UsageError."""
    from calibeval.cli.inputs.titled import split_title

    files = [split_title(word).file for word in dumps]
    refuse_overwriting([*files, fit_on, *others], outputs)
    if files.count("-") + (fit_on == "-") > 1:
        raise UsageError('standard input, "-", can be read only once')


def _files(out: Path | None, *, png: bool) -> list[Path]:
    """The files that are written to a folder. Raises: UsageError for --png without a folder."""
    if out is None and png:
        raise UsageError("--png belongs to -o; for one file alone, say --figure FILE.png")
    return [] if out is None else [out / name for name in (*OUTPUTS, *(["reliability.png"] if png else []))]


def _results(
    predictions: Predictions,
    plan: Recalibrate | None,
    evaluate: Callable[..., DumpReport],
    *,
    alone: bool,
) -> DumpReport:
    """The results of one dump and, with a plan, those after recalibration; slices are measured only before it.

    alone: whether it is the only dump; of several, it is noted which rows they hold.
    """
    before = evaluate(predictions, sliced=True)
    if not alone:
        from calibeval.core.evaluation.same_rows import with_rows

        before = with_rows(before, predictions)
    if plan is None:
        return before
    after, warnings = plan(predictions)
    return replace(before, recalibrated=after, warnings=(*before.warnings, *warnings))


def _prospect(predictions: Predictions, report: DumpReport, settings: Settings, limit: int) -> Prospect | None:
    """What temperature scaling would change, by calibeval's own bins."""
    if settings.convention != OWN or "ece" not in report.metrics:
        return None
    from calibeval.recalibrate.fitting.before_after import prospect

    return prospect(predictions, report, limit)


def _step(
    report: Report,
    dumps: list[str],
    flags: ReadingFlags,
    maps: Fitting,
    promised: Prospect | None,
    bins: int | None,
) -> Step | None:
    """The next step, with a command for these very files."""
    from calibeval.cli.inputs.titled import split_title
    from calibeval.cli.options.follow_up import Applied, measured_as, ways
    from calibeval.readers.describe import validation_split
    from calibeval.words.next_step import next_step

    validation = maps.fit_on or (validation_split(dumps[0], flags.options()) if len(dumps) == 1 else None)
    used = report.dumps[0].recalibrated
    applied = None if used is None else Applied(used.method, split_title(dumps[0]).file, maps.fit_on, maps.saved_map)
    alike, group = measured_as(report, bins), report.settings.group
    typed = ways(dumps, flags, group=group, validation=validation, applied=applied, measured=alike)
    return next_step(report, typed, promised)


def _write(
    report: Report,
    where: tuple[Path | None, Path | None, Mapping[str, Path]],
    width: float | None,
    step: Step | None,
    *,
    png: bool,
) -> None:
    """Write all files. where: the folder, the figure, and other files by kind."""
    folder, figure, others = where
    if folder is not None:
        from calibeval.api.save import save_report

        save_report(report, folder, png=png, step=step)
    if figure is None and not others:
        return
    from calibeval.writers.atomic import write_file

    if figure is not None:
        from calibeval.api.show import drawn

        write_file(figure, drawn(report, figure.suffix, width))
    for kind, path in others.items():
        write_file(path, exported(report, kind, path, width))


def _view(result: Report, step: Step | None, *, full: bool) -> str:
    from calibeval.cli.screen.report_view import report_view

    return report_view(result, step, full=full)
