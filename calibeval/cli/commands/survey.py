"""`calibeval survey`: many dumps whose names have axes, measured cell by cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from calibeval.cli.options import figures
from calibeval.cli.options import shared as options
from calibeval.cli.options import survey as survey_options
from calibeval.cli.options.choices import LEVEL, exclude, table_format
from calibeval.cli.options.fitting import Fitting
from calibeval.cli.options.outputs import JSON, check_folder
from calibeval.cli.options.outputs import TABLES as FILE_TABLES
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_engine_flags
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.progress import Progress
from calibeval.cli.screen.streams import put
from calibeval.core.conventions.table import OWN
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.core.survey.survey import Survey

OUTPUTS = ("cells.csv", "means.csv", "cells.parquet", "along.svg", "models.svg", "survey.html", "survey.json")
INVALID_INPUT = 3


@with_engine_flags
def survey(
    patterns: survey_options.Patterns = None,
    index: survey_options.Index = None,
    blocks: survey_options.Blocks = None,
    reference: survey_options.Reference = None,
    json: options.Json = False,
    out: survey_options.SurveyOut = None,
    figure: figures.Figure = None,
    width: figures.Width = None,
    full: survey_options.SurveyFull = False,
    table: survey_options.SurveyFormat = None,
    metric: survey_options.Metric = "ece",
    rows: survey_options.Rows = None,
    columns: survey_options.Columns = None,
    metrics: options.Metrics = None,
    bins: options.Bins = None,
    convention: options.Convention = OWN,
    level: options.Level = None,
    no_intervals: options.NoIntervals = False,
    group: options.Group = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    fit_on: options.FitOn = None,
    rank: survey_options.Rank = None,
    method: options.Method = None,
    objective: options.Objective = None,
    clip: options.Clip = None,
    seed: options.Seed = None,
    allow_leak: options.AllowLeak = False,
    jobs: survey_options.Processes = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Measure many dumps along axes: corruptions, models, seeds."""
    table = table_format(table, ("csv",))
    exclude({"--json": json or None, "--format": table, "--full": full or None})
    exclude({"--level": level, "--no-intervals": no_intervals or None})
    if width is not None and figure is None:
        raise UsageError("--width belongs to --figure")
    maps = Fitting(
        method=method, objective=objective, clip=clip, seed=seed, group=None, fit_on=fit_on, allow_leak=allow_leak
    )
    maps.check()
    from calibeval.api.chosen import chosen_metrics
    from calibeval.api.show_survey import check_figure, survey_drawn
    from calibeval.api.survey import planned_cells, save_survey, surveyed
    from calibeval.core.evaluation.settings import checked
    from calibeval.core.metrics.table import metric_named
    from calibeval.core.survey.pivot import chosen_axes
    from calibeval.runs.surveying.measure import How
    from calibeval.runs.surveying.repair import Fitting as MapFitting
    from calibeval.writers.atomic import write_file

    only, shown = chosen_metrics(metrics), metric_named(metric).name
    shown = only[0] if only is not None and shown not in only else shown
    check_folder(out, {**JSON, **FILE_TABLES})
    settings = checked(
        bins=bins,
        convention=convention,
        images=False,
        level=None if no_intervals else LEVEL if level is None else level,
        group=group,
        positive=flags.positive,
    )
    reading = flags.options()
    reading = replace(reading, limits=replace(reading.limits, engine=None))  # workers measure whole cells
    plan = planned_cells(patterns or (), index, blocks, reading)
    files = [cell.found.dump for cell in plan.cells]
    refuse_overwriting(
        [*files, index, reference, fit_on, *flags.files],
        [*([] if out is None else [out / name for name in OUTPUTS]), *([] if figure is None else [figure])],
    )
    if figure is not None:
        check_figure(figure, width)
    chosen_axes(plan.axes, rows, columns)
    plan_of_maps = maps.plan()
    fitting = MapFitting(
        plan_of_maps.method, plan_of_maps.objective, plan_of_maps.clip, plan_of_maps.seed, plan_of_maps.allow_leak
    )
    how = How(reading, settings, only, None if fit_on is None else fitting)
    with Progress(quiet=quiet, unit="cells") as progress:
        found = surveyed(
            plan, how, threads(jobs), flags.running, progress, reference=reference, fit_on=fit_on, rank=rank
        )
    found = replace(found, environment=environment())
    say([f"warning: {one}" for one in found.warnings], quiet=quiet)
    if out is not None:
        save_survey(found, out, shown)
        say([f"written to {out}"], quiet=quiet)
    if figure is not None:
        write_file(figure, survey_drawn(found, figure.suffix, shown, width))
    put(_shown(found, table, shown, (rows, columns), json=json, full=full))
    lost = [one for one in found.changes or () if one.error is not None]
    return INVALID_INPUT if found.failed or lost else 0


def _shown(
    found: Survey, table: str | None, metric: str, axes: tuple[str | None, str | None], *, json: bool, full: bool
) -> str:
    """The survey in the format for standard output."""
    if json:
        return found.to_json()
    if table is not None:
        from calibeval.render.tables.survey_rows import cells_csv

        return cells_csv(found)
    from calibeval.cli.screen.terminal import screen
    from calibeval.render.terminal.survey import render

    view = screen()
    return render(found, metric, *axes, width=view.width, color=view.color, ascii_only=view.ascii_only, full=full)
