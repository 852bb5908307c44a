"""How uncertain the temperature with the smallest NLL is, on the scale of its logarithm."""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.optimum import Optimum
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.score_test import normal_score, standardised

MOST_CHANGE = 0.25  # of 1/T from 1, up to which a series of three terms is used

LEAST_TOTAL = 1e-200  # of variances whose powers float64 can hold


def log_t_of(optimum: Optimum) -> float:
    """The logarithm of T. Raises: NotComputable if there is no optimum."""
    if optimum.log_t is None:
        missing = optimum.missing or reason("no_optimum", "there is no optimum")
        if missing.code == "far_from_one":
            raise NotComputable("far_from_one", str(missing))
        raise NotComputable("overflow" if missing.code == "overflow" else "no_optimum", str(missing))
    return optimum.log_t


def error_of_log_t(optimum: Optimum, joints: Joints | None) -> tuple[float, float | None]:
    """The standard error of ln T and, if only groups are independent, its degrees of freedom.

    Source: the sandwich estimate, White, Econometrica 50:1 (1982); by groups, Bell & McCaffrey, Survey Methodology
    28:169 (2002).
    """
    if joints is None:
        return math.sqrt(optimum.squares) / optimum.information, None
    if joints.fit is None:
        raise NotComputable("rows_not_kept", "what each row tells of the temperature was not kept")
    totals, clusters = joints.fit
    centred = clusters.scale * (totals - clusters.sizes * (totals.sum() / clusters.sizes.sum()))
    squares = max(optimum.squares, float(np.einsum("i,i->", centred, centred)))
    return math.sqrt(squares) / optimum.information, clusters.freedom


def plausible_log_t(optimum: Optimum, level: float) -> tuple[float, float]:
    """The range of ln T that the score test does not refute at this level."""
    near = optimum.near
    if near is None or optimum.log_t is None:
        return math.inf, -math.inf
    scores = np.clip(np.maximum.accumulate([_score_at(*row) for row in near[::-1, 1:].tolist()]), -40.0, 40.0)
    places: Floats = near[::-1, 0]
    z = Level(level).z
    # From the largest ln T on, where scores are lowest.
    ends = np.interp([-z, z], scores, places)
    return float(ends[1]), float(ends[0])


def _score_at(total: float, variance: float, third: float) -> float:
    if not variance > LEAST_TOTAL:
        return math.copysign(math.inf, total) if total else 0.0
    return normal_score(total / math.sqrt(variance), third / (variance * math.sqrt(variance)))


def change_from_series(excess: Excess, n: float) -> tuple[float, float]:
    """1 - 1/T from the cumulants at T = 1, and its standard error if the model is right.

    With c = 1 - 1/T, the excess is variance c + third c^2 / 2 + fourth c^3 / 6.
    Raises: NotComputable if it is not close to 0.
    """
    _, variance, third, fourth = excess
    if standardised(excess, n) is None:
        raise NotComputable("no_optimum", "the probabilities leave no doubt that a temperature could change")
    change = 0.0
    for _ in range(50):
        slope = variance + change * (third + 0.5 * change * fourth)
        if not slope > 0.0:
            break
        value = change * (variance + change * (0.5 * third + change * fourth / 6.0)) - excess.total
        step = -value / slope
        change += step
        if not abs(change) <= 4.0 * MOST_CHANGE or abs(step) < 1e-14:
            break
    slope = variance + change * (third + 0.5 * change * fourth)
    if not (slope > 0.0 and abs(change) <= MOST_CHANGE):
        text = "added sums give a temperature only near 1, and this one is further away"
        raise NotComputable("far_from_one", text)
    return change, 1.0 / math.sqrt(slope)


def parts_of_log_t(optimum: Optimum, n: int, order: Codes | None = None) -> Floats:
    """How far each of n rows moves ln T of the optimum, (n,), which sums up to 0; rows outside the sample do not.

    order: the rows' positions, if they are to be in another order.
    Raises: NotComputable if the results of single rows were not kept.
    """
    if optimum.slopes is None or optimum.places is None:
        raise NotComputable("rows_not_kept", "the results of single rows were not kept")
    parts = np.zeros(n)
    parts[optimum.places] = optimum.slopes / optimum.information
    return parts if order is None else parts[order]
