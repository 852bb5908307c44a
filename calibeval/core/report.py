"""The output of every evaluation: numbers with their uncertainty, bins, classes; exact JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

from calibeval.core.errors import InputError, UnknownMetric, nearest
from calibeval.core.predictions import Source

if TYPE_CHECKING:
    from pandas import DataFrame

SCHEMA = "calibeval.report/1"


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One number with all that is needed to judge it. Absent facts are None.

    value: the metric as a fraction (or nats, for nll); None where it cannot be computed, then reason says why.
    low, high: confidence interval. corrected: the value less its bias, always inside the interval.
    floor, floor_high: expectation and 95 % quantile for a perfectly calibrated model with these confidences.
    bin, count: the bin that decides mce and its rows; for nll, count and row tell the rows with probability 0.
    """

    name: str
    value: float | None
    reason: str | None = None
    low: float | None = None
    high: float | None = None
    corrected: float | None = None
    floor: float | None = None
    floor_high: float | None = None
    bin: int | None = None
    count: int | None = None
    row: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this metric, without its name and without absent facts."""
        facts = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("name", "value")}
        return {"value": self.value, **{key: fact for key, fact in facts.items() if fact is not None}}


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
    fitted_on: {"path", "split", "sha256", "n"} of the dump the map was fitted on, or {"folds", "n"} for out-of-fold
    numbers; "leak" says so where a leak was allowed. metrics, equal_width, equal_mass: as in DumpReport.
    """

    method: str
    parameters: Mapping[str, Any]
    fitted_on: Mapping[str, Any]
    metrics: Mapping[str, MetricResult]
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...] | None

    @property
    def name(self) -> str:
        """The map in a few words: "T = 2.58", "isotonic", "temperature, 5 folds"."""
        if self.method == "temperature" and "temperature" in self.parameters:
            return f"T = {self.parameters['temperature']:.3g}"
        folds = f", {self.fitted_on['folds']} folds" if "folds" in self.fitted_on else ""
        return f"{self.method}{folds}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these results."""
        return {
            "method": self.method,
            "parameters": dict(self.parameters),
            "fitted_on": dict(self.fitted_on),
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "bins": _bins_to_dict(self.equal_width, self.equal_mass),
        }


@dataclass(frozen=True, slots=True)
class DumpReport:
    """The results of one dump.

    kind, n, k, ignored: how the dump was read; k is None where only the top label is known.
    equal_width, equal_mass: bin tables; equal_mass is None where confidences were not kept.
    """

    source: Source
    kind: str
    n: int
    k: int | None
    ignored: int
    metrics: Mapping[str, MetricResult]
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...] | None
    per_class: tuple[ClassResult, ...]
    warnings: tuple[str, ...] = ()
    name: str = ""
    recalibrated: Recalibrated | None = None

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
        )

    def __getitem__(self, metric: str) -> MetricResult:
        """The result of that metric.

        Raises: UnknownMetric, a KeyError by another name, with the nearest metric.
        """
        if metric not in self.metrics:
            known = ", ".join(self.metrics)
            raise UnknownMetric(f'metric "{metric}" is unknown{nearest(metric, self.metrics)}; there are {known}')
        return self.metrics[metric]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dump."""
        source: dict[str, Any] = {"path": self.source.path, "split": self.source.split, "sha256": self.source.sha256}
        reading: dict[str, Any] = {"kind": self.kind, "n": self.n, "k": self.k, "ignored": self.ignored}
        if self.source.labels_path is not None:
            reading |= {"labels_path": self.source.labels_path, "labels_sha256": self.source.labels_sha256}
        return {
            "name": self.name,
            "source": {**source, "format": self.source.format, **reading},
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "bins": _bins_to_dict(self.equal_width, self.equal_mass),
            "per_class": [_to_dict(c) for c in self.per_class],
            "recalibrated": None if self.recalibrated is None else self.recalibrated.to_dict(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Results of one or several dumps under the same settings.

    `report["ece"]` is the metric of the only dump; with several dumps use `report.dumps[i]["ece"]`.
    `Report.from_json(report.to_json()) == report` holds exactly.
    """

    version: str
    settings: Mapping[str, Any]
    dumps: tuple[DumpReport, ...] = field(default_factory=tuple)

    def __getitem__(self, metric: str) -> MetricResult:
        """The result of that metric in the only dump.

        Raises: UnknownMetric for a name that is no metric; InputError if there are several dumps.
        """
        if len(self.dumps) != 1:
            raise InputError(f'the report has {len(self.dumps)} dumps: say report.dumps[i]["{metric}"]')
        return self.dumps[0][metric]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the whole report."""
        dumps = [dump.to_dict() for dump in self.dumps]
        return {"schema": SCHEMA, "version": self.version, "settings": dict(self.settings), "dumps": dumps}

    def to_json(self) -> str:
        """The report as JSON; numbers round-trip exactly, and there is never a NaN in it."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_frame(self) -> DataFrame:
        """The metrics as a pandas table, one row per dump and metric.

        >>> Report("0", {}).to_frame().index.names
        FrozenList(['dump', 'metric'])
        """
        frame: DataFrame = _view("calibeval.render.frame", "to_frame")(self)
        return frame

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        shown: str = _view("calibeval.render.html", "fragment")(self)
        return shown

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report that `to_json` wrote.

        Raises: InputError if the text is no report of this schema.
        """
        try:
            document = json.loads(text, parse_constant=_no_number)
            if document["schema"] != SCHEMA:
                raise InputError(f'schema "{document["schema"]}" came, but "{SCHEMA}" is needed')
            dumps = tuple(_dump_from_dict(dump) for dump in document["dumps"])
            return cls(document["version"], document["settings"], dumps)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InputError(f"this is no report of schema {SCHEMA}: {error!r}") from None


def with_distinct_names(dumps: Sequence[DumpReport]) -> tuple[DumpReport, ...]:
    """The dumps, those of one name renamed by as much of their paths as tells them apart, or numbered."""
    return tuple(replace(dump, name=_distinct_name(dump, dumps, i)) for i, dump in enumerate(dumps))


def _distinct_name(dump: DumpReport, dumps: Sequence[DumpReport], place: int) -> str:
    twins = [_tails(other) for other in dumps if other.name == dump.name]
    if len(twins) == 1:
        return dump.name
    for depth, tail in enumerate(_tails(dump)):
        if sum(tail == tails[min(depth, len(tails) - 1)] for tails in twins) == 1:
            return tail
    return f"{dump.name} ({sum(other.name == dump.name for other in dumps[: place + 1])})"


def _tails(dump: DumpReport) -> list[str]:
    """The dump's name with ever more of the folders of its path."""
    parts = PurePath(dump.source.path or dump.name).parts
    split = "" if dump.source.split is None else f"#{dump.source.split}"
    return [PurePath(*parts[-depth:]).as_posix() + split for depth in range(1, len(parts) + 1)]


