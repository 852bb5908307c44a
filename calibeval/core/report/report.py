"""The output of every evaluation: numbers with their uncertainty, bins, classes; exact JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from calibeval.core.data.distinct_names import distinct_names
from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.lookup import Lookup
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.from_json import metric_results, parameters
from calibeval.core.report.possible import check_report
from calibeval.core.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCHEMA = "calibeval.report/1"
BIN_FIELDS = {"equal_width": "bins", "equal_mass": "bins"}
READING = dict.fromkeys(("kind", "n", "k", "ignored"), "source")  # how a dump was read stands beside where it lies


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a bin table; gap is confidence - accuracy; empty bins have None."""

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class: rows that carry its label, its calibration error, mean probability - frequency."""

    name: str
    support: int
    calibration_error: float
    gap: float


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """The results of a dump after a map was applied to it.

    method, parameters: of the map; parameters is empty where every fold had its own.
    fitted_on: another dump, or the folds of the same. metrics, equal_width, equal_mass: as in DumpReport.
    """

    LAYOUT: ClassVar = Layout(inside=BIN_FIELDS, read={"parameters": parameters, "metrics": metric_results}, open=True)

    method: str
    parameters: Mapping[str, Any]
    fitted_on: FittedOn | OutOfFold
    metrics: Mapping[str, MetricResult]
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...] | None

    @property
    def name(self) -> str:
        """The map in a few words: "T = 2.58", "isotonic", "temperature, 5 folds"."""
        if self.method == "temperature" and "temperature" in self.parameters:
            return f"T = {self.parameters['temperature']:.3g}"
        folds = f", {self.fitted_on.folds} folds" if isinstance(self.fitted_on, OutOfFold) else ""
        return f"{self.method}{folds}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these results."""
        return {
            "method": self.method,
            "parameters": dict(self.parameters),
            "fitted_on": to_plain(self.fitted_on),
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "bins": _bins_to_dict(self.equal_width, self.equal_mass),
        }


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The rows that share one value of a column, measured as if they were a dump of their own.

    metrics: without noise floors where `column` is the true class, and then there is no p either: rows chosen by their
    label are not calibrated within themselves, however good the model.
    p: probability that calibrated rows show so large an ECE. p_holm: the same after Holm's correction over the slices
    of this column; below 0.05 the slice is miscalibrated beyond what the choice among slices explains.
    """

    LAYOUT: ClassVar = Layout(read={"metrics": metric_results})

    column: str
    value: str
    n: int
    metrics: Mapping[str, MetricResult]
    p: float | None
    p_holm: float | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this slice."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class SmallSlice:
    """A slice with too few rows to be measured."""

    column: str
    value: str
    n: int


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The units that are independent where rows are not: values of a column, or images where column is None."""

    column: str | None
    count: int


