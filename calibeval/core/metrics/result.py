"""The result of one metric, as it appears in reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from calibeval.core.data.documents import Place
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, to_plain
from calibeval.core.sums.gain import MapName

# Probabilities that were rounded may lie beyond 0 and 1 by this much.
_SLACK = 2.0**-4


def _check_point(place: Place, found: RiskPoint) -> None:
    """Refuse a point that cannot be drawn. Raises: Wrong."""
    for name in ("threshold", "coverage", "risk"):
        if not -_SLACK <= getattr(found, name) <= 1.0 + _SLACK:
            place[name].refuse("a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """A point of the risk-coverage curve.

    threshold: rows of at least this confidence are answered. coverage: their share of all rows. risk: the share of them
    that is wrong.
    """

    LAYOUT: ClassVar = Layout(check=_check_point)

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A metric's value with everything that is needed to judge it. Missing facts are None.

    name: the name of the metric, such as "ece". value: a fraction (for nll, nats); None if it cannot be computed.
    reason: why the value or the interval is missing, or why the interval is approximate.
    low, high: the confidence interval. corrected: the value minus its bias; always inside the interval.
    floor, floor_high, floor_certain: expectation, 95 % and 99.9 % quantile for a perfectly calibrated model with
    the same confidences.
    bin, count: for mce, the index (from 0) and the number of rows of the bin with the largest gap.
    z, p: for temperature, the standardised excess of the NLL, positive if the model is over-confident, and the p of the
    score test whether T is 1; for metrics on request, the statistic of their test and its p; for
    cox_slope and cox_intercept, p and lr are those of both being 1 and 0: of the score test, and the likelihood ratio
    statistic, each with 2 degrees of freedom.
    count, row: for nll, the number of rows whose label has probability 0, and the first of them.
    all_chunks: for ece under convention hle, what it would be with the chunk that is left out. one_bin: for ece under
    convention helm, the same of one bin.
    squared: for rmsce_debiased, the estimated square of the error, which may be negative.
    divisor: for tace and tace_kept, what the gaps are divided by: "rows", or the probabilities that are "kept".
    threshold, rows, errors, bound, delta, rows_needed: for coverage at an error, the certified confidence, the rows of
    at least this confidence and the wrong ones among them (without a threshold, those of the test that failed), the
    upper bound of their error, the chance that it is exceeded, and the rows that could certify a threshold without an
    error; for groups, bound and rows_needed are of groups. groups, wrong_groups: with groups, those that have such a
    row, and those that have a wrong one. cross_fitted, cross_fitted_error: coverage and error of rows by thresholds of
    other rows; None if four fifths of the rows or groups are fewer than rows_needed. possible: with an interval, the
    largest coverage of new rows whose error is not proved to be above the limit, with a probability of (1 - level)/2 of
    being too small.
    cell_error: with more than 2^19 rows, for metrics of pairs, how far the value of cells of the confidence may be from
    that of single rows.
    curve: for aurc, or without it for the first coverage at an error, at most 50 points of the risk-coverage curve,
    from the largest confidence down.
    map, refinement, calibration: for phi_nll and phi_brier, the map, or "none"; the score after it, out of fold; and
    what it takes away, which adds up to the score before.

    >>> ece = MetricResult("ece", 0.021, low=0.012, high=0.031, corrected=0.019, floor=0.009, floor_high=0.013)
    >>> ece.value > ece.floor_high, ece.to_dict()["high"]
    (True, 0.031)
    """

    LAYOUT: ClassVar = Layout(
        rare=(
            "z", "p", "lr", "bin", "count", "row", "all_chunks", "one_bin",
            "squared", "divisor", "threshold", "rows", "errors", "bound",
            "groups", "wrong_groups", "delta", "rows_needed", "cross_fitted", "cross_fitted_error", "possible",
            "cell_error", "curve", "map", "refinement", "calibration",
        )
    )  # fmt: skip

    name: str
    value: float | None
    reason: Notice | None = None
    low: float | None = None
    high: float | None = None
    corrected: float | None = None
    floor: float | None = None
    floor_high: float | None = None
    floor_certain: float | None = None
    z: float | None = None
    p: float | None = None
    lr: float | None = None
    bin: int | None = None
    count: int | None = None
    row: int | None = None
    all_chunks: float | None = None
    one_bin: float | None = None
    squared: float | None = None
    divisor: Literal["rows", "kept"] | None = None
    threshold: float | None = None
    rows: int | None = None
    errors: int | None = None
    groups: int | None = None
    wrong_groups: int | None = None
    bound: float | None = None
    delta: float | None = None
    rows_needed: int | None = None
    cross_fitted: float | None = None
    cross_fitted_error: float | None = None
    possible: float | None = None
    cell_error: float | None = None
    curve: tuple[RiskPoint, ...] | None = None
    map: MapName | None = None
    refinement: float | None = None
    calibration: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this metric, without its name."""
        return to_plain(self, "name")
