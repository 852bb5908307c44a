"""`survey`: many dumps with axes in their names, such as corruption and severity, or model and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from calibeval.api.arguments import ARGUMENTS
from calibeval.api.chosen import chosen_metrics
from calibeval.api.dumps import LabelReading, as_class, as_path, as_texts
from calibeval.api.engines import EngineName, with_engine
from calibeval.api.outputs import check_outputs
from calibeval.api.show_survey import survey_files
from calibeval.api.survey_workers import measured
from calibeval.core.conventions.table import OWN
from calibeval.core.data.arguments import path, text, texts
from calibeval.core.data.progress import Progress
from calibeval.core.data.public import public
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.settings import checked, stamped
from calibeval.core.survey.changes import over_cells
from calibeval.core.survey.means import means_of
from calibeval.core.survey.ranking import models_of, ranking_of
from calibeval.core.survey.rows import Units
from calibeval.core.survey.survey import Survey
from calibeval.core.survey.together import Kept, Together, sharing
from calibeval.core.survey.told import told_once
from calibeval.core.version import VERSION
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.said import options_of
from calibeval.readers.stored.place import as_name
from calibeval.runs.surveying.find import found_by, in_blocks, with_labels
from calibeval.runs.surveying.index import found_in
from calibeval.runs.surveying.measure import How, Task
from calibeval.runs.surveying.planned import Plan, planned
from calibeval.runs.surveying.references import fitted_on, references_of
from calibeval.runs.surveying.repair import FOLDS, Fitting
from calibeval.writers.atomic import make_folder, write_file


def patterns_argument(name: str, value: Any) -> Any:
    """A pattern, or several."""
    return value if isinstance(value, PathLike) else text(name, value) if isinstance(value, str) else texts(name, value)


OWN_ARGUMENTS = ARGUMENTS | {
    "patterns": patterns_argument,
    "index": path,
    "blocks": text,
    "reference": path,
    "fit_on": path,
    "rank": text,
}


@public(OWN_ARGUMENTS, LabelReading.__annotations__)
@with_engine
def survey(
    patterns: str | PathLike[str] | Sequence[str] = (),
    *,
    index: str | PathLike[str] | None = None,
    blocks: str | None = None,
    reference: str | PathLike[str] | None = None,
    metrics: str | Sequence[str] | None = None,
    bins: int | None = None,
    convention: str = OWN,
    level: float | None = 0.95,
    group: str | None = None,
    positive: str | int | None = None,
    fit_on: str | PathLike[str] | None = None,
    rank: str | None = None,
    method: str = "temperature",
    objective: str = "nll",
    clip: float | None = None,
    seed: int = 0,
    allow_leak: bool = False,
    jobs: int = 1,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[LabelReading],
) -> Survey:
    """Measure many dumps whose names have axes: a table of cells, and means over axes.

    patterns: paths with an axis in each pair of braces, "preds/{model}/{corruption}_{severity}.npz", also behind #:
    "shift.npz#{corruption}_{severity}". {axis:int} is a whole number, {axis:word} has no underscore, and {axis:A|B} is
    A or B. index: a table in CSV instead, with a path (relative to it) and the axes in each row.
    blocks: "severity=5": each dump holds five blocks of equal size, one after the other, which are an axis, too; a file
    of labels may hold those of one block. labels: may have axes in its name, "labels/{task}.npy".
    reference: "severity=0", the cells with which those of the same other axes are compared (or else the one there is),
    or a dump, perhaps with axes in its name, "clean/{model}.npz".
    metrics, bins, convention, level, group, positive: as for `evaluate`; group is a column's name.
    fit_on: "severity=0", or a dump, perhaps one for each model, "val/{model}.npz": a map is fitted on it, and cells are
    measured before and after. Rows on whose clean version it is fitted are mapped by a fit on other rows. method,
    objective, clip, seed, allow_leak: as for `evaluate`.
    rank: the axis of models that are ranked by their NLL after the map, or without fit_on after a temperature that is
    fitted on other rows of each cell; None: with fit_on, one that is named model, method, network and the like.
    jobs: number of processes; results do not depend on it. engine: "dask" and the like measure cells on workers.
    max_memory, progress, reading: as for `evaluate`.
    Returns: a Survey. A cell whose dump cannot be read has an `error`; the others are measured.
    Raises: UsageError for patterns and settings that cannot work; InputError for names that can be read in several
    ways, or two dumps in one cell; FileProblem if nothing matches.
    """
    named = [str(patterns)] if isinstance(patterns, str | PathLike) else list(as_texts(patterns))
    settings = checked(
        bins=bins,
        convention=convention,
        images=False,
        level=level,
        slices=(),
        min_rows=None,
        group=group,
        positive=as_class(positive),
    )
    options = options_of(max_memory=max_memory, positive=positive, **reading)
    plan = planned_cells(named, None if index is None else as_path(index), blocks, options)
    fitting = None if fit_on is None else Fitting(method, objective, clip, seed, allow_leak)
    how = How(options, settings, chosen_metrics(metrics), fitting)
    named_reference, named_fit = (None if one is None else str(one) for one in (reference, fit_on))
    return surveyed(plan, how, jobs, engine, progress, reference=named_reference, fit_on=named_fit, rank=rank)


def planned_cells(patterns: Sequence[str], index: Path | None, blocks: str | None, options: ReadOptions) -> Plan:
    """The cells that patterns or a table name. Raises: as `survey`."""
    if bool(patterns) == (index is not None):
        raise UsageError(
            "give patterns, such as 'preds/{model}.npz', or --index FILE, "
            + ("not both" if patterns else "at least one")
        )
    found, beside = (found_in(index), []) if index is not None else found_by(patterns, options)
    if options.labels is not None:
        found = with_labels(found, as_name(options.labels))
    if blocks is not None:
        axis, _, count = blocks.partition("=")
        if not axis.isidentifier() or not count.isdecimal() or not 2 <= int(count) <= 10_000:
            raise UsageError(f'--blocks is "{blocks}", but AXIS=N is needed, such as severity=5')
        found = in_blocks(found, axis, int(count))
    return planned(found, beside, " ".join(patterns) or str(index))


def save_survey(found: Survey, folder: str | PathLike[str], metric: str = "ece") -> Path:
    """Write the files of a survey; survey.json is last, so that its presence means that the others are complete.

    metric: of the page.
    Raises: UsageError if one of them is also an input; FileProblem if they cannot be written.
    """
    from calibeval.render.tables.survey_rows import cell_columns, cells_csv, means_csv
    from calibeval.writers.parquet import parquet_bytes

    files = {"cells.csv": _encoded(cells_csv(found)), "means.csv": _encoded(means_csv(found))}
    files |= survey_files(found, metric)
    parquet = parquet_bytes(cell_columns(found))
    files |= {} if parquet is None else {"cells.parquet": parquet}
    files["survey.json"] = found.to_json().encode()
    sources = [cell.source for cell in found.cells if cell.source is not None]
    place = as_path(folder, "folder")
    check_outputs(
        [place / name for name in files], [one for source in sources for one in (source.path, source.labels_path)]
    )
    make_folder(place)
    for name, content in files.items():
        write_file(place / name, content)
    return place


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def surveyed(
    plan: Plan,
    how: How,
    jobs: int,
    engine: Any,
    progress: Progress | None,
    *,
    reference: str | None = None,
    fit_on: str | None = None,
    rank: str | None = None,
) -> Survey:
    """The survey of planned cells. reference, fit_on: AXIS=VALUE or a dump, as it was named. Raises: UsageError."""
    references, maps = references_of(plan, reference, how), fitted_on(plan, fit_on)
    models = models_of(plan.axes, rank, mapped=fit_on is not None, level=how.settings.level)
    if models is not None and fit_on is None:
        how = replace(how, fitting=Fitting(), crossed=True)
    tasks = [Task(cell, how, *own) for cell, *own in zip(plan.cells, references, maps, strict=True)]
    order = sorted(range(len(tasks)), key=lambda i: [one.name if one else "" for one in (maps[i], references[i])])
    found = measured([tasks[i] for i in order], jobs, engine, progress)
    names: dict[str, Units] = {}
    bases: dict[str, Kept | None] = {}  # each once, whatever process measured it
    by_place = {}
    for i, one in zip(order, found, strict=True):
        own = references[i]
        base = None if own is None else bases.setdefault(own.name, sharing(one.base, names))
        by_place[i] = replace(one, kept=sharing(one.kept, names), base=base)
    every = [by_place[i] for i in range(len(tasks))]
    cells = tuple(one.cell for one in every)
    level = how.settings.level
    together = None if level is None else Together([one.kept for one in every], level, [one.base for one in every])
    compared = [] if reference is None else [one.change for one in every]
    changes = [one for one in compared if one is not None]
    return Survey(
        VERSION,
        stamped(how.settings, *(cell.warnings for cell in cells)),
        plan.axes,
        cells,
        means_of(plan.axes, cells, together, compared),
        None if reference is None else over_cells(changes),
        reference,
        fit_on,
        None if how.fitting is None else how.fitting.method,
        None
        if models is None or level is None
        else ranking_of(plan.axes, models, cells, [one.kept for one in every], level, FOLDS if how.crossed else None),
        beside=plan.beside,
        warnings=told_once([one.notes for one in every], len(cells)),
    )