@dataclass(frozen=True, slots=True)
class DumpReport(Lookup[MetricResult]):
    """The results of one dump; `dump["ece"]` is a metric of it, and `dump.items()` are all.

    kind, n, k, ignored: how the dump was read; k is None where only the top label is known.
    equal_width, equal_mass: bin tables; equal_mass is None where confidences were not kept.
    slices, small_slices: those of each column together, worst first; None where no slices were asked for.
    groups: what intervals and floors take for independent; None where it is the rows.
    """

    LAYOUT: ClassVar = Layout(inside=READING | BIN_FIELDS, read={"metrics": metric_results}, open=True)

    source: Source
    kind: str
    n: int
    k: int | None
    ignored: int
    metrics: Mapping[str, MetricResult]
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...] | None
    per_class: tuple[ClassResult, ...]
    warnings: tuple[Notice, ...] = ()
    name: str = ""
    recalibrated: Recalibrated | None = None
    slices: tuple[SliceResult, ...] | None = None
    small_slices: tuple[SmallSlice, ...] | None = None
    groups: GroupCount | None = None

    def after(self) -> DumpReport | None:
        """The dump after its map, as a dump of its own; None without a map."""
        again = self.recalibrated
        if again is None:
            return None
        return replace(
            self,
            metrics=again.metrics,
            equal_width=again.equal_width,
            equal_mass=again.equal_mass,
            per_class=(),
            name=f"{self.name}, {again.name}",
            recalibrated=None,
            slices=None,
            small_slices=None,
        )

    def by_name(self) -> Mapping[str, MetricResult]:
        """The metrics by their names."""
        return self.metrics

    def __repr__(self) -> str:
        """One short line: the name, rows, classes, and which metrics there are."""
        return f"<DumpReport of {self.name or 'predictions'}: n={self.n}, k={self.k}; {', '.join(self.metrics)}>"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dump."""
        reading = {"kind": self.kind, "n": self.n, "k": self.k, "ignored": self.ignored}
        return {
            "name": self.name,
            "source": {**to_plain(self.source), **reading},
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "bins": _bins_to_dict(self.equal_width, self.equal_mass),
            "per_class": [to_plain(one) for one in self.per_class],
            "recalibrated": None if self.recalibrated is None else self.recalibrated.to_dict(),
            "warnings": [one.to_dict() for one in self.warnings],
            "groups": None if self.groups is None else to_plain(self.groups),
            "slices": None if self.slices is None else [one.to_dict() for one in self.slices],
            "small_slices": None if self.small_slices is None else [to_plain(one) for one in self.small_slices],
        }


@dataclass(frozen=True, slots=True)
class Report(Lookup[MetricResult]):
    """Results of one or several dumps under the same settings.

    `report["ece"]` is the metric of the only dump, and `report.items()` are all of its metrics; with several dumps use
    `report.dumps[i]["ece"]`. `print(report)` shows what the command line shows; in a notebook, a report as the last
    line of a cell is a page. environment: with what the command line made it; None from Python.
    `Report.from_json(report.to_json()) == report` holds exactly.
    """

    LAYOUT: ClassVar = Layout(check=check_report, open=True)

    version: str
    settings: Settings
    dumps: tuple[DumpReport, ...] = field(default_factory=tuple)
    environment: Environment | None = None

    def by_name(self) -> Mapping[str, MetricResult]:
        """The metrics of the only dump by their names.

        Raises: InputError if there are several dumps.
        """
        if len(self.dumps) != 1:
            raise InputError(f'the report has {len(self.dumps)} dumps: say report.dumps[i]["ece"]')
        return self.dumps[0].metrics

    def __repr__(self) -> str:
        """One short line: the dumps' names, and how large the only one is."""
        if len(self.dumps) == 1:
            (dump,) = self.dumps
            return f"<Report of {dump.name or 'predictions'}: n={dump.n}, k={dump.k}; {', '.join(dump.metrics)}>"
        return f"<Report of {len(self.dumps)} dumps: {', '.join(dump.name for dump in self.dumps)}>"

    def __str__(self) -> str:
        """What `calibeval report` prints, 100 columns wide and without colours; warnings are below it."""
        shown: str = elsewhere("calibeval.api.show", "report_text")(self)
        return shown

    def figure(self, *, width: float | None = None) -> Figure:
        """The reliability diagrams as a matplotlib figure; after a map, those of before and after.

        width: in inches; None: 3.5 for one diagram, 7 for several. Raises: InputError for a report without rows.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "report_figure")(self, width)
        return drawn

    def save(self, folder: str | PurePath, *, png: bool = False) -> Path:
        """Write report.html, report.json, bins.csv and reliability.svg to a folder, made where it is missing; what it
        returns. Files of these names are replaced. png: also reliability.png.

        Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.save", "save_report")(self, folder, png=png)
        return made

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the whole report."""
        dumps = [dump.to_dict() for dump in self.dumps]
        made = None if self.environment is None else to_plain(self.environment)
        head = {"schema": SCHEMA, "version": self.version, "environment": made}
        return {**head, "settings": self.settings.to_dict(), "dumps": dumps}

    def to_json(self) -> str:
        """The report as JSON; numbers round-trip exactly, and there is never a NaN in it."""
        return json_text(self.to_dict())

    def to_frame(self) -> DataFrame:
        """The metrics as a pandas table, one row per dump and metric.

        >>> Report("0", Settings()).to_frame().index.names
        FrozenList(['dump', 'metric'])
        """
        frame: DataFrame = elsewhere("calibeval.render.tables.frame", "to_frame")(self)
        return frame

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        shown: str = elsewhere("calibeval.api.show", "report_html")(self)
        return shown

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """The report that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is no report of this schema, naming the first field that is not what it must be.
        """
        return read_document(text, SCHEMA, "report", lambda whole: read_record(whole, cls))


def with_distinct_names(dumps: Sequence[DumpReport]) -> tuple[DumpReport, ...]:
    """The dumps, those of one name renamed by as much of their paths as tells them apart, or numbered."""
    names = distinct_names([(dump.name, dump.source) for dump in dumps])
    return tuple(replace(dump, name=name) for dump, name in zip(dumps, names, strict=True))


def _bins_to_dict(equal_width: Sequence[Bin], equal_mass: Sequence[Bin] | None) -> dict[str, Any]:
    mass = None if equal_mass is None else [to_plain(one) for one in equal_mass]
    return {"equal_width": [to_plain(one) for one in equal_width], "equal_mass": mass}