def _view(module: str, function: str) -> Callable[[Report], Any]:
    """A renderer, found when it is asked for: the core itself knows none."""
    found: Callable[[Report], Any] = getattr(import_module(module), function)
    return found


def _bins_to_dict(equal_width: Sequence[Bin], equal_mass: Sequence[Bin] | None) -> dict[str, Any]:
    mass = None if equal_mass is None else [_to_dict(b) for b in equal_mass]
    return {"equal_width": [_to_dict(b) for b in equal_width], "equal_mass": mass}


def _to_dict(row: Bin | ClassResult) -> dict[str, Any]:
    return {f.name: getattr(row, f.name) for f in fields(row)}


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _dump_from_dict(data: Mapping[str, Any]) -> DumpReport:
    source, again = data["source"], data["recalibrated"]
    equal_width, equal_mass = _bins_from_dict(data["bins"])
    return DumpReport(
        source=Source(
            source["path"],
            source["split"],
            source["sha256"],
            source["format"],
            source.get("labels_path"),
            source.get("labels_sha256"),
        ),
        kind=source["kind"],
        n=source["n"],
        k=source["k"],
        ignored=source["ignored"],
        metrics=_metrics_from_dict(data["metrics"]),
        equal_width=equal_width,
        equal_mass=equal_mass,
        per_class=tuple(ClassResult(**row) for row in data["per_class"]),
        warnings=tuple(data["warnings"]),
        name=data["name"],
        recalibrated=None if again is None else _recalibrated_from_dict(again),
    )


def _recalibrated_from_dict(data: Mapping[str, Any]) -> Recalibrated:
    metrics, bins = _metrics_from_dict(data["metrics"]), _bins_from_dict(data["bins"])
    return Recalibrated(data["method"], dict(data["parameters"]), dict(data["fitted_on"]), metrics, *bins)


def _metrics_from_dict(data: Mapping[str, Any]) -> dict[str, MetricResult]:
    return {name: MetricResult(name, **facts) for name, facts in data.items()}


def _bins_from_dict(data: Mapping[str, Any]) -> tuple[tuple[Bin, ...], tuple[Bin, ...] | None]:
    mass = data["equal_mass"]
    return tuple(Bin(**row) for row in data["equal_width"]), None if mass is None else tuple(Bin(**r) for r in mass)
