"""Maps for two classes, applied to the confidence of the predicted class."""

from __future__ import annotations

from typing import ClassVar

from calibeval.core.data.predictions import Predictions
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.top_label import TopLabel
from calibeval.recalibrate.maps.beta import BetaMap
from calibeval.recalibrate.maps.isotonic import IsotonicMap
from calibeval.recalibrate.maps.platt import PlattMap
from calibeval.recalibrate.maps.spline import SplineMap
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap


class TopTemperatureMap(TopLabel, TemperatureMap):
    """The log-odds of the confidence divided by a temperature."""

    __slots__ = ()

    method: ClassVar[str] = "top-temperature"


class TopPlattMap(TopLabel, PlattMap):
    """Platt scaling of the log-odds of the confidence."""

    __slots__ = ()

    method: ClassVar[str] = "top-platt"


class TopBetaMap(TopLabel, BetaMap):
    """Beta calibration of the confidence."""

    __slots__ = ()

    method: ClassVar[str] = "top-beta"


class TopSplineMap(TopLabel, SplineMap):
    """A smooth curve of the log-odds of the confidence that never falls."""

    __slots__ = ()

    method: ClassVar[str] = "top-spline"


class TopIsotonicMap(TopLabel, IsotonicMap):
    """A monotone curve of the confidence."""

    __slots__ = ()

    method: ClassVar[str] = "top-isotonic"


def fit_temperature(predictions: Predictions, clip: float | None) -> Solution:
    """The temperature with the smallest NLL, and a note if it is a bound.

    Raises: as `optimum`.
    """
    found = OBJECTIVES["nll"].find(predictions, clip)
    return Solution((found.temperature,), found.note, found.search)
