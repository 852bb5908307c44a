"""The output of a survey: cells with their metrics, means over axes and changes, with an exact JSON round trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from calibeval.core.comparison.difference import Difference
from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.from_json import metric_results
from calibeval.core.report.rows import Bin
from calibeval.core.report.settings import Settings
from calibeval.core.survey.axes import Axis, Point, read_point
from calibeval.core.survey.ranks import Ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCHEMA = "calibeval.survey/1"


@dataclass(frozen=True, slots=True)
class Cell(MetricLookup[MetricResult]):
    """One dump of a survey: its place on the axes and its metrics, as in a report; `cell["ece"]` is one of them.

    n, k: the number of rows and of classes; k is also None if only the top label is known. bins: equal-width bins.
    after: the metrics after a map; None without one. temperature: the temperature that this dump itself would want,
    above 1 if it is over-confident; None if there is none. error: why the cell could not be measured, or else None;
    then there are no metrics.
    source: the file, with its SHA-256.
    """

    LAYOUT: ClassVar = Layout(
        read={
            "axes": read_point,
            "metrics": metric_results,
            "after": lambda place: None if place.value is None else metric_results(place),
        },
        open=True,
    )

    axes: Point
    name: str
    n: int | None
    k: int | None
    metrics: Mapping[str, MetricResult]
    after: Mapping[str, MetricResult] | None = None
    temperature: float | None = None
    error: Notice | None = None
    bins: tuple[Bin, ...] | None = None
    source: Source | None = None
    warnings: tuple[Notice, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether there are numbers."""
        return self.error is None

    def by_name(self) -> Mapping[str, MetricResult]:
        """The metrics by their names."""
        return self.metrics

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this cell."""
        source = None if self.source is None else to_plain(self.source, *self.source.HELD)
        return {**to_plain(self, "source"), "source": source}


@dataclass(frozen=True, slots=True)
class MeanResult:
    """The mean of a metric over cells, each of which weighs the same; of a temperature, the geometric mean.

    low, high: the interval of the mean of the true values. least, most: the smallest and the largest value of a cell.
    reason: why the value or the interval is missing, or what kind of interval it is.
    """

    name: str
    value: float | None
    reason: Notice | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this mean, without its name."""
        return to_plain(self, "name")


@dataclass(frozen=True, slots=True)
class Mean(MetricLookup[MeanResult]):
    """Means over some axes; `mean["ece"]` is one of them.

    axes: the values of the others. over: the names of those axes. cells: how many there are.

    after: means of the metrics after a map; None without one. changes: mean differences from the references, over the
    cells that have one; None without.
    """

    LAYOUT: ClassVar = Layout(read={"axes": read_point}, open=True)

    axes: Point
    over: tuple[str, ...]
    cells: int
    metrics: Mapping[str, MeanResult]
    after: Mapping[str, MeanResult] | None = None
    changes: Mapping[str, MeanResult] | None = None

    def by_name(self) -> Mapping[str, MeanResult]:
        """The means by the names of their metrics."""
        return self.metrics


@dataclass(frozen=True, slots=True)
class Change:
    """One cell compared with its reference: the differences, cell minus reference.

    p_holm of a difference: p after Holm's correction over the cells. paired_by: "id" or "position"; None if the two
    hold different rows. error: why there are no differences; else None.
    """

    LAYOUT: ClassVar = Layout(read={"axes": read_point}, open=True)

    axes: Point
    reference: str
    differences: Mapping[str, Difference]
    paired_by: Literal["id", "position"] | None = None
    error: Notice | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this change."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class Survey:
    """Many dumps with axes, such as corruption and severity, or model and epoch.

    `survey.cell(corruption="fog", severity=3)["ece"]` is a metric of one cell, `survey.table()` a pandas table of all
    cells, and `print(survey)` prints what the command line prints. `Survey.from_json(s.to_json()) == s` holds exactly.

    axes: in the order of the pattern. cells: in the order of the axes. means: over each set of axes. changes: from the
    reference, cell by cell; None without one. reference: as it was named. fitted_on: what maps are fitted on, and
    method: of the maps; None without maps. ranking: of the models of an axis; None without one. beside: names beside
    the cells that the pattern did not match.
    """

    LAYOUT: ClassVar = Layout(open=True)

    version: str
    settings: Settings
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    means: tuple[Mean, ...]
    changes: tuple[Change, ...] | None = None
    reference: str | None = None
    fitted_on: str | None = None
    method: str | None = None
    ranking: Ranking | None = None
    beside: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    environment: Environment | None = None

    @property
    def measured(self) -> tuple[Cell, ...]:
        """The cells that have numbers."""
        return tuple(cell for cell in self.cells if cell.measured)

    @property
    def failed(self) -> tuple[Cell, ...]:
        """The cells that could not be measured."""
        return tuple(cell for cell in self.cells if not cell.measured)

    def axis(self, name: str) -> Axis:
        """The axis of that name. Raises: UsageError with the nearest name."""
        found: Axis = elsewhere("calibeval.core.survey.choice", "axis_named")(self.axes, name)
        return found

    def cell(self, **axes: Any) -> Cell:
        """The cell with these values. Raises: UsageError if there is none, or more than one."""
        found: Cell = elsewhere("calibeval.core.survey.choice", "one_cell")(self, axes)
        return found

    def mean(self, *over: str, **axes: Any) -> Mean:
        """The means over these axes at these values of the others. Raises: UsageError if there are none."""
        found: Mean = elsewhere("calibeval.core.survey.choice", "one_mean")(self, over, axes)
        return found

    def __repr__(self) -> str:
        """One short line: the axes and the number of cells."""
        axes = " × ".join(f"{axis.name} ({len(axis.values)})" for axis in self.axes)
        return f"<Survey of {len(self.cells)} cells: {axes}>"

    def __str__(self) -> str:
        """What `calibeval survey` prints, 100 columns wide and without colours, with the warnings at the end."""
        shown: str = elsewhere("calibeval.api.show_survey", "survey_text")(self)
        return shown

    def table(self) -> DataFrame:
        """The cells as a pandas table: a row each, with axes, metrics, intervals and floors; values are fractions."""
        frame: DataFrame = elsewhere("calibeval.render.tables.survey_frame", "cells_frame")(self)
        return frame

    def figure(self, *, width: float | None = None, of: str = "along", metric: str = "ece") -> Figure:
        """Metrics along an axis of numbers, with boxes over the others, as a matplotlib figure.

        width: in inches; None: 3.5 for one diagram, 7 for several. of: also "models", those of a ranking. metric: the
        first one.
        Raises: InputError where there is nothing to draw.
        """
        made: Figure = elsewhere("calibeval.api.show_survey", "survey_figure")(self, of, metric, width)
        return made

    def save(self, folder: str | PurePath) -> Path:
        """Write survey.json, the page, its figures, cells.csv, means.csv, and cells.parquet where pyarrow is installed.

        Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.survey", "save_survey")(self, folder)
        return made

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the whole survey."""
        return {"schema": SCHEMA, **to_plain(self), "settings": self.settings.to_dict()}

    def to_json(self) -> str:
        """The survey as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Survey:
        """The survey that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is not a survey of this schema, naming the first invalid field.
        """
        return read_document(text, SCHEMA, "survey", lambda whole: read_record(whole, cls))
