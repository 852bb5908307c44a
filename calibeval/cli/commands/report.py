"""`calibeval report`: how far off, in which direction, and whether the sample can tell."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_reading_flags
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.progress import Progress
from calibeval.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.report.report import DumpReport, Report
    from calibeval.core.report.settings import Settings
    from calibeval.readers.meaning.assemble import ReadOptions
    from calibeval.recalibrate.fitting.before_after import Plan

OUTPUTS = ("bins.csv", "reliability.svg", "reliability.png", "report.html", "report.json")
TABLES = {"md": "markdown", "csv": "csv_table", "latex": "latex"}


@with_reading_flags
def report(
    dumps: options.Dumps,
    json: options.Json = False,
    out: options.Out = None,
    figure: options.Figure = None,
    width: options.Width = None,
    table: options.Format = None,
    bins: options.Bins = None,
    convention: options.Convention = "calibeval",
    explain_conventions: options.ExplainConventions = False,
    level: options.Level = 0.95,
    no_intervals: options.NoIntervals = False,
    slice: options.Slice = None,
    min_rows: options.MinRows = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    fit_on: options.FitOn = None,
    cross_fit: options.CrossFit = None,
    method: options.Method = "temperature",
    objective: options.Objective = "nll",
    clip: options.Clip = None,
    group: options.Group = None,
    seed: options.Seed = 0,
    allow_leak: options.AllowLeak = False,
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """How far the confidences can be believed: metrics, noise floors, reliability diagram."""
    if table is not None and table not in TABLES:
        raise UsageError(f'--format "{table}" is unknown{nearest(table, TABLES)}; formats are {", ".join(TABLES)}')
    if table is not None and json:
        raise UsageError("--json and --format exclude each other")
    from calibeval.core.evaluation.evaluate import evaluate_dump
    from calibeval.core.evaluation.settings import checked
    from calibeval.core.report.report import Report, with_distinct_names
    from calibeval.core.sums.resources import Resources
    from calibeval.core.version import VERSION
    from calibeval.readers.open import open_dump

    if width is not None and figure is None:
        raise UsageError("--width belongs to --figure")
    outputs = [] if out is None else [out / name for name in OUTPUTS]
    refuse_overwriting([*dumps, fit_on, *flags.files], outputs if figure is None else [*outputs, figure])
    if dumps.count("-") + (fit_on == "-") > 1:
        raise UsageError('standard input, "-", can be read once only')
    settings = checked(
        bins=bins,
        convention=convention,
        level=None if no_intervals else level,
        slices=slice or (),
        min_rows=min_rows,
        group=group,
    )
    reading = flags.options()
    if explain_conventions:
        _refuse_with_explained(more=len(dumps) != 1 or out is not None or table is not None, parts=slice or group)
        sys.stdout.write(_explained(dumps[0], reading, settings.bins if bins is not None else None, jobs, json))
        return 0
    if fit_on is not None and cross_fit is not None:
        raise UsageError("--fit-on and --cross-fit exclude each other")
    limit = reading.limits.max_memory
    with Progress(quiet=quiet) as progress:

        def evaluate(predictions: Predictions, *, sliced: bool = False) -> DumpReport:
            progress.start(predictions.source.name, predictions.rows)
            own = settings if sliced else replace(settings, slices=(), min_rows=None)
            return evaluate_dump(predictions, own, Resources(threads(jobs), limit, progress.advance))

        plan = None
        if fit_on is not None or cross_fit is not None:
            from calibeval.recalibrate.fitting.before_after import Plan

            fitted = None if fit_on is None else open_dump(fit_on, reading)
            plan = Plan(method, objective, clip, seed, group, fitted, cross_fit, allow_leak)
        results = []
        for name in dumps:
            predictions = open_dump(name, reading)
            results.append(_results(predictions, plan, evaluate))
        seen = out is not None or not (json or table)
        hint = _prospect(predictions, results[0], settings, limit) if seen and not plan and len(dumps) == 1 else ""
    result = Report(VERSION, settings, with_distinct_names(results), environment())
    for dump in result.dumps:
        say([f"warning: {dump.name}: {warning}" for warning in dump.warnings], quiet=quiet)
    if out is not None:
        _write(result, out, hint)
        say([f"written to {out}"], quiet=quiet)
    if figure is not None:
        _draw(result, figure, width)
        say([f"written to {figure}"], quiet=quiet)
    sys.stdout.write(_shown(result, json, table))
    if hint and not (json or table):
        sys.stdout.write(f"\n{_filled(hint)}\n")
    return 0


def _results(predictions: Predictions, plan: Plan | None, evaluate: Callable[..., DumpReport]) -> DumpReport:
    """One dump's results, with those after its map where there is a plan for one; slices are of the dump as it is."""
    before = evaluate(predictions, sliced=True)
    if plan is None:
        return before
    from calibeval.recalibrate.fitting.before_after import recalibrated

    after, warnings = recalibrated(predictions, plan, evaluate)
    return replace(before, recalibrated=after, warnings=(*before.warnings, *warnings))


