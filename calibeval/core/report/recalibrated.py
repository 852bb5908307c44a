"""The results of a dump after a map was applied to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.records import Layout, to_plain
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.from_json import metric_results, parameters
from calibeval.core.report.rows import Bin, ClassView

BIN_FIELDS = {"equal_width": "bins", "equal_mass": "bins"}


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """The results of a dump after a map was applied to it.

    method, parameters: of the map; parameters is empty if every fold had its own. tried: the methods among which "auto"
    chose it, else None. fitted_on: another dump, or the folds of the same one. The others are as in DumpReport.
    """

    LAYOUT: ClassVar = Layout(inside=BIN_FIELDS, read={"parameters": parameters, "metrics": metric_results}, open=True)

    method: str
    parameters: Mapping[str, Any]
    fitted_on: FittedOn | OutOfFold
    metrics: Mapping[str, MetricResult]
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...] | None
    curve: SmoothCurve | None = None
    positive: ClassView | None = None
    class_views: tuple[ClassView, ...] | None = None
    tried: tuple[str, ...] | None = None

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
            "bins": bins_to_dict(self.equal_width, self.equal_mass),
            "curve": None if self.curve is None else to_plain(self.curve),
            **views_to_dict(self),
            **({} if self.tried is None else {"tried": list(self.tried)}),
        }


def bins_to_dict(equal_width: Sequence[Bin], equal_mass: Sequence[Bin] | None) -> dict[str, Any]:
    """Both tables of bins in JSON."""
    mass = None if equal_mass is None else [to_plain(one) for one in equal_mass]
    return {"equal_width": [to_plain(one) for one in equal_width], "equal_mass": mass}


def views_to_dict(one: Any) -> dict[str, Any]:
    """The single classes in JSON."""
    views = None if one.class_views is None else [to_plain(view) for view in one.class_views]
    return {"positive": None if one.positive is None else to_plain(one.positive), "class_views": views}
