"""A report from its JSON: baselines come from strangers, so every field is checked for what it must be."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import (
    SCHEMA,
    Bin,
    ClassResult,
    DumpReport,
    GroupCount,
    Recalibrated,
    Report,
    SliceResult,
    SmallSlice,
)
from calibeval.core.report.settings import Settings

_MOST = 2**63
T = TypeVar("T")


def read_report(text: str) -> Report:
    """The report that `Report.to_json` wrote.

    Raises: InputError if the text is no report of this schema, naming the first field that is not what it must be.

    >>> read_report(Report("1", Settings(level=None)).to_json()).version
    '1'
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is no report of schema {SCHEMA}: {error}") from None
    try:
        whole = _Field(document, "the report").object()
        schema = whole["schema"].text()
        if schema != SCHEMA:
            raise InputError(f'schema "{schema}" came, but "{SCHEMA}" is needed')
        return Report(whole["version"].text(), _settings(whole["settings"]), whole["dumps"].each(_dump))
    except _Wrong as error:
        raise InputError(f"this is no report of schema {SCHEMA}: {error}") from None


class _Wrong(Exception):
    """A field is not what it must be; the text says which, and what came."""


class _Object:
    """A JSON object and where it stands."""

    def __init__(self, items: dict[str, Any], path: str) -> None:
        self.items, self.path = items, path

    def __getitem__(self, key: str) -> _Field:
        """The field of that name, which must be there."""
        if key not in self.items:
            raise _Wrong(f'{self.path} has no "{key}"')
        return self._field(key)

    def get(self, key: str) -> _Field | None:
        """The field of that name; None where there is none."""
        return self._field(key) if key in self.items else None

    def fields(self) -> Mapping[str, _Field]:
        """All fields by name."""
        return {key: self._field(key) for key in self.items}

    def only(self, row: type) -> _Object:
        """The same, unless it has fields that the record has not."""
        extra = self.items.keys() - {f.name for f in fields(row)}
        if extra:
            raise _Wrong(f'{self.path} has an unknown field "{min(extra)}"')
        return self

    def _field(self, key: str) -> _Field:
        return _Field(self.items[key], key if self.path == "the report" else f"{self.path}.{key}")


