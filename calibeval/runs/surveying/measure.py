"""One cell of a survey, measured as `report` measures a dump, and compared as `compare` compares two."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.comparison import Candidate
from calibeval.core.comparison.matched import compared, unpaired
from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import CalibevalError, FileProblem, InputError, UsageError
from calibeval.core.evaluation.evaluate import measured_dump
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import Resources
from calibeval.core.survey.axes import Point
from calibeval.core.survey.survey import Cell, Change
from calibeval.core.survey.together import Kept
from calibeval.core.version import VERSION
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_input, open_labels, predictions_of, split_name
from calibeval.readers.opened import Opened
from calibeval.readers.stored.place import Place, place_of
from calibeval.recalibrate.fitting.before_after import with_fitted_gap
from calibeval.runs.surveying.blocks import for_every_block, part_of
from calibeval.runs.surveying.planned import Block, Found, Planned
from calibeval.runs.surveying.repair import FOLDS, FittedOn, Fitting

TEMPERATURE = "temperature"
NOT_PAIRED = "rows are not paired with those of the reference"


@dataclass(frozen=True, slots=True)
class How:
    """How cells are read and measured. only: limits the metrics to these.

    fitting: how maps are fitted; None without maps. crossed: whether each cell has maps of its own, each fitted on
    other rows; a cell on which none can be fitted has no numbers after it. run: which survey it is: what is kept for
    its cells is not used for those of another, as files may change.
    """

    reading: ReadOptions
    settings: Settings
    only: tuple[str, ...] | None
    fitting: Fitting | None = None
    crossed: bool = False
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def resources(self) -> Resources:
        """One thread, and the memory of the reading."""
        return Resources(1, self.reading.limits.max_memory)


@dataclass(frozen=True, slots=True)
class Task:
    """A cell to measure. reference: the dump it is compared with; fit_on: the dump of its map; None: none."""

    cell: Planned
    how: How
    reference: Found | None = None
    fit_on: Found | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured of a cell. kept: of its rows; None if it could not be measured. change: from its reference.
    base: what is kept of the rows of the reference.

    notes: what the survey tells once for all cells.
    """

    cell: Cell
    kept: Kept | None = None
    change: Change | None = None
    base: Kept | None = None
    notes: tuple[Notice, ...] = ()


class Side(NamedTuple):
    """A dump with its results."""

    report: DumpReport
    measured: Measurement


def measure(task: Task) -> Measured:
    """The results of a cell; what is wrong with its dump is told in it."""
    try:
        return _measured(task)
    except UsageError:
        raise
    except (CalibevalError, OSError) as error:
        point, found = task.cell.point, task.cell.found
        cell = Cell(point, found.name, None, None, {}, error=told(error, found))
        return Measured(cell)


def told(error: CalibevalError | OSError, found: Found) -> Notice:
    """An error as a notice with its kind."""
    if isinstance(error, CalibevalError):
        return Notice(str(error), "file" if isinstance(error, FileProblem) else "input")
    return Notice(f"{found.name}: {error.strerror or error}", "file")


def opened(found: Found, how: How) -> Predictions:
    """The dump of a cell, or its block.

    Raises: as the readers; InputError for rows that make no equal blocks, or for a dump that is not there.
    """
    if found.lacking is not None:
        raise InputError(found.lacking)
    if found.block is None:
        return _whole(found, how)
    return part_of(_in_blocks(replace(found, block=Block(0, found.block.count)), how), found.block, found.name)


@functools.lru_cache(maxsize=1)
def _in_blocks(found: Found, how: How) -> Predictions:
    """The dump of several blocks, which is unpacked once."""
    return _whole(found, how)


def _whole(found: Found, how: How) -> Predictions:
    path, split = split_name(found.dump)
    file, labels = _file(path, how), None if found.labels is None else _labels(found.labels, how)
    if labels is not None and found.block is not None:
        labels = for_every_block(labels, file, found.block.count)
    return predictions_of(file, labels, split, how.reading)


@functools.lru_cache(maxsize=2)
def _labels(name: str, how: How) -> Opened | None:
    """The file of labels of several cells, which is opened and hashed once."""
    return open_labels(replace(how.reading, labels=place_of(name)))


@functools.lru_cache(maxsize=2)
def _file(path: Place, how: How) -> Opened:
    """The file of several cells, which is opened and hashed once."""
    reading = how.reading
    return open_input(
        path, reading.limits, read_as=reading.read_as, decimal=reading.decimal, alone=reading.alone, logs=reading.logs
    )


def forget() -> None:
    """Let go of all that was kept for the cells of a survey."""
    for kept in (_file, _labels, _in_blocks, _reference, _kept_of_reference, _fitted):
        kept.cache_clear()


def _side(found: Found, how: How) -> Side:
    return Side(*_results(opened(found, how), how))


def _results(dump: Predictions, how: How) -> tuple[DumpReport, Measurement]:
    return measured_dump(dump, how.settings, how.resources, _with_temperature(how.only), keep_rows=True)


