"""One cell of a survey, measured as `report` measures a dump."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.data.amended import titled
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import CalibevalError, FileProblem, InputError, UsageError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import Resources
from calibeval.core.survey.axes import Point
from calibeval.core.survey.survey import Cell
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_input, open_labels, predictions_of, split_name
from calibeval.readers.opened import Opened
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.runs.surveying.planned import Block, Found, Planned

TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True)
class How:
    """How cells are read and measured. only: limits the metrics to these. jobs: threads. memory: see Resources."""

    reading: ReadOptions
    settings: Settings
    only: tuple[str, ...] | None
    jobs: int = 1
    memory: int | None = None

    @property
    def resources(self) -> Resources:
        """Threads and memory."""
        return Resources(self.jobs, self.memory)


@dataclass(frozen=True, slots=True)
class Task:
    """A cell to measure."""

    cell: Planned
    how: How


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured of a cell."""

    cell: Cell


def measure(task: Task) -> Measured:
    """The results of a cell; what is wrong with its dump is told in it."""
    point, found = task.cell.point, task.cell.found
    try:
        return _measured(task)
    except UsageError:
        raise
    except CalibevalError as error:
        return Measured(failed(point, found, error))
    except OSError as error:
        return Measured(failed(point, found, FileProblem(f"{found.name}: {error.strerror or error}")))


def failed(point: Point, found: Found, error: CalibevalError) -> Cell:
    """A cell that could not be measured."""
    kind = "file" if isinstance(error, FileProblem) else "input"
    return Cell(point, found.name, None, None, {}, error=Notice(str(error), kind))


def opened(found: Found, reading: ReadOptions) -> Predictions:
    """The dump of a cell, or its block. Raises: as the readers; InputError for rows that make no equal blocks."""
    path, split = split_name(found.dump)
    file = _file(path, reading.limits, reading.read_as, reading.decimal)
    whole = predictions_of(file, open_labels(reading), split, reading)
    return whole if found.block is None else part_of(whole, found.block, found.name)


@functools.lru_cache(maxsize=2)
def _file(path: Place, limits: Limits, read_as: str | None, decimal: str | None) -> Opened:
    """The file of several cells, which is opened and hashed once."""
    return open_input(path, limits, read_as=read_as, decimal=decimal)


def part_of(whole: Predictions, block: Block, name: str) -> Predictions:
    """One block of a dump. Raises: InputError for rows that make no equal blocks."""
    units = whole.layout[0]
    if units % block.count:
        what = "rows" if len(whole.layout) == 1 else "images"
        raise InputError(
            f"{whole.source.name}: {units:,} {what} cannot be cut into {block.count} equal blocks (--blocks)"
        )
    size = whole.rows // block.count
    return titled(whole.select(np.arange(block.index * size, (block.index + 1) * size)), name)


def _measured(task: Task) -> Measured:
    how = task.how
    dump = opened(task.cell.found, how.reading)
    report = evaluate_dump(dump, how.settings, how.resources, _with_temperature(how.only))
    own = report.metrics.get(TEMPERATURE)
    metrics = {name: one for name, one in report.metrics.items() if how.only is None or name in how.only}
    cell = Cell(
        task.cell.point,
        task.cell.found.name,
        report.n,
        report.k,
        metrics,
        temperature=None if own is None else own.value,
        bins=report.equal_width,
        source=replace(report.source, title=None),
        warnings=report.warnings,
    )
    return Measured(cell)


def _with_temperature(only: Collection[str] | None) -> Collection[str] | None:
    """These metrics and the temperature."""
    return None if only is None else dict.fromkeys((*only, TEMPERATURE))
