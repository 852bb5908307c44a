"""The output of every evaluation: numbers with their uncertainty, bins and classes, with an exact JSON round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from calibeval.core.data.distinct_names import distinct_names
from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.certified import CertifiedLimit
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.from_json import metric_results
from calibeval.core.report.per_image import PerImage
from calibeval.core.report.possible import check_report
from calibeval.core.report.recalibrated import BIN_FIELDS, Recalibrated, bins_to_dict, views_to_dict
from calibeval.core.report.rows import Bin, ClassResult, ClassView, GroupCount, SliceResult, SmallSlice, WeightCount
from calibeval.core.report.segments import SegmentSearch
from calibeval.core.report.settings import Settings
from calibeval.core.report.shots import ShotBand

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = [
    "Bin",
    "ClassResult",
    "ClassView",
    "DumpReport",
    "GroupCount",
    "Recalibrated",
    "Report",
    "SliceResult",
    "SmallSlice",
    "SmoothCurve",
    "WeightCount",
    "with_distinct_names",
]

SCHEMA = "calibeval.report/1"
READING = dict.fromkeys(("kind", "n", "k", "ignored"), "source")  # in JSON, these fields are part of "source"


@dataclass(frozen=True, slots=True)
class DumpReport(MetricLookup[MetricResult]):
    """The results of one dump; `dump["ece"]` is one of its metrics, and `dump.items()` gives all of them.

    kind, n, k, ignored: the kind of scores, the number of rows without the ignored ones, the number of classes (None if
    only the top label is known), and the number of ignored rows.
    equal_width, equal_mass: bin tables; equal_mass is None if the confidences were not kept in memory.
    per_class: class-wise results, in the order of the classes. recalibrated: results after a map; None without a map.
    slices, small_slices: slices with and without enough rows, column by column, worst first; None without slices.
    groups: the groups that intervals and noise floors treat as independent; None if rows are independent.
    weights: by which rows count, and their effective number; None if all rows count the same.
    curve: the smooth calibration curve of the top label; None if none was fitted.
    positive: of two classes, P(positive class) against its label; None under another tool's convention. class_views:
    the same for chosen classes of more than two, each against the rest; None if none was chosen.
    rows_sha256: of ids and labels, equal for dumps of the same rows; known if a report has several dumps.
    per_image: of images, means over them, regions and structures; None for other rows.
    shots: class-wise errors by training images a class. segments: the worst ones. Both are None unless asked for.
    certified: of a log, what may be answered at an error of 1, 2 and 5 %; None for other dumps, and for chosen metrics.
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
    weights: WeightCount | None = None
    curve: SmoothCurve | None = None
    positive: ClassView | None = None
    class_views: tuple[ClassView, ...] | None = None
    rows_sha256: str | None = None
    per_image: PerImage | None = None
    shots: tuple[ShotBand, ...] | None = None
    segments: SegmentSearch | None = None
    certified: tuple[CertifiedLimit, ...] | None = None

    @property
    def worth(self) -> float:
        """The number of rows, or with weights their effective number, for what depends on the size of the sample."""
        return self.n if self.weights is None else self.weights.effective

    def after(self) -> DumpReport | None:
        """The results after the map, as a separate dump; None without a map."""
        again = self.recalibrated
        if again is None:
            return None
        return replace(
            self,
            metrics=again.metrics,
            equal_width=again.equal_width,
            equal_mass=again.equal_mass,
            curve=again.curve,
            per_class=(),
            positive=again.positive,
            class_views=again.class_views,
            name=f"{self.name}, {again.name}",
            recalibrated=None,
            slices=None,
            small_slices=None,
            per_image=None,
            shots=None,
            segments=None,
            certified=None,
        )

    def by_name(self) -> Mapping[str, MetricResult]:
        """The metrics by their names."""
        return self.metrics

    def __repr__(self) -> str:
        """One short line: name, rows, classes, and the names of the metrics."""
        return f"<DumpReport of {self.name or 'predictions'}: n={self.n}, k={self.k}; {', '.join(self.metrics)}>"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dump."""
        reading = {"kind": self.kind, "n": self.n, "k": self.k, "ignored": self.ignored}
        return {
            "name": self.name,
            "source": {**to_plain(self.source, *self.source.HELD), **reading},
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "bins": bins_to_dict(self.equal_width, self.equal_mass),
            "curve": None if self.curve is None else to_plain(self.curve),
            **views_to_dict(self),
            "per_class": [to_plain(one) for one in self.per_class],
            "recalibrated": None if self.recalibrated is None else self.recalibrated.to_dict(),
            "warnings": [one.to_dict() for one in self.warnings],
            "groups": None if self.groups is None else to_plain(self.groups),
            "weights": None if self.weights is None else to_plain(self.weights),
            "slices": None if self.slices is None else [one.to_dict() for one in self.slices],
            "small_slices": None if self.small_slices is None else [to_plain(one) for one in self.small_slices],
            **({} if self.rows_sha256 is None else {"rows_sha256": self.rows_sha256}),
            **({} if self.per_image is None else {"per_image": to_plain(self.per_image, "cases")}),
            **({} if self.shots is None else {"shots": [to_plain(one) for one in self.shots]}),
            **({} if self.segments is None else {"segments": to_plain(self.segments)}),
            **({} if self.certified is None else {"certified": [to_plain(one) for one in self.certified]}),
        }


@dataclass(frozen=True, slots=True)
class Report(MetricLookup[MetricResult]):
    """Results of one or several dumps under the same settings.

    `report["ece"]` is a metric of the only dump, and `report.items()` gives all of its metrics; with several dumps, use
    `report.dumps[i]["ece"]`, as the report itself is then an empty mapping. `print(report)` prints what the command
    line prints; at the end of a notebook cell, a report is shown as a page.
    version: of calibeval. environment: versions and command line; None if the report was made from Python.
    cases: images that pages and figures show, as arrays, by the names of dumps; they are not written to JSON.
    `Report.from_json(report.to_json()) == report` holds exactly.

    >>> report = Report("0", Settings(), (DumpReport(Source("a.npz"), "probs", 100, 2, 0, {}, (), None, (), name="a"),))
    >>> report, len(report)
    (<Report of a: n=100, k=2; >, 0)
    """

    LAYOUT: ClassVar = Layout(check=check_report, open=True)

    version: str
    settings: Settings
    dumps: tuple[DumpReport, ...] = field(default_factory=tuple)
    environment: Environment | None = None
    cases: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, compare=False, repr=False)

    def by_name(self) -> Mapping[str, MetricResult]:
        """The metrics of the only dump by their names; empty if there are several dumps."""
        return self.dumps[0].metrics if len(self.dumps) == 1 else {}

    def elsewhere(self) -> str:
        """Where the metrics of several dumps are."""
        return "" if len(self.dumps) == 1 else f'the report has {len(self.dumps)} dumps: use report.dumps[i]["ece"]'

    def __repr__(self) -> str:
        """One short line: the names of the dumps; for a single dump also its size and metrics."""
        if len(self.dumps) == 1:
            (dump,) = self.dumps
            return f"<Report of {dump.name or 'predictions'}: n={dump.n}, k={dump.k}; {', '.join(dump.metrics)}>"
        return f"<Report of {len(self.dumps)} dumps: {', '.join(dump.name for dump in self.dumps)}>"

    def __str__(self) -> str:
        """What `calibeval report` prints, 100 columns wide and without colours, with the warnings at the end."""
        shown: str = elsewhere("calibeval.api.show", "report_text")(self)
        return shown

    def figure(self, *, width: float | None = None, of: str = "reliability") -> Figure:
        """The reliability diagrams as a matplotlib figure; with a map, one before and one after it.

        width: in inches; None: 3.5 for one diagram, 7 for several. of: "reliability"; "risk" for risk-coverage
        curves, which come with metrics such as aurc; "images" for the gaps of regions and the ECE of single images of
        a segmentation; "pictures" for the images that `evaluate(..., show=...)` keeps, 7 inches wide.
        Raises: InputError for a report without rows, these curves, or images.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "report_figure")(self, width, of)
        return drawn

    def save(self, folder: str | PurePath, *, png: bool = False) -> Path:
        """Write report.html, report.json, bins.csv and reliability.svg to a folder, and return its path.

        With risk-coverage curves, risk.svg, too. A missing folder is created, and files with these names are replaced.
        png: also write reliability.png. Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.save", "save_report")(self, folder, png=png)
        return made

    def sorted_by(self, by: str) -> Report:
        """The dumps by a metric, the best first, or by "name". Raises: UsageError for an unknown metric."""
        ordered: Report = elsewhere("calibeval.core.report.order", "in_order")(self, by)
        return ordered

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the whole report."""
        dumps = [dump.to_dict() for dump in self.dumps]
        made = None if self.environment is None else to_plain(self.environment)
        head = {"schema": SCHEMA, "version": self.version, "environment": made, "settings": self.settings.to_dict()}
        return {**head, "dumps": dumps}

    def to_json(self) -> str:
        """The report as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    def to_frame(self) -> DataFrame:
        """The metrics as a pandas table, one row per dump and metric.

        >>> Report("0", Settings()).to_frame().index.names
        FrozenList(['dump', 'metric'])
        """
        frame: DataFrame = elsewhere("calibeval.render.tables.frame", "to_frame")(self)
        return frame

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows for the report."""
        shown: str = elsewhere("calibeval.api.show", "report_html")(self)
        return shown

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """The report that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is not a report of this schema, naming the first invalid field.
        """
        return read_document(text, SCHEMA, "report", lambda whole: read_record(whole, cls, cases={}))


def with_distinct_names(dumps: Sequence[DumpReport]) -> tuple[DumpReport, ...]:
    """The dumps with distinct names: those that share a name get as much of their paths as is needed, or a number."""
    names = iter(distinct_names([(dump.name, dump.source) for dump in dumps]))
    return tuple(replace(dump, name=next(names)) for dump in dumps)