class _Field:
    """A JSON value and where it stands; each method is what it must be."""

    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = value, path

    def object(self) -> _Object:
        if not isinstance(self.value, dict):
            self._refuse("an object")
        return _Object(self.value, self.path)

    def each(self, read: Callable[[_Field], T]) -> tuple[T, ...]:
        if not isinstance(self.value, list):
            self._refuse("a list")
        return tuple(read(_Field(item, f"{self.path}[{i}]")) for i, item in enumerate(self.value))

    def text(self) -> str:
        if not isinstance(self.value, str):
            self._refuse("a text")
        return str(self.value)

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not abs(self.value) < math.inf:
            self._refuse("a finite number")
        try:
            return float(self.value)
        except OverflowError:
            self._refuse("a finite number")

    def count(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < _MOST:
            self._refuse("a count")
        return int(self.value)

    def maybe(self, read: Callable[[_Field], T]) -> T | None:
        return None if self.value is None else read(self)

    def _refuse(self, needed: str) -> NoReturn:
        kinds = {dict: "an object", list: "a list", bool: "a truth value", type(None): "null"}
        came = kinds.get(type(self.value)) or json.dumps(self.value)
        came = came if len(came) <= 60 else f"{came[:57]}..."
        raise _Wrong(f"{self.path} is {came}, but {needed} is needed")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _settings(field: _Field) -> Settings:
    settings = field.object()
    if "confidence" in settings.items and "level" not in settings.items:  # the name that level had before
        settings.items["level"] = settings.items.pop("confidence")
    slices, least, group = (settings.get(key) for key in ("slices", "min_rows", "group"))
    return Settings(
        settings["bins"].count(),
        settings["convention"].text(),
        settings["level"].maybe(_Field.number),
        () if slices is None else slices.each(_Field.text),
        None if least is None else least.count(),
        None if group is None else group.text(),
    )


def _dump(field: _Field) -> DumpReport:
    dump = field.object()
    source, bins, slices, small, groups = (
        dump["source"].object(),
        _bins(dump["bins"]),
        dump.get("slices"),
        dump.get("small_slices"),
        dump.get("groups"),
    )
    return DumpReport(
        source=_source(source),
        kind=source["kind"].text(),
        n=source["n"].count(),
        k=source["k"].maybe(_Field.count),
        ignored=source["ignored"].count(),
        metrics=_metrics(dump["metrics"]),
        equal_width=bins[0],
        equal_mass=bins[1],
        per_class=dump["per_class"].each(_class),
        warnings=dump["warnings"].each(_Field.text),
        name=dump["name"].text(),
        recalibrated=dump["recalibrated"].maybe(_recalibrated),
        slices=None if slices is None else slices.each(_slice),
        small_slices=None if small is None else small.each(_small_slice),
        groups=None if groups is None else _groups(groups),
    )


def _source(source: _Object) -> Source:
    def text(key: str, *, needed: bool = True) -> str | None:
        found = source[key] if needed else source.get(key)
        return None if found is None else found.maybe(_Field.text)

    labels = text("labels_path", needed=False), text("labels_sha256", needed=False)
    return Source(text("path"), text("split"), text("sha256"), text("format"), *labels)


def _metrics(field: _Field) -> dict[str, MetricResult]:
    return {name: _metric(name, metric) for name, metric in field.object().fields().items()}


def _metric(name: str, field: _Field) -> MetricResult:
    metric = field.object()
    if "name" in metric.items:
        raise _Wrong(f'{metric.path} has an unknown field "name"')
    metric.only(MetricResult)
    facts: dict[str, Any] = {"value": metric["value"].maybe(_Field.number)}
    for key, one in metric.fields().items():
        if key == "reason":
            facts[key] = one.text()
        elif key in ("bin", "count", "row"):
            facts[key] = one.count()
        elif key != "value":
            facts[key] = one.number()
    return MetricResult(name, **facts)


def _bins(field: _Field) -> tuple[tuple[Bin, ...], tuple[Bin, ...] | None]:
    bins = field.object()
    return bins["equal_width"].each(_bin), bins["equal_mass"].maybe(lambda f: f.each(_bin))


def _bin(field: _Field) -> Bin:
    row = field.object().only(Bin)
    means = (row[key].maybe(_Field.number) for key in ("confidence", "accuracy", "gap"))
    return Bin(row["lower"].number(), row["upper"].number(), row["count"].count(), *means)


def _class(field: _Field) -> ClassResult:
    row = field.object().only(ClassResult)
    return ClassResult(
        row["name"].text(), row["support"].count(), row["calibration_error"].number(), row["gap"].number()
    )


def _recalibrated(field: _Field) -> Recalibrated:
    again = field.object()
    parameters, fitted_on = again["parameters"].object(), _fitted_on(again["fitted_on"])
    if (temperature := parameters.get("temperature")) is not None:
        temperature.number()
    metrics, bins = _metrics(again["metrics"]), _bins(again["bins"])
    return Recalibrated(again["method"].text(), parameters.items, fitted_on, metrics, *bins)


def _fitted_on(field: _Field) -> FittedOn | OutOfFold:
    row = field.object()
    n = row["n"].count()
    if "folds" in row.items:
        return OutOfFold(row["folds"].count(), row.only(OutOfFold)["seed"].count(), n)
    path, split, sha256 = (row[key].maybe(_Field.text) for key in ("path", "split", "sha256"))
    leak = row.only(FittedOn).get("leak")
    return FittedOn(path, split, sha256, n, None if leak is None else leak.text())


def _slice(field: _Field) -> SliceResult:
    row = field.object().only(SliceResult)
    p, p_holm = (row[key].maybe(_Field.number) for key in ("p", "p_holm"))
    return SliceResult(row["column"].text(), row["value"].text(), row["n"].count(), _metrics(row["metrics"]), p, p_holm)


def _small_slice(field: _Field) -> SmallSlice:
    row = field.object().only(SmallSlice)
    return SmallSlice(row["column"].text(), row["value"].text(), row["n"].count())


def _groups(field: _Field) -> GroupCount:
    row = field.object().only(GroupCount)
    return GroupCount(row["column"].maybe(_Field.text), row["count"].count())