@functools.lru_cache(maxsize=1)
def _reference(found: Found, how: How) -> Side | Notice:
    """The reference of several cells, read and measured once, or why it cannot be."""
    try:
        return _side(found, how)
    except UsageError:
        raise
    except (CalibevalError, OSError) as error:
        return told(error, found)


@functools.lru_cache(maxsize=1)
def _kept_of_reference(found: Found, how: How) -> Kept | None:
    side = _reference(found, how)
    return None if isinstance(side, Notice) else _kept(side, None, how)


def _measured(task: Task) -> Measured:
    how, found = task.how, task.cell.found
    side = _side(found, how)
    change, notes = _change(task.cell.point, side, task.reference, how)
    base = None if task.reference is None else _kept_of_reference(task.reference, how)
    after, told_after = _after(side, task, how)
    report = side.report
    own = report.metrics.get(TEMPERATURE)
    cell = Cell(
        task.cell.point,
        found.name,
        report.n,
        report.k,
        _chosen(report, how),
        None if after is None else _chosen(after.report, how),
        temperature=None if own is None else own.value,
        bins=report.equal_width,
        source=replace(report.source, title=None),
        warnings=report.warnings,
    )
    return Measured(cell, _kept(side, after, how), change, base, (*notes, *told_after))


def _chosen(report: DumpReport, how: How) -> dict[str, MetricResult]:
    return {name: one for name, one in report.metrics.items() if how.only is None or name in how.only}


def _kept(side: Side, after: Side | None, how: How) -> Kept | None:
    own, mapped = side.measured, None if after is None else after.measured.sums.rows
    return Kept.of(own.predictions, own.sums.rows, how.settings.group, mapped)


def _after(side: Side, task: Task, how: How) -> tuple[Side | None, tuple[Notice, ...]]:
    """The dump after its map, and what is told of it. Raises: InputError for a dump without a map, and for leaks."""
    found = task.fit_on
    if how.crossed and how.fitting is not None:
        return _crossed(side, how, how.fitting), ()
    if found is None or how.fitting is None:
        return None, ()
    fitted = _fitted(found, how)
    if isinstance(fitted, Notice):
        raise InputError(f"no map was fitted: {fitted}")
    repaired = fitted.applied(side.measured.predictions)
    after = Side(*_results(repaired.predictions, how))
    if (found.dump, found.block) == (task.cell.found.dump, task.cell.found.block):
        after = after._replace(report=with_fitted_gap(after.report, FOLDS))
    return after, repaired.notes


def _crossed(side: Side, how: How, fitting: Fitting) -> Side | None:
    """The dump after maps of its own rows, out of fold; None if none can be fitted, or nothing measured after it."""
    dump = side.measured.predictions
    try:
        after = Side(*_results(FittedOn(dump, fitting).applied(dump).predictions, how))
    except CalibevalError:
        return None
    return after._replace(report=with_fitted_gap(after.report, FOLDS))


@functools.lru_cache(maxsize=2)
def _fitted(found: Found, how: How) -> FittedOn | Notice:
    """The dump on which the maps of several cells are fitted, or why it cannot be read."""
    try:
        return FittedOn(opened(found, how), how.fitting or Fitting())
    except UsageError:
        raise
    except (CalibevalError, OSError) as error:
        return told(error, found)


def _change(point: Point, side: Side, found: Found | None, how: How) -> tuple[Change | None, tuple[Notice, ...]]:
    """The differences from the reference, and what all cells share in saying."""
    if found is None:
        return None, ()
    base = _reference(found, how)
    if isinstance(base, Notice):
        return Change(point, found.name, {}, None, base), ()
    try:
        told, notes = _compared(base, side, how)
    except InputError as error:
        return Change(point, found.name, {}, None, Notice(str(error), "input")), ()
    return Change(point, found.name, told.differences, told.paired_by), notes


def _compared(base: Side, side: Side, how: How) -> tuple[Candidate, tuple[Notice, ...]]:
    """The differences of paired rows; where rows cannot be paired, as of different rows, and why."""
    ours, theirs = base.measured, side.measured
    level = how.settings.level or 0.95
    try:
        pairing = pair_rows(ours.predictions, theirs.predictions)
    except InputError as error:
        saved = Baseline.of(Report(VERSION, how.settings, (base.report,)), how.settings.bins)
        text = f"{NOT_PAIRED}, so intervals of changes are those of different rows: {error}"
        return unpaired(saved, theirs, level, how.only), (Notice(text, "unpaired"),)
    both = (ours.predictions, ours.sums), (theirs.predictions, theirs.sums)
    found = compared(*both, pairing, how.settings, how.resources, level, how.only)
    return found, tuple(one for one in pairing.warnings if one.code == "sorted_labels")


def _with_temperature(only: Collection[str] | None) -> Collection[str] | None:
    """These metrics and the temperature."""
    return None if only is None else dict.fromkeys((*only, TEMPERATURE))
