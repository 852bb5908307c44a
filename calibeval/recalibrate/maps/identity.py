"""No map: scores as they are. What `method="auto"` takes where no map is better."""

from __future__ import annotations

from typing import Any, ClassVar

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, label_scores, log_scores

UNCHANGED = "this map changes nothing"


class IdentityMap(Map):
    """Scores as they are; with a clip, smaller probabilities are raised to it."""

    __slots__ = ()

    method: ClassVar[str] = "none"
    keeps_top: ClassVar[bool] = True
    takes_confidence: ClassVar[bool] = True

    def parameters(self) -> dict[str, Any]:
        """None."""
        return {}

    def apply(self, z: Floats) -> Floats:
        """The log-scores themselves."""
        return z

    def of_two(self, pairs: Floats) -> Floats:
        """The log-scores themselves."""
        return pairs


def fit_identity(predictions: Predictions, clip: float | None) -> Solution:
    """No parameters, and a note that the map changes nothing.

    Raises: BadValues for values that contradict the kind; Impossible if a label has probability 0.

    >>> fit_identity(Predictions(probs=[0.2, 0.7], labels=[0, 1]), None)
    Solution(values=(), note='this map changes nothing', search=None)
    """
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        label_scores(z, block.labels)
    return Solution((), UNCHANGED)
