"""`calibeval report`: how far off, in which direction, and whether the sample can tell."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import EVERY_METRIC, check_choice, exclude
from calibeval.cli.options.metrics import chosen_metrics, unavailable
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_reading_flags
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.progress import Progress
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.core.data.notices import Notice
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.report.report import DumpReport, Recalibrated, Report
    from calibeval.core.report.settings import Settings

    Recalibrate = Callable[[Predictions], tuple[Recalibrated, list[Notice]]]

OUTPUTS = ("bins.csv", "reliability.svg", "reliability.png", "report.html", "report.json")
TABLES = {"md": "markdown", "csv": "csv_table", "latex": "latex"}


@with_reading_flags
def report(
    dumps: options.Dumps,
    json: options.Json = False,
    out: options.Out = None,
    full: options.Full = False,
    figure: options.Figure = None,
    width: options.Width = None,
    table: options.Format = None,
    bins: options.Bins = None,
    convention: options.Convention = "calibeval",
    metrics: options.Metrics = EVERY_METRIC,
    level: options.Level = 0.95,
    no_intervals: options.NoIntervals = False,
    slice: options.Slice = None,
    min_rows: options.MinRows = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    fit_on: options.FitOn = None,
    saved_map: options.SavedMap = None,
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
    """Measure calibration: metrics, noise floors and a diagram."""
    _check_output(table, figure, width, json=json, full=full)
    only = chosen_metrics(metrics)
    from calibeval.core.evaluation.evaluate import evaluate_dump
    from calibeval.core.evaluation.settings import checked
    from calibeval.core.report.report import Report, with_distinct_names
    from calibeval.core.sums.resources import Resources
    from calibeval.core.version import VERSION
    from calibeval.readers.open import open_dump
    from calibeval.recalibrate.base.scores import check_clip

    outputs = [] if out is None else [out / name for name in OUTPUTS]
    refuse_overwriting([*dumps, fit_on, saved_map, *flags.files], outputs if figure is None else [*outputs, figure])
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
    check_clip(clip, 2)
    reading = flags.options()
    exclude({"--fit-on": fit_on, "--map": saved_map, "--cross-fit": cross_fit})
    limit = reading.limits.max_memory
    with Progress(quiet=quiet) as progress:

        def evaluate(predictions: Predictions, *, sliced: bool = False) -> DumpReport:
            own = settings if sliced else replace(settings, slices=(), min_rows=None)
            return evaluate_dump(predictions, own, Resources(threads(jobs), limit, progress), only)

        plan = None
        if saved_map is not None:
            plan = _by_saved(saved_map, evaluate, allow_leak=allow_leak)
        elif fit_on is not None or cross_fit is not None:
            from calibeval.recalibrate.fitting.before_after import Plan, recalibrated

            fitted = None if fit_on is None else open_dump(fit_on, reading)
            how = Plan(method, objective, clip, seed, group, fitted, cross_fit, allow_leak)
            plan = partial(recalibrated, plan=how, evaluate=evaluate)
        results = []
        for name in dumps:
            predictions = open_dump(name, reading)
            results.append(_results(predictions, plan, evaluate))
        alone = (out is not None or not (json or table)) and not plan and len(dumps) == 1
        hint = _prospect(predictions, results[0], settings, limit) if alone else ""
    result = Report(VERSION, settings, with_distinct_names(results), environment())
    absent = [name for name in only or () if all(name not in dump.metrics for dump in result.dumps)]
    say([f"warning: there is no {name} here: {unavailable(name)}" for name in absent], quiet=quiet)
    say([f"warning: {dump.name}: {warning}" for dump in result.dumps for warning in dump.warnings], quiet=quiet)
    if out is not None:
        from calibeval.api.save import save_report

        save_report(result, out, png=True, hint=hint)
        say([f"written to {out}"], quiet=quiet)
    if figure is not None:
        _draw(result, figure, width)
        say([f"written to {figure}"], quiet=quiet)
    sys.stdout.write(_shown(result, json, table))
    if hint and not (json or table):
        sys.stdout.write(f"\n{_filled(hint)}\n")
    return 0


def _check_output(table: str | None, figure: Path | None, width: float | None, *, json: bool, full: bool) -> None:
    """Refuse options of the output that cannot go together.

    Raises: UsageError.
    """
    if width is not None and figure is None:
        raise UsageError("--width belongs to --figure")
    if table is not None:
        check_choice("--format", table, TABLES)
    exclude({"--json": json or None, "--format": table, "--full": full or None})


def _by_saved(path: Path, evaluate: Callable[..., DumpReport], *, allow_leak: bool) -> Recalibrate:
    """What makes before and after of a dump by the map in a file."""
    from calibeval.api.save import read_map
    from calibeval.recalibrate.fitting.saved import by_saved_map

    return partial(by_saved_map, found=read_map(path), evaluate=evaluate, allow_leak=allow_leak)


def _results(
    predictions: Predictions,
    plan: Recalibrate | None,
    evaluate: Callable[..., DumpReport],
) -> DumpReport:
    """One dump's results, with those after its map where there is a plan for one; slices are of the dump as it is."""
    before = evaluate(predictions, sliced=True)
    if plan is None:
        return before
    after, warnings = plan(predictions)
    return replace(before, recalibrated=after, warnings=(*before.warnings, *warnings))


def _prospect(predictions: Predictions, report: DumpReport, settings: Settings, limit: int) -> str:
    """The line on what a temperature would do, by calibeval's own bins."""
    if settings.convention != "calibeval" or "ece" not in report.metrics:
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
        from calibeval.api.show import before_and_after

        return renderer(before_and_after(report))
    from calibeval.cli.screen.terminal import screen
    from calibeval.render.terminal.conventions import note
    from calibeval.render.terminal.report import render_report

    view = screen()
    shown = render_report(report, width=view.width, color=view.color, ascii_only=view.ascii_only)
    return shown + note(report, width=view.width, ascii_only=view.ascii_only)


def _draw(report: Report, path: Path, width: float | None) -> None:
    """The reliability diagrams in the format of the suffix."""
    from calibeval.api.show import before_and_after
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import figure_bytes, figure_format, reliability_figure
    from calibeval.writers.atomic import write_file

    kind = figure_format(path.suffix)
    write_file(path, figure_bytes(reliability_figure(before_and_after(report), width_inches=width), kind))