def _prospect(predictions: Predictions, report: DumpReport, settings: Settings, limit: int) -> str:
    """The line on what a temperature would do, by calibeval's own bins."""
    if settings.convention != "calibeval":
        return ""
    from calibeval.recalibrate.fitting.before_after import prospect

    return prospect(predictions, report, limit)


def _filled(line: str) -> str:
    from calibeval.cli.screen.terminal import screen

    return textwrap.fill(line, screen().width)


def _shown(report: Report, json: bool, table: str | None) -> str:
    """The report as standard output carries it."""
    if json:
        return report.to_json()
    if table is not None:
        renderer: Callable[[Report], str] = import_module(f"calibeval.render.tables.{TABLES[table]}").render
        return renderer(_before_and_after(report))
    from calibeval.cli.screen.terminal import screen
    from calibeval.render.terminal.conventions import note
    from calibeval.render.terminal.report import render_report

    view = screen()
    shown = render_report(report, width=view.width, color=view.color, ascii_only=view.ascii_only)
    return shown + note(report, width=view.width, ascii_only=view.ascii_only)


def _refuse_with_explained(*, more: bool, parts: object) -> None:
    """Refuse what --explain-conventions cannot serve: more than a table of one dump, and parts of it."""
    if more:
        raise UsageError("--explain-conventions takes one dump, and neither --out nor --format")
    if parts:
        raise UsageError("--explain-conventions knows neither --slice nor --group")


def _explained(dump: str, reading: ReadOptions, bins: int | None, jobs: int | None, json: bool) -> str:
    """One dump's errors under every convention."""
    from calibeval.cli.screen.terminal import screen
    from calibeval.core.conventions.metrics import explain_conventions
    from calibeval.readers.open import open_dump
    from calibeval.render.terminal.conventions import render, render_json

    predictions = open_dump(dump, reading)
    found = explain_conventions(predictions, bins=bins, jobs=threads(jobs), max_memory=reading.limits.max_memory)
    if json:
        return render_json(predictions, found)
    predictions.settled_source()
    view = screen()
    return render(predictions, found, width=view.width, ascii_only=view.ascii_only)


def _write(report: Report, folder: Path, hint: str) -> None:
    """The files of a report; report.json comes last, so that it vouches for the others. hint: a line for the page."""
    from calibeval.render.figure.figure import figure_bytes, reliability_figure
    from calibeval.render.page import page as html
    from calibeval.render.tables import bins_csv
    from calibeval.writers.atomic import make_folder, write_file

    make_folder(folder)
    figure = reliability_figure(_before_and_after(report))
    write_file(folder / "bins.csv", bins_csv.render(report).encode("utf-8", "backslashreplace"))
    write_file(folder / "reliability.svg", figure_bytes(figure, "svg"))
    write_file(folder / "reliability.png", figure_bytes(figure, "png"))
    write_file(folder / "report.html", html.render(report, hint=hint).encode())
    write_file(folder / "report.json", report.to_json().encode())


def _draw(report: Report, path: Path, width: float | None) -> None:
    """The reliability diagrams in the format of the suffix."""
    from calibeval.render.figure.figure import figure_bytes, figure_format, reliability_figure
    from calibeval.writers.atomic import write_file

    kind = figure_format(path.suffix)
    write_file(path, figure_bytes(reliability_figure(_before_and_after(report), width_inches=width), kind))


def _before_and_after(report: Report) -> Report:
    """The report with each recalibrated dump followed by what its map made of it."""
    shown = [one for dump in report.dumps for one in (dump, dump.after()) if one is not None]
    return replace(report, dumps=tuple(shown))
