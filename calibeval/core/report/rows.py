"""The small records of a report: bins, classes, slices, groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.records import Layout, to_plain
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.from_json import metric_results


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a bin table.

    lower, upper: edges; the bin is (lower, upper], and the first bin also holds its lower edge. count: rows in the bin.
    confidence, accuracy: means over these rows, in [0, 1]. gap: confidence - accuracy. All are None in an empty bin.
    share, effective: with weights, the bin's share of all weight, and its effective number of rows; else None.
    """

    LAYOUT: ClassVar = Layout(rare=("share", "effective"))

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None
    gap: float | None
    share: float | None = None
    effective: float | None = None

    @property
    def mass(self) -> float:
        """What means over several bins are weighted by: the number of rows, or the share of the weight."""
        return self.count if self.share is None else self.share

    @property
    def worth(self) -> float:
        """The number of rows, or with weights their effective number, for what depends on the size of the sample."""
        return self.count if self.effective is None else self.effective


@dataclass(frozen=True, slots=True)
class ClassResult:
    """The class-wise results of one class.

    support: number of rows with this label. calibration_error: of the class's probability over all rows, in [0, 1].
    gap: mean probability of the class minus its frequency.
    floor, floor_high: the calibration error under true probabilities: its expectation, and what it exceeds by chance so
    rarely that of 100 calibrated models, 95 have no class above its floor_high. None where rows depend on each other.
    dice, iou: of images, how the pixels with this label and those that are predicted to have it overlap, pooled; None
    where there are neither.
    """

    LAYOUT: ClassVar = Layout(rare=("dice", "iou"))

    name: str
    support: int
    calibration_error: float
    gap: float
    floor: float | None = None
    floor_high: float | None = None
    dice: float | None = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class ClassView:
    """The probability of one class against its label: the positive class of two, or one class against the rest.

    name, index: of the class; its number is the name where classes have no names. prevalence: share of rows with this
    label; of their weight, with weights. bins: equal-width bins of the probability; `confidence` is its mean, and
    `accuracy` the frequency of the label. curve: the smooth curve of that frequency; None if none was fitted.
    """

    name: str
    index: int
    prevalence: float
    bins: tuple[Bin, ...]
    curve: SmoothCurve | None = None

    @property
    def mean(self) -> float:
        """The mean probability of the class over all rows."""
        whole = sum(row.mass for row in self.bins)
        return sum(row.mass * row.confidence for row in self.bins if row.confidence is not None) / whole


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The rows that share one value of a column, measured as if they were a separate dump.

    n: number of rows. metrics: as in DumpReport. If `column` is the true class, they have no noise floors and p is
    None: rows selected by their label are not calibrated among themselves, even for a perfectly calibrated model.
    p: probability that calibrated rows would show an ECE at least this large; of two classes, P(positive) has it.
    p_holm: p after Holm's correction over the slices of this column; below 0.05 the slice is miscalibrated even after
    allowing for the number of slices.
    effective: with weights, the effective number of rows; else None.
    """

    LAYOUT: ClassVar = Layout(rare=("effective",), read={"metrics": metric_results})

    column: str
    value: str
    n: int
    metrics: Mapping[str, MetricResult]
    p: float | None
    p_holm: float | None
    effective: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this slice."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class SmallSlice:
    """A slice with n rows, too few to be measured."""

    column: str
    value: str
    n: int


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The number of groups of rows that are treated as independent.

    column: the column whose values name the groups; None if the groups are images.
    """

    column: str | None
    count: int


@dataclass(frozen=True, slots=True)
class WeightCount:
    """The weights of rows.

    column: which column holds them. effective: the number of rows of equal weights that would say as much. zero: the
    number of rows that are left out because their weight is 0.
    """

    column: str
    effective: float
    zero: int


def joined_facts(bins: Sequence[Bin]) -> dict[str, float]:
    """The share of weight and the effective number of rows of some bins together; empty without weights."""
    shares = [b.share for b in bins if b.share is not None]
    if len(shares) < len(bins) or not bins:
        return {}
    share = sum(shares)
    squares = sum((b.share or 0.0) ** 2 / b.effective for b in bins if b.effective)
    return {"share": share, "effective": share * share / squares if squares > 0.0 else 0.0}
