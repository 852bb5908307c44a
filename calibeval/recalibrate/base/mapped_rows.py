"""Rows of scores that a map changes when they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.check_values import check_values
from calibeval.core.data.far_rows import Engine, narrowed, part_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError
from calibeval.core.sums.rows import BadValues
from calibeval.recalibrate.base.scores import log_scores, log_softmax
from calibeval.recalibrate.base.two import confidence_of, odds_of_confidence, of_odds

if TYPE_CHECKING:
    from calibeval.recalibrate.base.mapping import Map

LARGEST = 1e150  # of a mapped score, so that squares of differences are numbers, too


@dataclass(frozen=True, slots=True)
class MappedRows:
    """Rows of scores that are mapped when they are read, so that there is never a copy of all of them.

    origin: the predictions with these scores, whose values are checked; None: they are not.
    """

    scores: RowSource
    kind: Kind
    recalibration: Map
    origin: Predictions | None = None

    @property
    def made_by(self) -> str:
        """The map in a few words: "T = 2.58", or its method."""
        method = self.recalibration.method
        return f"T = {self.recalibration.temperature:.3g}" if method == "temperature" else method

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and of classes."""
        return self.scores.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float64, whatever the stored type."""
        return np.dtype(np.float64)

    @property
    def engine(self) -> Engine | None:
        """Whose workers read the scores that are mapped, if this process does not."""
        return cast("Engine | None", getattr(self.scores, "engine", None))

    def narrowed(self, start: int, stop: int) -> MappedRows:
        """The rows start to stop."""
        origin = None if self.origin is None else part_of(self.origin, start, stop)
        return replace(self, scores=narrowed(self.scores, start, stop), origin=origin)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        return self.map(np.asarray(self.scores[rows]))

    def map(self, scores: npt.NDArray[Any]) -> Floats:
        """The mapped scores of some rows (b, k).

        Raises: InputError for values that contradict their kind.
        """
        recalibration, origin = self.recalibration, self.origin
        if not len(scores):
            return np.empty(scores.shape)
        try:
            tolerance = None if origin is None else origin.tolerance
            if self.kind == "confidence":
                with np.errstate(all="ignore"):
                    odds = odds_of_confidence(scores, recalibration.clip, tolerance)
                    return confidence_of(recalibration.of_two(of_odds(odds)))
            z = log_scores(scores, self.kind, clip=recalibration.clip, tolerance=tolerance).z
        except BadValues:
            if origin is not None:
                check_values(origin)
            raise InputError(f"values contradict the kind {self.kind}") from None
        with np.errstate(all="ignore"):
            result = recalibration.apply(z)
            if recalibration.prior is not None:
                result = result + recalibration.prior.shift
            if self.kind != "logits":
                result = log_softmax(result)
            if recalibration.keeps_top and recalibration.prior is None:
                _keep_top(scores, result)
        _check_size(z, result)
        return result


def _check_size(z: Floats, result: Floats) -> None:
    """Check that mapped log-scores are numbers that can be written and read again, as parameters may have any size.

    Raises: InputError for one that is none, or too large, and for a class that was possible and no longer is.
    """
    top = result.max(axis=1)
    whole = bool((np.abs(top) <= LARGEST).all())  # NaN, too, is not
    if whole and result.min() >= -LARGEST:
        return
    impossible = np.isneginf(result)
    if not whole or (impossible & ~np.isneginf(z)).any() or (result[~impossible] < -LARGEST).any():
        raise InputError(
            f"the map gives scores that are not numbers, or are beyond {LARGEST:g}: its parameters are too large for "
            "these scores, or too small"
        )


def _keep_top(scores: npt.NDArray[Any], result: Floats) -> None:
    """If rounding has made the largest score equal to another or less, exchange the two, so that the sum stays."""
    before, after = scores.argmax(axis=1), result.argmax(axis=1)
    rows = np.flatnonzero(before != after)
    if len(rows):
        before, after = before[rows], after[rows]
        largest = result[rows, after]
        result[rows, after] = result[rows, before]
        result[rows, before] = np.nextafter(largest, np.inf)
